"""Which results a selection means: by themselves, by run, by study; signed ones, each once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from imaging.models import Result, Review
from imaging.selectors import results_visible_to, results_within

MOST_RESULTS = 2_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """The results of a selection in their order, and how many repetitions were folded into them."""

    results: list[Result]
    folded: int


def choose(
    user,
    *,
    action: str,
    results: Sequence[uuid.UUID],
    studies: Sequence[uuid.UUID],
    runs: Sequence[uuid.UUID],
    signed_only: bool = False,
) -> Chosen:
    """Return the results meant by ids that `user` may export by `action`, at most one too many.

    Themselves, all of a run, the newest of each study image; signed_only: the newest signed one.
    Where runs or studies mean one image by one ensemble several times, the newest stands for
    them, a signed one before others; what is named by itself is never folded.
    """
    found = _chosen(user, action, results, studies, runs, signed_only=signed_only)
    rows = list(found[: MOST_RESULTS + 1])
    kept = _once(rows, named=set(results))
    return Chosen(kept, len(rows) - len(kept))


def signed_versions(results: Iterable[Result]) -> Mapping[uuid.UUID, int]:
    """Return, by result, the number of the verdict that counts, where that one is signed."""
    rows = Result.objects.filter(pk__in=[one.pk for one in results])
    return dict(_with_verdict(rows).exclude(signed_at=None).values_list("pk", "verdict"))


def _chosen(user, action, results, studies, runs, *, signed_only: bool) -> QuerySet[Result]:
    """Only what an export needs to name the results is read: their tables are large."""
    newest = Result.objects.filter(image=OuterRef("image"), job__run__cohort=None)
    if signed_only:
        newest = _with_verdict(newest).exclude(signed_at=None)
    newest = newest.order_by("-created_at", "-id").values("pk")
    found = _with_verdict(results_visible_to(user).filter(pk__in=results_within(user, action)))
    if signed_only:
        found = found.exclude(signed_at=None)
    return (
        found.select_related(None)
        .only("organisation", "image", "created_at")
        .annotate(frozen=F("job__run__frozen"))
        .filter(
            Q(pk__in=results)
            | Q(job__run__in=runs)
            | Q(image__study__in=studies, pk=Subquery(newest[:1]))
        )
        .order_by("created_at", "id")
    )


def _with_verdict(rows: QuerySet[Result]) -> QuerySet[Result]:
    """Annotate the verdict that counts: its number, and when it was signed."""
    latest = Review.objects.filter(result=OuterRef("pk")).order_by("-number")
    return rows.annotate(
        verdict=Subquery(latest.values("number")[:1]),
        signed_at=Subquery(latest.values("signed_at")[:1]),
    )


def _once(rows: Sequence[Result], named: set[uuid.UUID]) -> list[Result]:
    """Keep one of what says the same of the same image; the order stays."""
    best: dict[tuple, Result] = {}
    for one in rows:
        key = (one.pk,) if one.pk in named else (one.image_id, _by_what(one))
        known = best.get(key)
        if known is None or _rank(one) > _rank(known):
            best[key] = one
    kept = {one.pk for one in best.values()}
    return [one for one in rows if one.pk in kept]


def _rank(one: Result) -> tuple:
    return (one.signed_at is not None, one.created_at, one.pk)


def _by_what(one: Result) -> str:
    """Return what made the result: models with their weights, threshold, and how they joined."""
    return json.dumps(one.frozen, sort_keys=True)
