"""The first page of the figures: how much, how fast, how severe, what readers said, what failed."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import BooleanField, Count, ExpressionWrapper, Q
from django.utils.formats import number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.selectors import user_may
from analytics import charts
from analytics.counting import (
    NEVER,
    Took,
    between,
    first_signatures,
    jobs_counted,
    results_counted,
    reviews_counted,
    took_by,
)
from analytics.drift_page import drift_of, rule_of, too_few_of
from analytics.figures import (
    SHARE,
    TEXT,
    Column,
    Figure,
    Flag,
    Page,
    share,
)
from analytics.filters import Buckets, Filters, Span
from analytics.kpis import accepted_kpi, failed_counts, failed_kpi, studies_kpi, time_kpi
from analytics.moves import ENOUGH, share_moved
from analytics.plan_use import plan_use
from analytics.shapes import MOST_LINES, decisions, gaps, time_figure
from imaging.models import JobStatus, Modality, Severity

MIX = ((Severity.NO_FINDING, "f5"), (Severity.LOW, "fl"), (Severity.MODERATE, "fm"),
       (Severity.HIGH, "fh"))  # fmt: skip


def overview_of(user, filters: Filters, at) -> Page:
    """Read the whole page; the number of statements does not depend on the rows."""
    span = Span.of(filters, at)
    fine = Buckets(span, filters.by_week)
    coarse = Buckets(span, filters.days > 7)
    results = results_counted(user, filters)
    jobs = jobs_counted(user, filters)
    reviews = reviews_counted(user, filters)
    volume = _volume(results, fine)
    times, pace = _pace(jobs, fine)
    figures = [
        volume,
        pace,
        decisions(reviews.filter(span.during("created_at")), "result__job__run__title",
                  _("Reader decisions"), _("Ensemble")),
        _severity(results, coarse),
        _signatures(first_signatures(user, filters), coarse),
        _failures(jobs, span),
    ]  # fmt: skip
    if user_may(user, "plan.view"):
        figures += [one for one in [plan_use(user, at)] if one is not None]
    failed = failed_counts(jobs, span)
    kpis = [
        studies_kpi(results, span, filters, volume),
        time_kpi(times),
        accepted_kpi(reviews, span),
        failed_kpi(*failed),
    ]
    drift = drift_of(user, filters, at)
    flags = [*_failing(*failed), *drift.flags]
    rule = rule_of(flags, can_tell=drift.can_tell) if drift.rule else ""
    return Page(kpis, figures, flags, "", rule, [*_few_failing(*failed), *drift.few])


def _failing(now: tuple[int, int], before: tuple[int, int]) -> list[Flag]:
    """Return a sentence where more jobs fail than in the days before."""
    (part, n), (old, m) = now, before
    if not n or not m or part / n <= old / m or not share_moved(part / n, n, old / m, m):
        return []
    said = _("More jobs fail: %(part)s of %(n)s, %(old)s of %(m)s in the days before.")
    return [Flag(said % {"part": part, "n": n, "old": old, "m": m}, "overview", "failures")]


def _few_failing(now: tuple[int, int], before: tuple[int, int]) -> list[str]:
    """Say that jobs are too few to compare, where there are some."""
    n, m = now[1], before[1]
    return [too_few_of(_("Failed jobs"), min(n, m))] if n + m > 0 and min(n, m) < ENOUGH else []


def _volume(results, buckets: Buckets) -> Figure:
    """Count the studies of which something was analysed, by kind of image."""
    found: dict = defaultdict(int)
    rows = results.filter(buckets.span.during("created_at")).annotate(
        bucket=buckets.of("created_at")
    )
    for bucket, modality, n in rows.values_list("bucket", "image__modality").annotate(
        n=Count("image__study", distinct=True)
    ):
        found[localtime(bucket), modality] += n
    parts = [
        charts.Part(f"f{place}", [found[one, kind] for one in buckets.starts])
        for place, kind in enumerate(Modality.values, start=1)
    ]
    title = _("Studies analysed by week") if buckets.weekly else _("Studies analysed per day")
    total = sum(found.values())
    labels = [str(one) for one in Modality.labels]
    by_kind = ", ".join(
        f"{label} {sum(part.values)}" for label, part in zip(labels, parts, strict=True)
    )
    words = charts.Words(
        "volume", title, _("%(span)s: %(kinds)s.") % {"span": buckets.span.said, "kinds": by_kind}
    )
    return Figure(
        "volume", title, [Column(buckets.label, TEXT), *map(Column, labels)],
        [[name, *(part.values[at] for part in parts)] for at, name in enumerate(buckets.names)],
        total,
        charts.columns(words, buckets.names, parts, tick=_whole, wide=True),
        legend=[(part.colour, label) for part, label in zip(parts, labels, strict=True)],
        least=1, wide=True,
    )  # fmt: skip


def _pace(jobs, buckets: Buckets) -> tuple[dict[bool, Took], Figure]:
    """Return how long it took in the span (True) and before (False), and the chart of the span."""
    done = jobs.filter(status=JobStatus.SUCCEEDED)
    span, took = buckets.span, between("created_at", "finished_at")
    recent = Q(created_at__gte=span.start)
    both = took_by(done.filter(span.with_before("created_at")), took, {"is_new": _flag(recent)})
    found = took_by(
        done.filter(span.during("created_at")), took, {"bucket": buckets.of("created_at")}
    )
    times = {is_new: one for (is_new,), one in both.items()}
    figure = time_figure(
        "time-to-result", _("Submit to result"), buckets,
        {localtime(bucket): one for (bucket,), one in found.items()}, times.get(True, NEVER),
    )  # fmt: skip
    return times, figure


def _signatures(signed, buckets: Buckets) -> Figure:
    took = between("result__job__created_at", "signed_at")
    rows = signed.filter(buckets.span.during("signed_at"))
    whole = took_by(rows, took, {}).get((), NEVER)
    found = took_by(rows, took, {"bucket": buckets.of("signed_at")})
    return time_figure(
        "time-to-signature", _("Submit to signature"), buckets,
        {localtime(bucket): one for (bucket,), one in found.items()}, whole,
    )  # fmt: skip


def _severity(results, buckets: Buckets) -> Figure:
    """Return the shares of each severity among what has one; columns of few stay empty."""
    counted: dict = defaultdict(int)
    kinds = [kind for kind, _colour in MIX]
    rows = results.filter(buckets.span.during("created_at"), severity__in=kinds).annotate(
        bucket=buckets.of("created_at")
    )
    for bucket, severity, n in rows.values_list("bucket", "severity").annotate(n=Count("pk")):
        counted[localtime(bucket), severity] += n
    sizes = {one: sum(counted[one, kind] for kind in kinds) for one in buckets.starts}
    shares = {
        (one, kind): share(counted[one, kind], sizes[one])
        for one in buckets.starts for kind in kinds
    }  # fmt: skip
    title = _("Severity mix by week") if buckets.weekly else _("Severity mix by day")
    total = sum(sizes.values())
    whole = {kind: sum(counted[one, kind] for one in buckets.starts) for kind in kinds}
    said = ", ".join(f"{Severity(kind).label} {n}" for kind, n in whole.items())
    parts = [
        charts.Part(colour, [100 * (shares[one, kind] or 0) for one in buckets.starts])
        for kind, colour in MIX
    ]
    table = [
        [name, sizes[one], *(shares[one, kind] for kind in kinds)]
        for name, one in zip(buckets.names, buckets.starts, strict=True) if sizes[one]
    ]  # fmt: skip
    return Figure(
        "severity", title,
        [Column(buckets.label, TEXT), Column(_("n")),
         *(Column(str(Severity(kind).label), SHARE) for kind in kinds)],
        table, total,
        charts.columns(charts.Words("severity", title, f"{said}."), buckets.names, parts,
                       tick=_percent, top=100),
        legend=[(colour, str(Severity(kind).label)) for kind, colour in MIX], note=gaps(table),
    )  # fmt: skip


def _failures(jobs, span: Span) -> Figure:
    """Return the failed jobs by what was said to the user."""
    failed = jobs.filter(span.during("finished_at"), status=JobStatus.FAILED)
    rows = sorted(
        failed.values_list("error").annotate(n=Count("pk")), key=lambda row: (-row[1], row[0])
    )
    most = rows[0][1] if rows else 1
    title = _("Failures by reason")
    lines = [charts.Line(error, str(n), [("f4", n)]) for error, n in rows[:MOST_LINES]]
    total = sum(n for _error, n in rows)
    words = charts.Words("failures", title, _("%(n)s failed jobs.") % {"n": total})
    return Figure(
        "failures", title, [Column(_("Reason"), TEXT), Column(_("Jobs"))], rows, total,
        charts.rows(words, lines, whole=most), least=1,
        sub=_("none") if not rows else "",
    )  # fmt: skip


def _whole(value: float) -> str:
    return number_format(value, 0)


def _percent(value: float) -> str:
    return _("%(n)s%%") % {"n": number_format(value, 0)}


def _flag(condition: Q) -> ExpressionWrapper:
    return ExpressionWrapper(condition, output_field=BooleanField())
