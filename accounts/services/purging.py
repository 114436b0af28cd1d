"""Old months of the trail are purged whole; their checkpoints stay, a new one signs the count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit.chain import purged_up_to
from accounts.audit.triggers import install, remove
from accounts.models import AuditCheckpoint, AuditEvent, AuditSeal
from accounts.services.sealing import as_checkpoint, purge_seal, sealer_wait
from accounts.services.trail import trail_verify, verification_record

SHORTEST_YEARS = 1  # younger rows go with no command of ours


@dataclass(frozen=True, slots=True)
class Purge:
    """What would go: the links up to `up_to`, all of them from before `month`."""

    month: datetime
    after: int
    up_to: int

    @property
    def rows(self) -> int:
        return self.up_to - self.after


def purge_planned(*, keep_years: int) -> Purge:
    """Return what is older than whole `keep_years` years, in whole months that are signed.

    The rows behind a month's last checkpoint stay with the next: a trail begins at a signed hash.
    """
    if keep_years < SHORTEST_YEARS:
        raise ValidationError(_("The trail is kept for at least one year."))
    today = now().astimezone(UTC)
    month = datetime(today.year - keep_years, today.month, 1, tzinfo=UTC)
    after = purged_up_to(as_checkpoint(row) for row in AuditCheckpoint.objects.all())
    young = AuditEvent.objects.filter(at__gte=month).values("pk")
    first_young = AuditSeal.objects.filter(event_id__in=young).order_by("seq").first()
    ends = AuditCheckpoint.objects.filter(seq__gt=after)
    if first_young is not None:
        ends = ends.filter(seq__lt=first_young.seq)
    end = ends.order_by("-seq").values_list("seq", flat=True).first()
    return Purge(month, after, end or after)


def trail_purge(*, keep_years: int) -> Purge:
    """Delete what `purge_planned` names, from a trail that verifies; write that down and sign it.

    Whoever calls it owns the database: for the moment of the transaction the triggers are
    lifted, which the web server's role may not. Raises ValidationError in words.
    """
    plan = purge_planned(keep_years=keep_years)
    if not plan.rows:
        return plan
    verdict = trail_verify()
    verification_record(user=None, verdict=verdict)
    if verdict.first is not None:
        raise ValidationError(
            _("The trail is damaged at entry %(seq)s: nothing is purged before that is understood.")
            % {"seq": verdict.first.seq}
        )
    reason = f"entries {plan.after + 1} to {plan.up_to}, before {plan.month:%Y-%m}"
    with transaction.atomic():
        sealer_wait()
        _delete(plan)
        audit.record(None, "audit.purge", reason=reason)
        purge_seal(plan.up_to)
    return plan


def _delete(plan: Purge) -> None:
    seals = AuditSeal.objects.filter(seq__lte=plan.up_to)
    with connection.cursor() as cursor:
        for statement in remove(connection.vendor):
            cursor.execute(statement)
        AuditEvent.objects.filter(pk__in=seals.values("event_id")).delete()
        seals.delete()
        for statement in install(connection.vendor):
            cursor.execute(statement)
