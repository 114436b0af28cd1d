"""What a person may export, and the exports they made."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, When

from accounts.selectors import organisations_of
from imaging.models import Result, Review
from imaging.selectors import results_within, studies_visible_to
from reports.models import BULK, MANY, ONE, Export, ExportItem, ItemState


def exports_visible_to(user) -> QuerySet[Export]:
    """Return the exports that `user` made of results; nobody sees another's.

    `is_closed`: a result in it is no longer theirs to export, so the file is not handed out.
    `is_superseded`: a version that it prints was followed by another signed one.
    """
    houses = organisations_of(user, ONE)
    return Export.objects.filter(user=user, organisation__in=houses, cohort=None).annotate(
        total=Count("items"),
        done=Count("items", filter=~Q(items__state=ItemState.WAITING)),
        skipped=Count("items", filter=Q(items__state=ItemState.SKIPPED)),
        is_superseded=Exists(_amended().filter(export=OuterRef("pk"))),
        is_closed=Case(When(kind__in=MANY, then=_lost(user, ONE)), default=_lost(user, BULK)),
    )


def results_of(user, files: Sequence[uuid.UUID]) -> Sequence[uuid.UUID]:
    """Return the ids of the results that went into `files`, those that `user` made."""
    if not files:
        return []
    items = ExportItem.objects.filter(export__in=exports_visible_to(user).filter(pk__in=files))
    return list(items.order_by("position").values_list("result_id", flat=True))


def items_superseded(export: Export) -> QuerySet[ExportItem]:
    """Return what is superseded in the file, each with `newest`, the signed version that counts."""
    signed = _signed_after().order_by("-number")
    found = _amended().filter(export=export)
    return found.annotate(newest=Subquery(signed.values("number")[:1])).order_by("position")


def _amended() -> QuerySet[ExportItem]:
    return ExportItem.objects.filter(Exists(_signed_after()), version__isnull=False)


def _signed_after() -> QuerySet[Review]:
    """The signed versions after the one that an item, the outer query's row, prints."""
    return Review.objects.filter(
        result=OuterRef("result"), number__gt=OuterRef("version"), signed_at__isnull=False
    )


def _lost(user, action: str) -> Exists:
    """Say whether an export holds a result that `user` may not export so."""
    left = results_within(user, action).filter(pk=OuterRef("result"))
    return Exists(ExportItem.objects.filter(~Exists(left), export=OuterRef("pk")))


def studies_without(user, studies: Sequence[uuid.UUID], results: Sequence[Result]) -> int:
    """Count those of `studies`, as far as `user` sees them, of which nothing is in `results`."""
    if not studies:
        return 0
    held = Result.objects.filter(pk__in=[one.pk for one in results]).values("image__study")
    return studies_visible_to(user).filter(pk__in=studies).exclude(pk__in=held).count()
