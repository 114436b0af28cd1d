"""The four numbers at the head of the figures, each against the days before."""

from __future__ import annotations

from django.db.models import Count, Q
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from analytics import charts
from analytics.counting import NEVER, Took
from analytics.figures import LEAST, Figure, Kpi, duration
from analytics.filters import Filters, Span
from imaging.models import Decision, JobStatus


def studies_kpi(results, span: Span, filters: Filters, volume: Figure) -> Kpi:
    found = results.filter(span.with_before("created_at")).aggregate(
        now=Count("image__study", distinct=True, filter=Q(created_at__gte=span.start)),
        before=Count("image__study", distinct=True, filter=Q(created_at__lt=span.start)),
    )
    change = ""
    if found["before"] >= LEAST:
        change = f"{100 * (found['now'] / found['before'] - 1):+.0f}%"
    beside = _("%(n)s in the %(days)s days before") % {"n": found["before"], "days": filters.days}
    return Kpi(
        _("Studies analysed"), number_format(found["now"], 0, force_grouping=True),
        change=change, beside=beside, svg=charts.spark([sum(row[1:]) for row in volume.rows]),
    )  # fmt: skip


def time_kpi(times: dict[bool, Took]) -> Kpi:
    now, before = times.get(True, NEVER), times.get(False, NEVER)
    title = _("Median time to result")
    if now.n < LEAST:
        return Kpi(title, "—", beside=_("too few results (n = %(n)s)") % {"n": now.n})
    change, tone = "", ""
    if before.n >= LEAST and round(now.median, 1) != round(before.median, 1):
        faster = now.median < before.median
        tone = "up" if faster else "bad"
        change = (_("%(time)s faster") if faster else _("%(time)s slower")) % {
            "time": duration(abs(now.median - before.median))
        }
    beside = _("P95 %(time)s, n = %(n)s") % {"time": duration(now.p95), "n": now.n}
    return Kpi(title, duration(now.median), change=change, tone=tone, beside=beside)


def accepted_kpi(reviews, span: Span) -> Kpi:
    new, old = Q(created_at__gte=span.start), Q(created_at__lt=span.start)
    accepted = Q(decision=Decision.ACCEPTED)
    found = reviews.filter(span.with_before("created_at")).aggregate(
        n=Count("pk", filter=new), yes=Count("pk", filter=new & accepted),
        old=Count("pk", filter=old), old_yes=Count("pk", filter=old & accepted),
    )  # fmt: skip
    now, before = (found["yes"], found["n"]), (found["old_yes"], found["old"])
    return _share_kpi(_("Accepted without edits"), now, before, _("%(part)s of %(n)s results"), 1)


def failed_counts(jobs, span: Span) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (failed, ended) of the span, and of as long a time before it."""
    new, old = Q(finished_at__gte=span.start), Q(finished_at__lt=span.start)
    failed = Q(status=JobStatus.FAILED)
    ended = jobs.filter(
        span.with_before("finished_at"), status__in=(JobStatus.SUCCEEDED, JobStatus.FAILED)
    )
    found = ended.aggregate(
        n=Count("pk", filter=new), no=Count("pk", filter=new & failed),
        old=Count("pk", filter=old), old_no=Count("pk", filter=old & failed),
    )  # fmt: skip
    return (found["no"], found["n"]), (found["old_no"], found["old"])


def failed_kpi(now: tuple[int, int], before: tuple[int, int]) -> Kpi:
    return _share_kpi(_("Failed jobs"), now, before, _("%(part)s of %(n)s jobs"), -1)


def _share_kpi(title: str, now, before, said: str, good: int) -> Kpi:
    part, n = now
    if n < LEAST:
        return Kpi(title, "—", beside=_("too few (n = %(n)s)") % {"n": n})
    change, tone = "", ""
    if before[1] >= LEAST:
        points = round(100 * part / n) - round(100 * before[0] / before[1])
        if points:
            tone = "up" if points * good > 0 else "bad"
            words = _("%(n)s points higher") if points > 0 else _("%(n)s points lower")
            change = words % {"n": abs(points)}
    value = number_format(100 * part / n, 0 if part / n >= 0.1 or not part else 1)
    return Kpi(title, value, "%", change, tone, said % {"part": part, "n": n})
