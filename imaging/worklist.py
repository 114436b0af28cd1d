"""The worklist: a page of studies, how each stands, in a fixed number of queries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, When

from imaging.models import Image, Job, JobStatus, Modality, Result, Review, Severity, Study
from imaging.selectors import pixels_open, results_visible_to, studies_visible_to

PAGE_SIZE = 25
WORST_FIRST = Case(
    *(
        When(severity=word, then=place)
        for place, word in enumerate(
            (Severity.HIGH, Severity.MODERATE, Severity.LOW, Severity.NO_FINDING)
        )
    ),
    default=9,  # not assessed: shown only where nothing else is
)
VIEWS = {"": "All studies", "new": "Not analysed", "live": "In progress", "failed": "Failed",
         "unsigned": "To sign", "signed": "Signed"}  # fmt: skip


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
    """One study as a line: its first picture, its newest job, its worst result.

    image_id      only if the reader may see that picture, `result` alike.
    result        of the newest result of each image the worst (MEASURES §9).
    review        the version that counts of the decision on `result`.
    is_ready      there is a result, for this reader or for others.
    assessed      how many images have a severity word.
    not_assessed  how many were analysed and have none.
    """

    study: Study
    image_count: int
    image_id: uuid.UUID | None
    job: Job | None
    result: Result | None
    review: Review | None
    is_ready: bool
    assessed: int
    not_assessed: int


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
    readable = results_visible_to(user).select_related(None).select_related("job__run")
    results = readable.defer("table").in_bulk(
        [study.result_id for study in shown if study.result_id]
    )
    reviews = _reviews(results)
    pictures = pixels_open(user, [study.first_image_id for study in shown])
    counts = _counts([study.pk for study in shown])
    rows = [
        Row(
            study,
            study.image_count,
            study.first_image_id if study.first_image_id in pictures else None,
            jobs.get(study.job_id),
            results.get(study.result_id),
            reviews.get(study.result_id),
            study.result_id is not None,
            *counts.get(study.pk, (0, 0)),
        )
        for study in shown
    ]
    last = shown[-1] if len(found) > PAGE_SIZE else None
    return Page(rows, f"{last.created_at.isoformat()}_{last.pk}" if last else "")


def standing() -> QuerySet[Result]:
    """Return the newest result of each image: what is said of it today."""
    later = Result.objects.filter(
        Q(created_at__gt=OuterRef("created_at"))
        | Q(created_at=OuterRef("created_at"), pk__gt=OuterRef("pk")),
        image=OuterRef("image"),
    )
    return Result.objects.filter(~Exists(later))


def _reviews(results) -> dict[uuid.UUID, Review]:
    """Return by result the version of its decision that counts."""
    versions = Review.objects.filter(result__in=list(results)).order_by("number")
    return {one.result_id: one for one in versions.defer("comment", "amendment", "row")}


def _counts(studies: list[uuid.UUID]) -> dict[uuid.UUID, tuple[int, int]]:
    """Return by study how many of its images are assessed, and how many are not."""
    unsaid = Q(severity=Severity.NOT_ASSESSED)
    rows = (
        standing()
        .filter(image__study__in=studies)
        .order_by()
        .values("image__study")
        .annotate(said=Count("pk", filter=~unsaid), unsaid=Count("pk", filter=unsaid))
    )
    return {row["image__study"]: (row["said"], row["unsaid"]) for row in rows}


def _filtered(user, filters: Filters) -> QuerySet:
    jobs = Job.objects.filter(image__study=OuterRef("pk")).order_by("-created_at")
    results = standing().filter(image__study=OuterRef("pk")).order_by(WORST_FIRST, "-created_at")
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
        studies = studies.annotate(worst=Subquery(results.values("severity")[:1])).filter(
            Exists(readable.filter(pk=OuterRef("result_id"))), worst=filters.severity
        )
    if filters.view:
        studies = studies.annotate(state=Subquery(jobs.values("status")[:1]))
    if filters.view in ("unsigned", "signed"):  # a filter tells, too
        readable = results_visible_to(user).select_related(None).filter(pk=OuterRef("result_id"))
        signed = Review.objects.filter(result=OuterRef("result_id"), signed_at__isnull=False)
        studies = studies.filter(Exists(readable)).annotate(is_signed=Exists(signed))
    wanted = {
        "unsigned": Q(is_signed=False),
        "signed": Q(is_signed=True),
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
