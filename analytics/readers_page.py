"""The page of figures about readers: one's own; with names for those who manage people."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import Avg, Count, F
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.models import User
from analytics.counting import NEVER, VIEW_READERS, between, reviews_counted, took_by
from analytics.figures import COUNT, LEAST, RATIO, SECONDS, SHARE, TEXT, Column, Figure, Page, share
from analytics.filters import Buckets, Filters, Span
from analytics.shapes import gaps, time_figure, verdicts_figure
from imaging.models import Decision, Severity


def readers_of(user, filters: Filters, at) -> Page:
    """Read the whole page; the number of statements does not depend on the rows."""
    span = Span.of(filters, at)
    buckets = Buckets(span, filters.days > 7)
    every = reviews_counted(user, filters, VIEW_READERS)
    reviews = every.filter(span.during("created_at"))
    counted: dict = defaultdict(lambda: defaultdict(int))
    for author, decision, n in reviews.values_list("author", "decision").annotate(n=Count("pk")):
        counted[author][decision] += n
    names = _names(counted)
    took = took_by(reviews, between("result__created_at", "created_at"), {"reader": F("author")})
    figures = [
        verdicts_figure(
            "by-reader", _("Decisions by reader"), _("Reader"),
            {names[pk]: of for pk, of in counted.items()},
        ),
        _pace(reviews, buckets),
        _by_severity(reviews),
        _table(reviews, counted, names, took),
    ]  # fmt: skip
    return Page((), figures)


def _names(found) -> dict:
    """Return what each reader is called; two of one name are told apart by their address."""
    people = {one.pk: one for one in User.objects.filter(pk__in=list(found)).only("name", "email")}
    shown = [one.name for one in people.values()]
    return {
        pk: one.name if one.name and shown.count(one.name) == 1 else one.email
        for pk, one in people.items()
    }


def _pace(reviews, buckets: Buckets) -> Figure:
    took = between("result__created_at", "created_at")
    found = took_by(reviews, took, {"bucket": buckets.of("created_at")})
    return time_figure(
        "time-to-decision", _("Result to decision"), buckets,
        {localtime(bucket): one for (bucket,), one in found.items()},
        took_by(reviews, took, {}).get((), NEVER),
    )  # fmt: skip


def _by_severity(reviews) -> Figure:
    """Return what readers said where the models said low, moderate, high or nothing."""
    counted: dict = defaultdict(lambda: defaultdict(int))
    rows = reviews.values_list("result__severity", "decision").annotate(n=Count("pk"))
    for severity, decision, n in rows:
        counted[str(Severity(severity).label)][decision] += n
    return verdicts_figure(
        "by-severity", _("Decisions by the models' severity"), _("Severity"), counted
    )


def _table(reviews, counted, names, took) -> Figure:
    """Return one line per reader."""
    edits = reviews.filter(decision=Decision.EDITED, dice__isnull=False).values_list("author")
    dice = {pk: (n, mean) for pk, n, mean in edits.annotate(n=Count("pk"), mean=Avg("dice"))}
    rows = []
    for pk in sorted(counted, key=lambda pk: names[pk].casefold()):
        n, time = sum(counted[pk].values()), took.get((pk,), NEVER)
        many, mean = dice.get(pk, (0, None))
        rows.append(
            [names[pk], n,
             *(share(counted[pk][verdict], n) for verdict in Decision.values),
             *time.told()[:2], many, mean if many >= LEAST else None]
        )  # fmt: skip
    return Figure(
        "readers", _("Readers"),
        [Column(_("Reader"), TEXT), Column(_("Decided")),
         *(Column(str(label), SHARE) for label in Decision.labels),
         Column(_("Median time"), SECONDS), Column("P90", SECONDS),
         Column(_("Edits measured"), COUNT), Column(_("Dice of the edits"), RATIO)],
        rows, sum(row[1] for row in rows), least=1, wide=True, note=gaps(rows),
    )  # fmt: skip
