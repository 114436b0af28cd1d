"""What the page of a run shows: how far it is, and one page of its images."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet

from imaging.models import Job, JobStatus, Run
from imaging.selectors import images_visible_to, jobs_visible_to, results_visible_to

PER_PAGE = 50


def run_progress(user, run: Run, number: str) -> dict[str, Any]:
    """Count all images of `run` that `user` may see, and read those of page `number`.

    A page is asked for at every poll: what it costs does not grow with the run.
    """
    jobs = jobs_visible_to(user).filter(run=run)
    found = jobs.aggregate(
        **{status.value: Count("pk", filter=Q(status=status)) for status in JobStatus},
        waits_since=Min("created_at", filter=Q(status=JobStatus.QUEUED)),
    )
    total = sum(found[status.value] for status in JobStatus)
    live = found[JobStatus.QUEUED] + found[JobStatus.RUNNING]
    return {
        "page": _page(user, jobs, total, number),
        "total": total,
        "done": total - live,
        "succeeded": found[JobStatus.SUCCEEDED],
        "failed": found[JobStatus.FAILED],
        "is_live": live > 0,
        "ahead": _jobs_ahead(found),
    }


def _page(user, jobs: QuerySet[Job], total: int, number: str) -> Page:
    rows = (
        jobs.select_related("image__source", "result")
        .defer("result__table")
        .annotate(
            shows_picture=Exists(
                images_visible_to(user, "pixels.view").filter(pk=OuterRef("image"))
            ),
            shows_result=Exists(results_visible_to(user).filter(job=OuterRef("pk"))),
        )
        .order_by("position")
    )
    pages = Paginator(rows, PER_PAGE)
    pages.count = total  # known already
    return pages.get_page(number)


def _jobs_ahead(found: dict[str, Any]) -> int:
    """How many older jobs of anybody wait before this run's first queued one."""
    if found["waits_since"] is None or found[JobStatus.RUNNING]:
        return 0
    return Job.objects.live().filter(created_at__lt=found["waits_since"]).count()
