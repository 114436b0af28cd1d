"""The page of figures about models: what readers made of each, and how far they agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.db.models import Avg, Case, Count, IntegerField, Max, Q, Value, When
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics import charts
from analytics.counting import (
    agreement_pairs,
    number_in,
    outcomes_counted,
    results_counted,
    reviews_counted,
)
from analytics.figures import COUNT, LEAST, RATIO, SHARE, TEXT, Column, Figure, Page, share
from analytics.filters import Buckets, Filters, Span
from analytics.shapes import gaps, verdicts_figure
from imaging.models import Decision, Member, ModelVersion, RejectReason

MOST_NAMES = 5
BANDS = ((0.5, "0–0.5"), (0.7, "0.5–0.7"), (0.8, "0.7–0.8"), (0.9, "0.8–0.9"), (1.01, "0.9–1"))
REASONS = {
    RejectReason.WRONG: gettext_lazy("Marked what is nothing"),
    RejectReason.MISSED: gettext_lazy("Missed something"),
    RejectReason.PICTURE: gettext_lazy("Picture not fit"),
    RejectReason.MODEL: gettext_lazy("Wrong models"),
    RejectReason.OTHER: gettext_lazy("Other"),
}


def models_of(user, filters: Filters, at) -> Page:
    """Read the whole page; the number of statements does not depend on the rows."""
    span = Span.of(filters, at)
    results = results_counted(user, filters).filter(span.during("created_at"))
    reviews = reviews_counted(user, filters).filter(span.during("created_at"))
    outcomes = outcomes_counted(user, filters).filter(span.during("result__created_at"))
    counted = _verdicts(reviews)
    figures = [
        verdicts_figure(
            "by-model", _("Reader decisions by model"), _("Model"),
            {f"{name} {version}": of for (name, version), of in counted.items()},
        ),
        _pairs(results),
        _agreement(results, Buckets(span, filters.days > 7)),
        _edits(reviews),
        _rejections(reviews),
        _facts(outcomes, counted),
    ]  # fmt: skip
    return Page((), figures)


def _verdicts(reviews) -> dict[tuple[str, str], dict[str, int]]:
    """Count what readers said of results that each model version took part in."""
    counted: dict = defaultdict(lambda: defaultdict(int))
    member = "result__members__member__model_version"
    rows = reviews.filter(result__members__isnull=False).values_list(
        f"{member}__name", f"{member}__version", "decision"
    )
    for name, version, decision, n in rows.annotate(n=Count("pk")):
        counted[name, version][decision] += n
    return counted


def _pairs(results) -> Figure:
    """Return the mean Dice of each pair of members, over results where one found something."""
    most = Member.objects.aggregate(most=Max("position"))["most"] or 0
    found = agreement_pairs(results, min(most + 1, 10))
    n = max((many for many, _mean in found.values()), default=0)
    known = {pair: one for pair, one in found.items() if one[0] >= LEAST}
    sizes: dict[str, int] = defaultdict(int)
    for pair, (many, _mean) in known.items():
        for name in pair:
            sizes[name] += many
    names = sorted(sizes, key=lambda name: (-sizes[name], name))[:MOST_NAMES]
    cells = {
        (names.index(a), names.index(b)): mean
        for (a, b), (_many, mean) in known.items() if a in names and b in names
    }  # fmt: skip
    rows = [
        [f"{a} / {b}", many, mean if many >= LEAST else None]
        for (a, b), (many, mean) in sorted(found.items())
    ]
    title = _("Model agreement")
    said = "; ".join(f"{a} / {b} {mean:.2f}" for (a, b), (_many, mean) in sorted(known.items()))
    return Figure(
        "agreement", title,
        [Column(_("Pair"), TEXT), Column(_("n")), Column(_("Mean Dice"), RATIO)], rows, n,
        charts.matrix(charts.Words("agreement", title, said), names, cells),
        sub=_("mean Dice, at most %(n)s results") % {"n": n}, note=gaps(rows),
    )  # fmt: skip


def _agreement(results, buckets: Buckets) -> Figure:
    """Return the mean Dice between members over time, and how often they disagree."""
    rows = results.filter(agreement__mean_dice__isnull=False).annotate(
        bucket=buckets.of("created_at")
    )
    found = {
        localtime(bucket): (n, mean, apart)
        for bucket, n, mean, apart in rows.values_list("bucket").annotate(
            n=Count("pk"), mean=Avg(number_in("agreement", "mean_dice")),
            apart=Count("pk", filter=Q(disagree=True)),
        )
    }  # fmt: skip
    table, means = [], []
    for name, start in zip(buckets.names, buckets.starts, strict=True):
        n, mean, apart = found.get(start, (0, None, 0))
        means.append(mean if n >= LEAST else None)
        if n:
            table.append([name, n, means[-1], share(apart, n)])
    total = sum(n for n, _mean, _apart in found.values())
    title = _("Agreement between members")
    words = charts.Words("agreement-time", title, _("Mean Dice of the pairs over time."))
    return Figure(
        "agreement-time", title,
        [Column(buckets.label, TEXT), Column(_("n")), Column(_("Mean Dice"), RATIO),
         Column(_("Models disagree"), SHARE)],
        table, total,
        charts.course(words, buckets.names, means, tick=lambda value: f"{value:g}",
                      ends=(0, 1)),
        sub=_("mean Dice of the pairs"), note=gaps(table),
    )  # fmt: skip


def _edits(reviews) -> Figure:
    """Return how like the models' mask the masks are that readers saved instead."""
    edits = reviews.filter(decision=Decision.EDITED, dice__isnull=False)
    steps = [When(dice__lt=end, then=Value(at)) for at, (end, _name) in enumerate(BANDS)]
    bands = edits.annotate(band=Case(*steps, output_field=IntegerField())).values_list("band")
    found = dict(bands.annotate(n=Count("pk")))
    mean = edits.aggregate(mean=Avg("dice"))["mean"]
    counts = [found.get(at, 0) for at in range(len(BANDS))]
    names = [name for _end, name in BANDS]
    title, n = _("Edited masks against the models' masks"), sum(counts)
    said = ", ".join(f"{name}: {many}" for name, many in zip(names, counts, strict=True))
    return Figure(
        "edits", title, [Column("Dice", TEXT), Column(_("Edited masks"))],
        [list(row) for row in zip(names, counts, strict=True)], n,
        charts.columns(charts.Words("edits", title, said), names, [charts.Part("f3", counts)],
                       tick=lambda value: f"{value:g}"),
        sub=_("Dice, mean %(mean)s") % {"mean": f"{mean:.2f}"} if n >= LEAST else "",
    )  # fmt: skip


def _rejections(reviews) -> Figure:
    rejected = reviews.filter(decision=Decision.REJECTED).values_list("reason")
    found = dict(rejected.annotate(n=Count("pk")))
    rows = [[str(REASONS[reason]), found[reason]] for reason in REASONS if reason in found]
    rows.sort(key=lambda row: -row[1])
    title = _("Why results were rejected")
    lines = [charts.Line(name, str(n), [("f4", n)]) for name, n in rows]
    total = sum(n for _name, n in rows)
    words = charts.Words("rejections", title, _("%(n)s rejected results.") % {"n": total})
    return Figure(
        "rejections", title, [Column(_("Reason"), TEXT), Column(_("Results"))], rows, total,
        charts.rows(words, lines, whole=max((n for _name, n in rows), default=1)),
    )  # fmt: skip


def _facts(outcomes, counted: Mapping) -> Figure:
    """Return each model version's own claims beside how it did here."""
    model = "member__model_version"
    used = {
        pk: (n, run_ms, fell)
        for pk, n, run_ms, fell in outcomes.values_list(model).annotate(
            n=Count("pk"), run_ms=Avg("run_ms"), fell=Count("pk", filter=~Q(fallback=""))
        )
    }
    rows = []
    for one in ModelVersion.objects.filter(pk__in=used).order_by("name", "version"):
        n, run_ms, fell = used[one.pk]
        said = counted.get((one.name, one.version), {})
        decided = sum(said.values())
        few = n < LEAST
        rows.append(
            [str(one), _(one.get_state_display()), one.threshold, _claim(one), n,
             share(said.get(Decision.ACCEPTED, 0), decided), decided,
             None if few else run_ms / 1000, share(fell, n)]
        )  # fmt: skip
    title = _("Models: the card and the practice here")
    return Figure(
        "models", title,
        [Column(_("Model"), TEXT), Column(_("State"), TEXT), Column(_("Threshold"), RATIO),
         Column(_("Its card says"), TEXT), Column(_("Results"), COUNT),
         Column(_("Accepted"), SHARE), Column(_("Decided"), COUNT),
         Column(_("Mean time"), "seconds"), Column(_("Another device"), SHARE)],
        rows, sum(n for n, *_more in used.values()), least=1, wide=True, note=gaps(rows),
    )  # fmt: skip


def _claim(model: ModelVersion) -> str:
    """Return the first figures of the card's evaluation, as it names them."""
    evaluation = model.metadata.get("card", {}).get("evaluation", {})
    if not isinstance(evaluation, Mapping):
        return str(evaluation)[:80] or "—"
    numbers = [
        f"{name.replace('_', ' ')} {value:g}"
        for name, value in evaluation.items() if isinstance(value, int | float)
    ]  # fmt: skip
    return ", ".join(numbers[:3]) or "—"
