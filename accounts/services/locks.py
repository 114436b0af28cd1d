"""Accounts that have to wait: their owners are told once, an administrator may lift the wait."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.timezone import now

from accounts import audit
from accounts.models import AttemptCounter, Organisation, User
from accounts.services.notices import notice_send
from accounts.throttle.counters import ACCOUNT_QUIET_S

TOLD_AGAIN_S = 3600  # a password and a code locked one after the other are one story


@transaction.atomic
def lock_lift(*, user: User, organisation: Organisation, by: User, request_id: str = "") -> int:
    """Let `user` try again at once. Called twice, nothing is left to lift: 0, and no line."""
    held = AttemptCounter.objects.filter(user=user, held_until__gt=now())
    kinds = sorted(set(held.values_list("kind", flat=True)))
    count = held.delete()[0]
    if count:
        audit.record(
            by,
            "lock.lift",
            user,
            organisation=organisation,
            reason=", ".join(kinds),
            request_id=request_id,
        )
    return count


def locks_tell() -> int:
    """Tell each owner of a new lock, once; return how many were told.

    The worker does it, not the request that locked: its time would say whose
    address is known here. Called by several at once, one of them tells.
    """
    untold = AttemptCounter.objects.filter(locked_at__isnull=False, told_at=None)
    owners = User.objects.filter(pk__in=untold.exclude(user=None).values("user"), is_active=True)
    return sum(_tell(owner) for owner in owners)


def attempts_sweep() -> int:
    """Delete counters that nobody touched for a day: they count for nothing any more."""
    quiet_since = now() - timedelta(seconds=ACCOUNT_QUIET_S)
    return AttemptCounter.objects.filter(last_at__lt=quiet_since).delete()[0]


@transaction.atomic
def _tell(owner: User) -> bool:
    moment = now()
    mine = AttemptCounter.objects.filter(user=owner, locked_at__isnull=False)
    was_told = mine.filter(told_at__gt=moment - timedelta(seconds=TOLD_AGAIN_S)).exists()
    is_first = bool(mine.filter(told_at=None).update(told_at=moment))
    if not is_first or was_told:
        return False
    notice_send(to=owner, kind="account_locked")
    return True
