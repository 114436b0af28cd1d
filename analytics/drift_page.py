"""The page of figures about drift: what came in and what came out, against the first month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from math import sqrt

from django.db.models import Avg, Count, F, FloatField, Min, Q, QuerySet
from django.db.models.functions import Cast, Least
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from analytics import charts
from analytics.counting import number_in, results_counted, reviews_counted
from analytics.figures import LEAST, SHARE, TEXT, VALUE, Column, Figure, Flag, Page, text_of
from analytics.filters import Buckets, Filters, Span
from analytics.moves import ENOUGH, STEP, mean_moved, share_moved
from analytics.shapes import gaps
from imaging.measures.small_cells import count_told
from imaging.models import Decision, GateVerdict, Severity

FIRST = timedelta(days=28)
MEANS = ("brightness", "contrast", "side")


@dataclass(frozen=True, slots=True)
class Watched:
    """One number that is watched: its name, its kind, and how it is told."""

    key: str
    title: str
    kind: str = SHARE

    def told(self, value: float) -> str:
        return text_of(value, self.kind)


def watched() -> list[Watched]:
    """Return what is watched, what comes in before what comes out."""
    return [
        Watched("brightness", _("Brightness of the images"), VALUE),
        Watched("contrast", _("Contrast of the images"), VALUE),
        Watched("side", _("Short side of the images, in pixels"), VALUE),
        Watched("gate", _("Warned of or refused by the input check")),
        Watched("high", _("High severity")),
        Watched("apart", _("Models disagree")),
        Watched("rejected", _("Rejected by readers")),
    ]


def drift_of(user, filters: Filters, at) -> Page:
    """Read the whole page; the number of statements does not depend on the rows.

    Without an ensemble: the one that was used most, for a mixture has no first month.
    """
    span = Span.of(filters, at)
    name, filters = _ensemble(results_counted(user, filters), span, filters)
    buckets = Buckets(span, filters.days > 7)
    results, reviews = results_counted(user, filters), reviews_counted(user, filters)
    first = results.aggregate(first=Min("created_at"))["first"]
    if first is None:
        return Page((), [_empty(one) for one in watched()])
    usual = _numbers(results, reviews, Q(created_at__gte=first, created_at__lt=first + FIRST))
    found = _numbers(results, reviews, span.during("created_at"), buckets.of("created_at"))
    usual_of, figures, flags, few, can_tell = usual.get(None, {}), [], [], [], False
    for one in watched():
        series = [found.get(start, {}).get(one.key) for start in buckets.starts]
        figures.append(_figure(one, series, usual_of.get(one.key), buckets))
        now, then = _lately(series), usual_of.get(one.key)
        if now and then and min(now.n, then.n) >= ENOUGH:
            flags += _flag(one, now, then, name)
            can_tell = True
        elif now or then:
            few.append(too_few_of(one.title, min(seen.n if seen else 0 for seen in (now, then))))
    last = first + FIRST
    said = _("%(name)s: the first month is %(first)s to %(last)s.") % {
        "name": name, "first": _day(first), "last": _day(last)}  # fmt: skip
    rule = rule_of(flags, can_tell=can_tell)
    return Page((), figures, flags, said, rule, few, can_tell)


def rule_of(flags: Sequence[Flag], *, can_tell: bool) -> str:
    """Say when a number is told; where there was enough to tell and nothing was, that too."""
    rule = _(
        "Told is a mean that lies more than one standard deviation of the first month away, and a"
        " share that differs by more than three standard errors and by %(step)s percentage points"
        " or more; each of the newest %(n)s or more, against %(n)s or more before."
    ) % {"step": round(100 * STEP), "n": ENOUGH}
    return _("Nothing stands out.") + " " + rule if can_tell and not flags else rule


def too_few_of(title: str, n: int) -> str:
    """Say of what there is too little to tell; a count about persons is not told."""
    return _("%(title)s, n = %(n)s of %(least)s") % {
        "title": title, "n": count_told(n), "least": ENOUGH}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in one stretch of time: of how many, their mean or share, their spread."""

    n: int
    value: float
    spread: float

    @property
    def is_enough(self) -> bool:
        return self.n >= LEAST


def _numbers(results: QuerySet, reviews: QuerySet, when: Q, bucket=None) -> dict:
    """Return {bucket: {key: Seen}} of everything watched, in two statements."""
    group = ["bucket"] if bucket is not None else []
    rows = results.filter(when)
    said = reviews.filter(when)
    if bucket is not None:
        rows, said = rows.annotate(bucket=bucket), said.annotate(bucket=bucket)
    else:
        rows, said = rows.order_by(), said.order_by()
    low, high = number_in("image__facts", "low"), number_in("image__facts", "high")
    rows = rows.annotate(
        brightness=(low + high) / 2.0, contrast=high - low,
        side=Cast(Least(F("image__width"), F("image__height")), FloatField()),
    )  # fmt: skip
    sums: dict = {}
    for key in MEANS:
        sums[f"{key}_n"], sums[f"{key}_mean"] = Count(key), Avg(key)
        sums[f"{key}_squares"] = Avg(F(key) * F(key))  # SQLite's StdDev trips over NULL
    assessed = ~Q(severity=Severity.NOT_ASSESSED)
    parts = {
        "gate": (~Q(gate_verdict=""), ~Q(gate_verdict="") & ~Q(gate_verdict=GateVerdict.PASS)),
        "high": (assessed, Q(severity=Severity.HIGH)),
        "apart": (Q(agreement__mean_dice__isnull=False), Q(disagree=True)),
    }
    for key, (whole, part) in parts.items():
        sums[f"{key}_n"] = Count("pk", filter=whole)
        sums[f"{key}_yes"] = Count("pk", filter=part)
    found: dict = {}
    for row in _grouped(rows, group, sums):
        seen = {key: _mean(row, key) for key in MEANS} | {key: _share(row, key) for key in parts}
        found.setdefault(_start(row), {}).update(seen)
    sums = {"rejected_n": Count("pk"),
            "rejected_yes": Count("pk", filter=Q(decision=Decision.REJECTED))}  # fmt: skip
    for row in _grouped(said, group, sums):
        found.setdefault(_start(row), {})["rejected"] = _share(row, "rejected")
    return found


def _grouped(rows: QuerySet, group: Sequence[str], sums: dict):
    return rows.values(*group).annotate(**sums) if group else [rows.aggregate(**sums)]


def _start(row: dict):
    return localtime(row["bucket"]) if "bucket" in row else None


def _mean(row: dict, key: str) -> Seen | None:
    n = row[f"{key}_n"]
    if not n:
        return None
    mean = row[f"{key}_mean"]
    return Seen(n, mean, sqrt(max(0.0, row[f"{key}_squares"] - mean * mean)))


def _share(row: dict, key: str) -> Seen | None:
    n = row[f"{key}_n"]
    part = row[f"{key}_yes"] / n if n else 0.0
    return Seen(n, part, sqrt(part * (1 - part))) if n else None


def _figure(
    one: Watched, series: Sequence[Seen | None], usual: Seen | None, buckets: Buckets
) -> Figure:
    scale = 100 if one.kind == SHARE else 1
    values = [seen.value * scale if seen and seen.is_enough else None for seen in series]
    rows = [
        [name, seen.n, seen.value if seen.is_enough else None]
        for name, seen in zip(buckets.names, series, strict=True) if seen
    ]  # fmt: skip
    band = None
    if usual and usual.is_enough:
        around = 0.0 if one.kind == SHARE else usual.spread
        band = ((usual.value - around) * scale, (usual.value + around) * scale)
        rows.insert(0, [_("First month"), usual.n, usual.value])
    total = sum(seen.n for seen in series if seen)
    said = _("First month: %(value)s.") % {"value": one.told(usual.value)} if band else ""
    words = charts.Words(one.key, one.title, said)
    return Figure(
        one.key, one.title,
        [Column(buckets.label, TEXT), Column(_("n")), Column(_("Value"), one.kind)], rows,
        total if any(value is not None for value in values) else min(total, LEAST - 1),
        charts.course(words, buckets.names, values, tick=_tick(one), usual=band,
                      said=_("first month") if band else "",
                      ends=(0, 10) if one.kind == SHARE else None),
        note=gaps(rows),
    )  # fmt: skip


def _tick(one: Watched) -> Callable[[float], str]:
    if one.kind == SHARE:
        return lambda value: _("%(n)s%%") % {"n": number_format(value)}
    return lambda value: number_format(value, force_grouping=True)


def _lately(series: Sequence[Seen | None]) -> Seen | None:
    """Return the newest stretches that hold ENOUGH together, or all that there are."""
    n, total = 0, 0.0
    for seen in reversed(series):
        if seen and n < ENOUGH:
            n, total = n + seen.n, total + seen.n * seen.value
    return Seen(n, total / n, 0.0) if n else None


def _flag(one: Watched, now: Seen, usual: Seen, name: str) -> list[Flag]:
    """Return a sentence where what came lately has moved away."""
    if one.kind == SHARE:
        moved = share_moved(now.value, now.n, usual.value, usual.n)
    else:
        moved = mean_moved(now.value, now.n, usual.value, usual.n, usual.spread)
    if not moved:
        return []
    said = _(
        "%(title)s, %(name)s: %(now)s lately (n = %(n)s), %(first)s in the first month"
        " (n = %(first_n)s)."
    )
    told = {"title": one.title, "name": name, "now": one.told(now.value), "n": now.n,
            "first": one.told(usual.value), "first_n": usual.n}  # fmt: skip
    return [Flag(said % told, "drift", one.key)]


def _ensemble(results: QuerySet, span: Span, filters: Filters) -> tuple[str, Filters]:
    """Return the ensemble that was asked for, or the one that was used most in the span."""
    used = results.filter(span.during("created_at"), job__run__ensemble__isnull=False)
    ranked = used.values_list("job__run__ensemble", "job__run__title").annotate(n=Count("pk"))
    best = ranked.order_by("-n", "job__run__title").first()
    if best is None:
        return _("All ensembles"), filters
    return best[1], replace(filters, ensemble=str(best[0]))


def _empty(one: Watched) -> Figure:
    return Figure(one.key, one.title, [], [], 0)


def _day(moment) -> str:
    return date_format(localtime(moment), "DATE_FORMAT")
