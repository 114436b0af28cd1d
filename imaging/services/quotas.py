"""What an organisation's plan still allows, and the sentence when it does not."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Sum
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.models import Blob, Organisation
from imaging.models import Run
from imaging.services.refusals import NotPossible
from imaging.types import Refused

GB = 10**9


def runs_check(organisation: Organisation) -> None:
    """Raise NotPossible when the plan's runs of this calendar month are used up."""
    limit = organisation.plan.runs_per_month
    if limit is None:
        return
    start = _month_start()
    used = Run.objects.filter(organisation=organisation, created_at__gte=start).count()
    if used >= limit:
        raise NotPossible(
            _(
                "The plan “%(plan)s” allows %(limit)d runs a month and %(used)d were made."
                " The count starts anew on %(date)s; an administrator can change the plan."
            )
            % {
                "plan": organisation.plan.name,
                "limit": limit,
                "used": used,
                "date": date_format(_next_month(start), "j F"),
            }
        )


class StorageRoom:
    """What is left of the plan's storage: counted once, then kept up file by file."""

    def __init__(self, organisation: Organisation) -> None:
        self._plan = organisation.plan
        self._used = 0 if self._plan.storage_bytes is None else storage_used(organisation)

    def take(self, size: int) -> None:
        """Count `size` more bytes. Raises: Refused when they do not fit."""
        limit = self._plan.storage_bytes
        if limit is not None and self._used + size > limit:
            raise Refused(
                "quota-storage",
                _(
                    "The storage of the plan “%(plan)s” is full: %(used).1f of %(limit).1f GB are"
                    " used. An administrator can change the plan."
                )
                % {"plan": self._plan.name, "used": self._used / GB, "limit": limit / GB},
            )
        self._used += size


def storage_used(organisation: Organisation) -> int:
    """Return the bytes of the organisation's files, before encryption."""
    return Blob.objects.filter(organisation=organisation).aggregate(n=Sum("size"))["n"] or 0


def _month_start() -> datetime:
    return localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _next_month(start: datetime) -> datetime:
    if start.month == 12:
        return start.replace(year=start.year + 1, month=1)
    return start.replace(month=start.month + 1)
