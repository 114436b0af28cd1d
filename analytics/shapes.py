"""Figures that several pages show: how long it took, and what readers said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.db.models import Count
from django.utils.translation import gettext as _

from analytics import charts
from analytics.counting import NEVER, Took
from analytics.figures import (
    COUNT,
    LEAST,
    SECONDS,
    SHARE,
    TEXT,
    Column,
    Figure,
    duration,
    share,
    short_duration,
)
from analytics.filters import Buckets
from imaging.models import Decision

MOST_LINES = 6
VERDICTS = ((Decision.ACCEPTED, "f2"), (Decision.EDITED, "f3"), (Decision.REJECTED, "f4"))


def time_figure(key: str, title: str, buckets: Buckets, found: dict, whole: Took) -> Figure:
    """Return median and P95 over time, with P90 in the table; columns of few stay empty."""
    told = [found.get(one, NEVER).told() for one in buckets.starts]
    said = (
        _("%(span)s: median %(median)s, P95 %(p95)s over %(n)s.")
        % {"span": buckets.span.said, "median": duration(whole.median),
           "p95": duration(whole.p95), "n": whole.n}
    )  # fmt: skip
    words = charts.Words(key, title, said)
    rows = [
        [name, found.get(one, NEVER).n, *numbers]
        for name, one, numbers in zip(buckets.names, buckets.starts, told, strict=True)
        if one in found
    ]
    return Figure(
        key, title,
        [Column(buckets.label, TEXT), Column(_("n"), COUNT), Column(_("Median"), SECONDS),
         Column("P90", SECONDS), Column("P95", SECONDS)],
        rows, whole.n,
        charts.band(words, buckets.names, [one[0] for one in told], [one[2] for one in told],
                    tick=short_duration),
        sub=_("median and P95"), note=gaps(rows),
    )  # fmt: skip


def decisions(reviews, by: str, title: str, label: str, key: str = "decisions") -> Figure:
    """Return what readers said, by ensemble, model or reader; the largest first."""
    counted: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for name, decision, n in reviews.values_list(by, "decision").annotate(n=Count("pk")):
        counted[name][decision] += n
    return verdicts_figure(key, title, label, counted)


def verdicts_figure(
    key: str, title: str, label: str, counted: Mapping[str, Mapping[str, int]]
) -> Figure:
    """Return a figure of {name: {decision: n}}; a name with few stands without its shares."""
    sizes = {name: sum(of.values()) for name, of in counted.items()}
    names = sorted(sizes, key=lambda name: (-sizes[name], name))
    lines = [
        charts.Line(
            name, _("%(n)s results") % {"n": sizes[name]},
            [(colour, counted[name].get(verdict, 0)) for verdict, colour in VERDICTS],
        )
        for name in names if sizes[name] >= LEAST
    ][:MOST_LINES]  # fmt: skip
    total = sum(sizes.values())
    whole = [
        f"{verdict.label} {sum(of.get(verdict, 0) for of in counted.values())}"
        for verdict, _colour in VERDICTS
    ]
    words = charts.Words(key, title, f"{', '.join(whole)}.")
    rows = [
        [name, sizes[name],
         *(share(counted[name].get(verdict, 0), sizes[name]) for verdict, _colour in VERDICTS)]
        for name in names
    ]  # fmt: skip
    return Figure(
        key, title,
        [Column(label, TEXT), Column(_("n")),
         *(Column(str(verdict.label), SHARE) for verdict, _colour in VERDICTS)],
        rows, total if lines else min(total, LEAST - 1), charts.rows(words, lines),
        legend=[(colour, str(verdict.label)) for verdict, colour in VERDICTS],
        note=gaps(rows),
    )  # fmt: skip


def gaps(rows) -> str:
    """Say that something was left out, where it was."""
    if not any(None in row for row in rows):
        return ""
    return _("What has fewer than %(n)s results is not shown.") % {"n": LEAST}
