"""Emergency access to one patient: opened with a reason, told at once, ended, reviewed."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.access import refusal
from accounts.models import Organisation, User
from accounts.roles import ADMINISTRATOR, AUDITOR
from accounts.selectors import may_at
from accounts.services.notices import notice_send_to_role
from imaging.models import GLASS_OPEN, BreakGlass, Patient, Verdict
from imaging.services.refusals import NotPossible

LEAST_REASON = 15
REVIEW_WITHIN = timedelta(hours=72)


@transaction.atomic
def glass_break(*, by: User, patient: Patient, reason: str) -> BreakGlass:
    """Open one patient for an hour and tell the auditors. Open already, that one is returned.

    Raises: PermissionDenied; NotPossible, in words.
    """
    if not may_at(by, "glass.break", patient.organisation_id):
        raise PermissionDenied(refusal("glass.break"))
    reason = " ".join(reason.split())[:2000]
    if len(reason) < LEAST_REASON:
        raise NotPossible(
            _("Write the reason in at least %(n)d characters: an auditor will read it.")
            % {"n": LEAST_REASON}
        )
    Patient.objects.select_for_update(of=("self",)).get(pk=patient.pk)  # pressed twice: one case
    here = BreakGlass.objects.filter(user=by, patient=patient, closed_at=None)
    if (glass := here.filter(opened_at__gt=now() - GLASS_OPEN).first()) is not None:
        return glass
    glass = BreakGlass(
        organisation_id=patient.organisation_id,
        patient=patient,
        user=by,
        reason=reason,
        opened_at=now(),
    )
    glass.save(force_insert=True)
    audit.record(by, "breakglass.start", glass, after={"reason": reason})
    _tell(glass.organisation, "break_glass", besides=by)
    return glass


@transaction.atomic
def glass_close(*, by: User, glass: BreakGlass) -> None:
    """Give the access back before its hour is over. Twice, it changes nothing."""
    if BreakGlass.objects.filter(pk=glass.pk, user=by, closed_at=None).update(closed_at=now()):
        audit.record(by, "breakglass.end", glass, reason="given back")


@transaction.atomic
def glass_review(*, by: User, glass: BreakGlass, verdict: str, comment: str = "") -> None:
    """Approve an emergency access or object to it, once. Raises: PermissionDenied; NotPossible."""
    if not may_at(by, "glass.review", glass.organisation_id):
        raise PermissionDenied(refusal("glass.review"))
    if glass.user_id == by.pk:
        raise NotPossible(_("Nobody reviews their own emergency access."))
    if verdict not in Verdict.values:
        raise NotPossible(_("Choose: approve or object."))
    comment = comment.strip()[:2000]
    if verdict == Verdict.OBJECTED and not comment:
        raise NotPossible(_("Say in the comment what you object to."))
    open_still = BreakGlass.objects.filter(pk=glass.pk, verdict="")
    if not open_still.update(verdict=verdict, reviewed_by=by, reviewed_at=now()):
        raise NotPossible(_("Somebody has reviewed it already."))
    glass.refresh_from_db()
    glass.comment = comment
    glass.save(update_fields=["comment"])
    audit.record(by, "breakglass.review", glass, reason=verdict, after={"comment": comment})


def glasses_tend() -> int:
    """End what ran out and escalate what nobody reviewed in time; return how many."""
    return _end_lapsed() + _escalate()


def _end_lapsed() -> int:
    lapsed = BreakGlass.objects.filter(closed_at=None, opened_at__lte=now() - GLASS_OPEN)
    count = 0
    for glass in lapsed.select_related("user", "organisation").defer("reason", "comment"):
        with transaction.atomic():
            ended = lapsed.filter(pk=glass.pk).update(closed_at=F("opened_at") + GLASS_OPEN)
            if ended:
                audit.record(glass.user, "breakglass.end", glass, reason="ran out")
        count += ended
    return count


def _escalate() -> int:
    late = BreakGlass.objects.filter(
        verdict="", escalated_at=None, opened_at__lte=now() - REVIEW_WITHIN
    )
    count = 0
    for glass in late.select_related("user", "organisation").defer("reason", "comment"):
        with transaction.atomic():
            escalated = late.filter(pk=glass.pk).update(escalated_at=now())
            if escalated:
                audit.record(None, "breakglass.escalate", glass)
                _tell(glass.organisation, "break_glass_escalated", besides=glass.user, wide=True)
        count += escalated
    return count


def _tell(organisation: Organisation, kind: str, *, besides: User, wide: bool = False) -> None:
    """Tell the auditors; where there is none, or when it is late, the administrators as well."""
    told = notice_send_to_role(role=AUDITOR, kind=kind, organisation=organisation)
    if wide or not [notice for notice in told if notice.to_id != besides.pk]:
        notice_send_to_role(role=ADMINISTRATOR, kind=kind, organisation=organisation)
