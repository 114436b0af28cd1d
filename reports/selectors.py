"""What a person may export, and the exports they made."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from accounts.selectors import organisations_of
from imaging.models import Result
from imaging.selectors import results_visible_to
from reports.models import Export, ItemState


def exports_visible_to(user) -> QuerySet[Export]:
    """Return the exports that `user` made; nobody sees another's."""
    return Export.objects.filter(
        user=user, organisation__in=organisations_of(user, "export.create")
    ).annotate(
        total=Count("items"),
        done=Count("items", filter=~Q(items__state=ItemState.WAITING)),
        skipped=Count("items", filter=Q(items__state=ItemState.SKIPPED)),
    )


def results_chosen(
    user, *, results: Sequence[uuid.UUID], studies: Sequence[uuid.UUID], runs: Sequence[uuid.UUID]
) -> QuerySet[Result]:
    """Return the results meant by ids: themselves, all of a run, the newest of each study image.

    Only what an export needs to name them is read: their tables are large.
    """
    newest = (
        Result.objects.filter(image=OuterRef("image")).order_by("-created_at", "-id").values("pk")
    )
    return (
        results_visible_to(user)
        .select_related(None)
        .only("organisation")
        .filter(
            Q(pk__in=results)
            | Q(job__run__in=runs)
            | Q(image__study__in=studies, pk=Subquery(newest[:1]))
        )
        .order_by("created_at", "id")
    )
