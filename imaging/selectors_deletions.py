"""Requests to delete studies, as administrators see them: ids, kinds and counts, no patient."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from accounts.selectors import organisations_of
from imaging.models import Deletion, Image, Result, Review, Study
from imaging.models.deletions import DeletionQuerySet


def deletions_decided_by(user) -> DeletionQuerySet:
    """Return the requests of the organisations whose deletions `user` decides."""
    return Deletion.objects.filter(organisation__in=organisations_of(user, "study.delete"))


def deletions_told(user) -> DeletionQuerySet:
    """Return them with plain facts of the study; `is_here`: neither purged nor erased."""
    study = Study.objects.filter(pk=OuterRef("study_id"))
    images = Image.objects.filter(study=OuterRef("study_id"))
    results = Result.objects.filter(image__study=OuterRef("study_id"))
    signed = Review.objects.filter(result__image__study=OuterRef("study_id"))
    return (
        deletions_decided_by(user)
        .select_related("organisation", "requested_by", "approved_by", "declined_by", "restored_by")
        .annotate(
            is_here=Exists(study),
            modality=Subquery(study.values("modality")),
            department=Subquery(study.values("department__name")),
            sent_at=Subquery(study.values("created_at")),
            images=_number(images, "study"),
            results=_number(results, "image__study"),
            signed=_number(signed.exclude(signed_at=None), "result__image__study"),
        )
    )


def _number(rows: QuerySet, of: str) -> Subquery:
    return Subquery(rows.order_by().values(of).annotate(n=Count("pk")).values("n"))
