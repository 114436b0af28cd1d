"""Rows that a person may count, and the questions that the database answers about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import (
    Avg,
    Count,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    Window,
)
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, NullIf, RowNumber

from accounts.models import Department
from accounts.roles import ORGANISATION
from accounts.selectors import grants_of
from analytics.figures import LEAST
from analytics.filters import Filters
from imaging.models import Ensemble, Job, MemberOutcome, Result, Review, Run
from imaging.scope import Paths, within
from imaging.selectors import JOB, RESULT

VIEW, VIEW_READERS = "analytics.view", "analytics.view_readers"
OUTCOME = Paths(
    "result__image__study__department",
    "result__patient",
    "result__job__run__requested_by",
    "result__image__study__deleted_at",
    cohort="result__job__run__cohort",
)
REVIEW = Paths(
    "result__image__study__department", "patient", "author", "result__image__study__deleted_at"
)
SHARES = (50, 90, 95)


@dataclass(frozen=True, slots=True)
class Took:
    """How long it took, in seconds, by nearest rank; n of how many."""

    n: int
    median: float
    p90: float
    p95: float

    def told(self) -> tuple[float | None, float | None, float | None]:
        """Median, P90 and P95, unless there are too few to tell."""
        return (self.median, self.p90, self.p95) if self.n >= LEAST else (None, None, None)


NEVER = Took(0, 0, 0, 0)


def results_counted(user, filters: Filters) -> QuerySet[Result]:
    """Return the results that `user` may count, of any time."""
    mine = Result.objects.filter(within(user, VIEW, RESULT)).order_by()
    return mine.filter(filters.condition("image", "job__run"))


def jobs_counted(user, filters: Filters) -> QuerySet[Job]:
    mine = Job.objects.filter(within(user, VIEW, JOB)).order_by()
    return mine.filter(filters.condition("image", "run"))


def reviews_counted(user, filters: Filters, action: str = VIEW) -> QuerySet[Review]:
    """Return the verdicts that count, the latest of each result."""
    later = Review.objects.filter(result=OuterRef("result"), number__gt=OuterRef("number"))
    mine = Review.objects.filter(within(user, action, REVIEW), ~Exists(later)).order_by()
    return mine.filter(filters.condition("result__image", "result__job__run"))


def outcomes_counted(user, filters: Filters) -> QuerySet[MemberOutcome]:
    """Return how single members fared, of any time."""
    mine = MemberOutcome.objects.filter(within(user, VIEW, OUTCOME)).order_by()
    return mine.filter(filters.condition("result__image", "result__job__run"))


def first_signatures(user, filters: Filters) -> QuerySet[Review]:
    """Return the first signed version of each result: what an amendment took says nothing."""
    sooner = Review.objects.filter(
        result=OuterRef("result"), number__lt=OuterRef("number"), signed_at__isnull=False
    )
    mine = Review.objects.filter(within(user, VIEW, REVIEW), ~Exists(sooner)).order_by()
    wanted = filters.condition("result__image", "result__job__run")
    return mine.filter(wanted, signed_at__isnull=False)


def departments_of(user) -> list[tuple[str, str]]:
    """Return the departments that `user` may choose between; of one there is no choice."""
    whole = {one.organisation_id for one in grants_of(user, VIEW) if one.scope == ORGANISATION}
    parts = {one.department_id for one in grants_of(user, VIEW) if one.department_id}
    found = Department.objects.filter(Q(organisation__in=whole) | Q(pk__in=parts))
    rows = list(found.order_by("name").values_list("pk", "name"))
    return [(str(pk), name) for pk, name in rows] if whole or len(rows) > 1 else []


def ensembles_of(user) -> list[tuple[str, str]]:
    """Return the ensembles whose runs `user` may count."""
    houses = {one.organisation_id for one in grants_of(user, VIEW)}
    ran = Run.objects.filter(ensemble=OuterRef("pk"), organisation__in=houses)
    found = Ensemble.objects.filter(Exists(ran)).order_by("title", "name")
    return [(str(one.pk), str(one)) for one in found.only("title", "name", "number")]


def between(start: str, end: str) -> ExpressionWrapper:
    return ExpressionWrapper(F(end) - F(start), output_field=DurationField())


def took_by(rows: QuerySet, took, by: Mapping[str, Any]) -> dict[tuple, Took]:
    """Return how long the `rows` took, by the values of `by`, in one statement."""
    groups = [F(name) for name in by]
    ranked = rows.annotate(
        **by,
        took=took,
        place=Window(RowNumber(), partition_by=groups, order_by=F("took").asc()),
        among=Window(Count("pk"), partition_by=groups),
    )
    wanted = Q()
    for percent in SHARES:
        wanted |= Q(place=(F("among") * Value(percent) + Value(99)) / Value(100))
    found: dict[tuple, dict[int, float]] = defaultdict(dict)
    sizes: dict[tuple, int] = {}
    for *group, place, n, time in ranked.filter(wanted).values_list(*by, "place", "among", "took"):
        found[tuple(group)][place] = time / timedelta(seconds=1)
        sizes[tuple(group)] = n
    return {
        group: Took(n, *(found[group][(n * percent + 99) // 100] for percent in SHARES))
        for group, n in sizes.items()
    }


def number_in(column: str, *keys: str) -> Cast:
    """Return a number that stands in a JSON column; NULL where there is none."""
    return Cast(NullIf(text_in(column, *keys), Value("null")), FloatField())


def agreement_pairs(
    results: QuerySet[Result], members: int
) -> dict[tuple[str, str], tuple[int, float]]:
    """Return by pair of models (how many results, their mean Dice), in one statement.

    A result lists its pairs in the order of its members: n(n-1)/2 of them at most.
    """
    found: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    one, *others = [
        results.filter(**{f"agreement__pairwise_dice__{at}__dice__isnull": False})
        .annotate(
            a=text_in("agreement", "pairwise_dice", str(at), "a"),
            b=text_in("agreement", "pairwise_dice", str(at), "b"),
            mean_of=number_in("agreement", "pairwise_dice", str(at), "dice"),
        )
        .filter(mean_of__isnull=False)
        .values_list("a", "b")
        .annotate(n=Count("pk"), mean=Avg("mean_of"))
        for at in range(max(1, members * (members - 1) // 2))
    ]
    for a, b, n, mean in one.union(*others, all=True):
        found[min(a, b), max(a, b)].append((n, mean))
    return {pair: (sum(n for n, _mean in parts), _mean_of(parts)) for pair, parts in found.items()}


def _mean_of(parts: list[tuple[int, float]]) -> float:
    return sum(n * mean for n, mean in parts) / sum(n for n, _mean in parts)


def text_in(column: str, *keys: str) -> KeyTextTransform:
    """Return a text that stands in a JSON column."""
    found: Any = column
    for key in keys[:-1]:
        found = KeyTransform(key, found)
    return KeyTextTransform(keys[-1], found)
