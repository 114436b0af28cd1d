"""The month that runs are counted by, in local time."""

from __future__ import annotations

from datetime import datetime

from django.utils.timezone import localtime


def month_start() -> datetime:
    """Return when the month that runs are counted by began, in local time."""
    return localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(start: datetime) -> datetime:
    """Return when the month after that of `start` begins: the count starts anew."""
    if start.month == 12:
        return start.replace(year=start.year + 1, month=1)
    return start.replace(month=start.month + 1)
