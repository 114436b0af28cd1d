"""The worklist: a page of studies, what is newest about each, in a fixed number of queries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from imaging.models import Image, Job, JobStatus, Modality, Result, Severity, Study
from imaging.selectors import pixels_open, results_visible_to, studies_visible_to

PAGE_SIZE = 25
VIEWS = {"": "All studies", "new": "Not analysed", "live": "In progress", "failed": "Failed"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked to see; unknown values are left out and named."""

    view: str = ""
    modality: str = ""
    severity: str = ""
    after: str = ""

    @classmethod
    def from_query(cls, query) -> Filters:
        return cls(
            view=_known(query.get("view", ""), VIEWS),
            modality=_known(query.get("modality", ""), Modality.values),
            severity=_known(query.get("severity", ""), Severity.values),
            after=query.get("after", ""),
        )

    @property
    def are_set(self) -> bool:
        return bool(self.view or self.modality or self.severity)


@dataclass(frozen=True, slots=True)
class Row:
    """One study as a line: its first picture and newest result if the reader may see them."""

    study: Study
    image_count: int
    image_id: uuid.UUID | None
    job: Job | None
    result: Result | None
    is_ready: bool  # there is a result, for this reader or for others


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    next_after: str


def worklist_page(user, filters: Filters) -> Page:
    """Return the studies `user` may see, newest first, from `filters.after` on."""
    studies = _filtered(user, filters).select_related("patient")
    found = list(_after(studies, filters.after)[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    jobs = Job.objects.in_bulk([study.job_id for study in shown if study.job_id])
    readable = results_visible_to(user).select_related(None).defer("table")
    results = readable.in_bulk([study.result_id for study in shown if study.result_id])
    pictures = pixels_open(user, [study.first_image_id for study in shown])
    rows = [
        Row(
            study=study,
            image_count=study.image_count,
            image_id=study.first_image_id if study.first_image_id in pictures else None,
            job=jobs.get(study.job_id),
            result=results.get(study.result_id),
            is_ready=study.result_id is not None,
        )
        for study in shown
    ]
    last = shown[-1] if len(found) > PAGE_SIZE else None
    return Page(rows, f"{last.created_at.isoformat()}_{last.pk}" if last else "")


def _filtered(user, filters: Filters) -> QuerySet:
    jobs = Job.objects.filter(image__study=OuterRef("pk")).order_by("-created_at")
    results = Result.objects.filter(image__study=OuterRef("pk")).order_by("-created_at")
    images = Image.objects.filter(study=OuterRef("pk")).order_by("created_at", "id")
    studies = studies_visible_to(user).annotate(
        job_id=Subquery(jobs.values("pk")[:1]),
        result_id=Subquery(results.values("pk")[:1]),
        first_image_id=Subquery(images.values("pk")[:1]),
        image_count=Subquery(
            images.order_by().values("study").annotate(n=Count("pk")).values("n")[:1]
        ),
    )
    if filters.modality:
        studies = studies.filter(modality=filters.modality)
    if filters.severity:
        readable = results_visible_to(user).select_related(None)  # a filter tells, too
        studies = studies.annotate(latest=Subquery(results.values("severity")[:1])).filter(
            Exists(readable.filter(pk=OuterRef("result_id"))), latest=filters.severity
        )
    if filters.view:
        studies = studies.annotate(state=Subquery(jobs.values("status")[:1]))
    wanted = {
        "new": Q(job_id=None),
        "live": Q(state__in=[JobStatus.QUEUED, JobStatus.RUNNING]),
        "failed": Q(state=JobStatus.FAILED),
    }
    return studies.filter(wanted[filters.view]) if filters.view else studies


def _after(studies: QuerySet, token: str) -> QuerySet:
    """Continue behind the study that `token` names; a token that is none starts at the top."""
    try:
        moment, key = token.rsplit("_", 1)
        at, pk = datetime.fromisoformat(moment), uuid.UUID(key)
    except ValueError:
        return studies
    return studies.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=pk))


def _known(value: str, choices) -> str:
    return value if value in choices else ""
