"""How much of the plan the organisation used, month by month."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.selectors import home_organisation
from analytics import charts
from analytics.figures import COUNT, SHARE, TEXT, Column, Figure
from imaging.models import Run

MONTHS = 12


def plan_use(user, at: datetime) -> Figure | None:
    """Return the runs of the last twelve months beside the plan's limit, whatever the filters."""
    house = home_organisation(user, "plan.view")
    if house is None:
        return None
    months = _months(at)
    runs = Run.objects.filter(organisation=house, created_at__gte=months[0]).order_by()
    by_month = runs.annotate(month=TruncMonth("created_at")).values_list("month")
    found = {localtime(month): n for month, n in by_month.annotate(n=Count("pk"))}
    used = [found.get(month, 0) for month in months]
    names = [date_format(month, "M Y") for month in months]
    limit = house.plan.runs_per_month
    title = _("Runs of the month and the plan")
    last = _("%(n)s runs in %(month)s") % {"n": used[-1], "month": names[-1]}
    said = _("%(last)s of %(limit)s") % {"last": last, "limit": limit} if limit else last
    rows = [
        [name, n, *((n / limit,) if limit else ())] for name, n in zip(names, used, strict=True)
    ]
    used_of = [Column(_("Of the plan"), SHARE)] if limit else []
    return Figure(
        "plan", title, [Column(_("Month"), TEXT), Column(_("Runs"), COUNT), *used_of], rows,
        sum(used),
        charts.columns(charts.Words("plan", title, f"{said}."),
                       [date_format(month, "M") for month in months],
                       [charts.Part("f1", used)], tick=_whole, mark=limit),
        sub=_("%(name)s: %(limit)s a month") % {"name": house.plan.name, "limit": limit}
        if limit else _("%(name)s: no limit") % {"name": house.plan.name},
        least=1,
    )  # fmt: skip


def _months(at: datetime) -> list[datetime]:
    month = localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = [month]
    while len(found) < MONTHS:
        first = found[0]
        year, number = (first.year - 1, 12) if first.month == 1 else (first.year, first.month - 1)
        naive = first.replace(year=year, month=number, tzinfo=None)
        found.insert(0, naive.replace(tzinfo=month.tzinfo))
    return found


def _whole(value: float) -> str:
    return number_format(value, 0)
