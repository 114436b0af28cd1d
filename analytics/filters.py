"""What a person asks of the figures: a period, a kind of image, a department, an ensemble."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Q
from django.db.models.functions import TruncDay, TruncWeek
from django.utils.formats import date_format
from django.utils.timezone import get_current_timezone, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.models import Modality

USUAL = "28"
PERIODS = {
    "7": gettext_lazy("7 days"), "28": gettext_lazy("28 days"),
    "91": gettext_lazy("Quarter"), "364": gettext_lazy("Year"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for; what makes no sense is left out."""

    period: str = USUAL
    modality: str = ""
    department: str = ""
    ensemble: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Filters:
        period, modality = query.get("period", USUAL), query.get("modality", "")
        ids = {name: query.get(name, "") for name in ("department", "ensemble")}
        return cls(
            period=period if period in PERIODS else USUAL,
            modality=modality if modality in Modality.values else "",
            **{name: value if _is_id(value) else "" for name, value in ids.items()},
        )

    @property
    def query(self) -> str:
        """The address that asks the same."""
        asked = {one.name: getattr(self, one.name) for one in fields(self)}
        return urlencode({name: value for name, value in asked.items() if value})

    @property
    def days(self) -> int:
        return int(self.period)

    @property
    def by_week(self) -> bool:
        """Say whether a day is too short a column."""
        return self.days > 28

    def condition(self, image: str, run: str) -> Q:
        """Return the filters but for the time, of a table that finds its image and its run so."""
        wanted = Q()
        if self.modality:
            wanted &= Q(**{f"{image}__modality": self.modality})
        if self.department:
            wanted &= Q(**{f"{image}__study__department": self.department})
        if self.ensemble:
            wanted &= Q(**{f"{run}__ensemble": self.ensemble})
        return wanted


@dataclass(frozen=True, slots=True)
class Span:
    """The days that count, whole ones of the house's clock, and as many before them."""

    before: datetime
    start: datetime
    end: datetime

    @classmethod
    def of(cls, filters: Filters, at: datetime) -> Span:
        midnight = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
        start = _wall(midnight - timedelta(days=filters.days - 1))
        return cls(_wall(start - timedelta(days=filters.days)), start, at)

    def during(self, column: str) -> Q:
        return Q(**{f"{column}__gte": self.start, f"{column}__lte": self.end})

    def with_before(self, column: str) -> Q:
        return Q(**{f"{column}__gte": self.before, f"{column}__lte": self.end})

    @property
    def said(self) -> str:
        last = localtime(self.end)
        return _("%(first)s to %(last)s") % {
            "first": date_format(localtime(self.start), "DATE_FORMAT"),
            "last": date_format(last, "DATE_FORMAT"),
        }


@dataclass(frozen=True, slots=True)
class Buckets:
    """The columns of a chart over time: whole days, or weeks that begin on Monday."""

    span: Span
    weekly: bool

    def of(self, column: str) -> TruncDay | TruncWeek:
        return TruncWeek(column) if self.weekly else TruncDay(column)

    @property
    def starts(self) -> list[datetime]:
        first = localtime(self.span.start)
        step = timedelta(days=7 if self.weekly else 1)
        first = _wall(first - timedelta(days=first.weekday())) if self.weekly else first
        found = [first]
        while _wall(found[-1] + step) <= self.span.end:
            found.append(_wall(found[-1] + step))
        return found

    @property
    def names(self) -> list[str]:
        return [date_format(one, "j M") for one in self.starts]

    @property
    def label(self) -> str:
        return _("Week from") if self.weekly else _("Day")


def _wall(moment: datetime) -> datetime:
    """Return the same time on the wall where summer time came or went in between."""
    return moment.replace(tzinfo=None).replace(tzinfo=get_current_timezone())


def _is_id(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True
