"""What an organisation's plan still allows, and the sentence when it does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Sum
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import Blob, Organisation, Plan
from accounts.plan_limits import PLAN_LIMIT
from imaging.models import Run
from imaging.months import month_start, next_month
from imaging.services.refusals import NotPossible
from imaging.types import Refused

GB = 10**9


def runs_check(organisation: Organisation) -> None:
    """Raise NotPossible when the plan's runs of this calendar month are used up."""
    limit = organisation.plan.runs_per_month
    if limit is None:
        return
    start = month_start()
    used = Run.objects.filter(organisation=organisation, created_at__gte=start).count()
    if used >= limit:
        raise NotPossible(
            _(
                "The plan “%(plan)s” allows %(limit)d runs a month and %(used)d were made."
                " The count starts anew on %(date)s; an administrator can ask for another plan."
            )
            % {
                "plan": organisation.plan.name,
                "limit": limit,
                "used": used,
                "date": date_format(next_month(start), "MONTH_DAY_FORMAT"),
            },
            PLAN_LIMIT,
        )


@dataclass(frozen=True, slots=True)
class StorageTold:
    """The storage of an organisation as its people are told of it; no limit: None."""

    house: Organisation
    plan: Plan
    used: int

    @property
    def limit(self) -> int | None:
        return self.plan.storage_bytes

    @property
    def left(self) -> int:
        return max(0, (self.limit or 0) - self.used)

    @property
    def low(self) -> int:
        return (self.limit or 0) * 7 // 10

    @property
    def high(self) -> int:
        return (self.limit or 0) * 9 // 10

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.used >= self.limit


def storage_told(houses: Iterable[Organisation]) -> list[StorageTold]:
    """Return what each organisation uses of its plan's storage, in one query."""
    houses = {house.pk: house for house in houses}
    rows = Blob.objects.filter(organisation__in=houses).values("organisation")
    used = dict(rows.order_by().annotate(n=Sum("size")).values_list("organisation", "n"))
    return [StorageTold(house, house.plan, used.get(pk) or 0) for pk, house in houses.items()]


class StorageRoom:
    """What is left of the plan's storage: counted once, then kept up file by file.

    besides   bytes that are counted as used and go when the next file is kept.
    """

    def __init__(self, organisation: Organisation, *, besides: int = 0) -> None:
        self._plan = organisation.plan
        is_bounded = self._plan.storage_bytes is not None
        self._used = storage_used(organisation) - besides if is_bounded else 0

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
