"""Erasing a patient: two administrators, a line in a ledger, then nobody reads them again."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership, Organisation, User
from accounts.roles import roles_for
from accounts.vault.ledger import Erased, ledger_append, ledger_entries
from imaging.models import Erasure, Patient
from imaging.services.refusals import NotPossible
from imaging.services.shredding import is_shredded, patient_shred

ACTION = "patient.erase"


@transaction.atomic
def erasure_request(*, user: User, patient: Patient, reason: str) -> Erasure:
    """Ask for a patient's erasure; another administrator of the organisation must approve.

    Raises: NotPossible where the user is no administrator there, or somebody asked already.
    """
    _check_administrator(user, patient.organisation)
    try:
        with transaction.atomic():
            erasure = Erasure.objects.create(
                organisation=patient.organisation,
                patient_id=patient.pk,
                reason=reason,
                requested_by=user,
            )
    except IntegrityError:
        raise NotPossible(_("The erasure of this patient has been asked for already.")) from None
    audit.record(user, "patient.erase_ask", erasure, reason=reason)
    return erasure


@transaction.atomic
def erasure_approve(*, user: User, erasure: Erasure) -> Erasure:
    """Erase the patient now and for good. Called twice, the second finds it done: NotPossible.

    The ledger is written last before the commit: should this process end between the
    two, the next start erases what the ledger names.

    Raises: NotPossible for the person who asked, for those who are no administrators
    there, and for a request that is no longer open.
    """
    erasure = Erasure.objects.select_for_update().get(pk=erasure.pk)
    if not erasure.is_open:
        raise NotPossible(_("This request is no longer open."))
    if erasure.requested_by_id == user.pk:
        raise NotPossible(_("Nobody approves their own request: another administrator must."))
    _check_administrator(user, erasure.organisation)
    _check_administrator(erasure.requested_by, erasure.organisation)
    patient_shred(erasure.organisation_id, erasure.patient_id)
    erasure.approved_by, erasure.done_at = user, now()
    erasure.save(update_fields=["approved_by", "done_at"])
    audit.record(user, ACTION, erasure, reason=erasure.reason)
    ledger_append(Erased(erasure.organisation_id, erasure.patient_id))
    return erasure


@transaction.atomic
def erasure_withdraw(*, user: User, erasure: Erasure) -> None:
    """Close an open request without erasing; any administrator of the organisation may."""
    _check_administrator(user, erasure.organisation)
    open_still = Erasure.objects.filter(pk=erasure.pk, done_at=None, withdrawn_at=None)
    if not open_still.update(withdrawn_at=now()):
        raise NotPossible(_("This request is no longer open."))
    audit.record(user, "patient.erase_withdraw", erasure)


def erasures_replay() -> int:
    """Erase again whomever the ledger names and this database still holds; return how many.

    A restored backup is older than an erasure: this comes before it serves.
    Raises: LedgerBroken.
    """
    return sum(_replay(erased) for erased in erasures_missing())


def erasures_missing() -> list[Erased]:
    """Return the erasures of the ledger that this database does not know. Raises: LedgerBroken."""
    return [erased for erased in ledger_entries() if not is_shredded(erased.patient_id)]


@transaction.atomic
def _replay(erased: Erased) -> bool:
    organisation = Organisation.objects.filter(pk=erased.organisation_id).first()
    patient_shred(erased.organisation_id, erased.patient_id)
    asked = Erasure.objects.filter(patient_id=erased.patient_id, done_at=None)
    asked.delete()  # what was open in the backup has been answered
    audit.record(None, "ledger.replay", organisation, organisation=organisation)
    return True


def _check_administrator(user: User, organisation: Organisation) -> None:
    here = Membership.objects.current().filter(user=user, organisation=organisation)
    if not user.is_active or not here.filter(role__in=roles_for(ACTION)).exists():
        raise NotPossible(_("An erasure takes two administrators of the patient's organisation."))
