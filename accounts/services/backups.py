"""What the trail says of backups, and who is told when one is late."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max, Min
from django.utils.timezone import now

from accounts import audit
from accounts.models import AuditEvent, Notice
from accounts.roles import ADMINISTRATOR
from accounts.services.notices import notice_send_to_role

MADE, RESTORED, LATE = "backup.create", "backup.restore", "late_backup"
AGAIN = timedelta(hours=24)  # nobody is told of the same gap more often


def backup_record(*, backup: str, files: int) -> AuditEvent:
    """Write down that a backup was made: which, with how many files."""
    return audit.record(None, MADE, reason=f"backup {backup}, {files} files")


def restore_record(*, backup: str, made: str) -> AuditEvent:
    """Write down that this house was made from a backup: which, and of when."""
    return audit.record(None, RESTORED, reason=f"backup {backup} of {made}")


def backup_last() -> datetime | None:
    """Return when the last backup was made; None while there was none."""
    return AuditEvent.objects.filter(action=MADE).aggregate(last=Max("at"))["last"]


def backup_is_late(*, within_hours: int) -> bool:
    """Say whether the last one is older; never with 0: then somebody else looks after backups."""
    hours = _hours_without()
    return within_hours > 0 and hours is not None and hours >= within_hours


def backup_late_tell(*, within_hours: int) -> int | None:
    """Tell administrators that the last backup is older than that; return its age in hours.

    None when none is late. Within a day the same people are told once.
    """
    if not backup_is_late(within_hours=within_hours):
        return None
    hours = _hours_without()
    if not Notice.objects.filter(kind=LATE, at__gt=now() - AGAIN).exists():
        notice_send_to_role(role=ADMINISTRATOR, kind=LATE, facts={"hours": hours})
    return hours


def _hours_without() -> int | None:
    """Before the first backup the house's own age counts; None in a house without a past."""
    since = backup_last() or AuditEvent.objects.aggregate(first=Min("at"))["first"]
    return int((now() - since).total_seconds() // 3600) if since else None
