"""A researcher's pages: cohorts that were given to them, pictures without identity, results."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import answers_data, requires
from accounts.plan_limits import refusal_told
from accounts.throttle import limited
from imaging.choices import ensembles_open_to
from imaging.cohort_pictures import Slice, layer_of, picture_drawn
from imaging.compare_page import measure_rows, row_of
from imaging.display import image_planes
from imaging.forms import uuids
from imaging.measures.small_cells import count_told
from imaging.models import LIVE, Cohort, CohortImage, Ensemble, JobStatus, Modality, Result
from imaging.models.cohorts import SHOWN
from imaging.planes import square_size
from imaging.selectors_cohorts import (
    VIEW_RESULT,
    cohort_images_open_to,
    cohort_results_of,
    cohort_runs_of,
    cohorts_open_to,
    year_of,
    years_told,
)
from imaging.services.cohort_runs import cohort_run_submit
from imaging.services.runs import run_cancel
from imaging.slice_page import PLANE_NAMES

PER_PAGE, RUNS_SHOWN = 50, 20


@require_GET
@requires("pixels.view_deidentified")
def cohort_list(request: HttpRequest) -> HttpResponse:
    shown = Q(images__state__in=SHOWN, images__image__study__deleted_at=None)
    cohorts = cohorts_open_to(request.user).annotate(shown=Count("images", filter=shown))
    audit.record(request.user, "cohort.list")
    return render(request, "imaging/cohort_list.html", {"cohorts": cohorts.order_by("name")})


@require_GET
@requires("pixels.view_deidentified")
def cohort_detail(request: HttpRequest, pk) -> HttpResponse:
    cohort = get_object_or_404(cohorts_open_to(request.user), pk=pk)
    images = cohort_images_open_to(request.user).filter(cohort=cohort)
    page = Paginator(images.order_by("position"), PER_PAGE).get_page(request.GET.get("page"))
    audit.record(request.user, "cohort.view", cohort)
    context = {
        "cohort": cohort,
        "page": page,
        "results": _results_by_image(cohort, page.object_list),
        "years": (years := years_told(cohort)),
        "figures": _figures(images, years),
        "ensembles": _ensembles(request.user, images),
        "runs": _runs(request.user, cohort),
    }
    return render(request, "imaging/cohort_detail.html", context)


@require_GET
@requires("pixels.view_deidentified")
def cohort_image(request: HttpRequest, pk) -> HttpResponse:
    """Show one picture with what models said of it."""
    one = get_object_or_404(cohort_images_open_to(request.user), pk=pk)
    shown = Slice.from_query(request.GET, one.image)
    names = [name for name in image_planes(one.image) if name in PLANE_NAMES]
    audit.record(request.user, "cohort.view_image", one)
    context = {
        "one": one,
        "cohort": one.cohort,
        "year": year_of(one, years_told(one.cohort)),
        "shown": shown,
        "size": square_size(shown.plane),
        "planes": [(name, PLANE_NAMES[name], name == shown.plane.name) for name in names],
        "results": [_told(result) for result in cohort_results_of(one).order_by("-created_at")],
    }
    return render(request, "imaging/cohort_image.html", context)


@require_GET
@answers_data
@requires("pixels.view_deidentified")
def cohort_picture(request: HttpRequest, pk) -> HttpResponse:
    one = get_object_or_404(cohort_images_open_to(request.user), pk=pk)
    audit.record_once(request.user, "cohort.view_image", one)
    drawn = picture_drawn(one.image, Slice.from_query(request.GET, one.image))
    return HttpResponse(drawn, content_type="image/png")


@require_GET
@answers_data
@requires("result.view_deidentified")
def cohort_layer(request: HttpRequest, pk, result, name: str) -> HttpResponse:
    one = get_object_or_404(cohort_images_open_to(request.user, VIEW_RESULT), pk=pk)
    found = get_object_or_404(cohort_results_of(one), pk=result)
    audit.record_once(request.user, "cohort.view_result", one)
    return HttpResponse(layer_of(found, name, request.GET), content_type="image/png")


@require_POST
@requires("run.submit_cohort")
@limited("run", "30/m")
def cohort_run(request: HttpRequest, pk) -> HttpResponse:
    """Run an approved ensemble on chosen pictures of the cohort; on all that fit where none is."""
    cohort = get_object_or_404(cohorts_open_to(request.user, "run.submit_cohort"), pk=pk)
    try:
        cohort_run_submit(
            user=request.user,
            cohort=cohort,
            ensemble_id=request.POST.get("ensemble", ""),
            chosen=uuids(request.POST.getlist("image")),
        )
        messages.success(request, _("Started. The bell tells you when it is done."))
    except ValidationError as refusal:
        messages.error(request, refusal_told(refusal))
    return redirect("imaging:cohort-detail", pk=cohort.pk)


@require_POST
@requires("run.submit_cohort")
def cohort_run_cancel(request: HttpRequest, pk, run) -> HttpResponse:
    cohort = get_object_or_404(cohorts_open_to(request.user, "run.submit_cohort"), pk=pk)
    mine = get_object_or_404(cohort_runs_of(request.user, cohort), pk=run)
    count = run_cancel(user=request.user, run=mine)
    said = ngettext("%(n)d image was cancelled.", "%(n)d images were cancelled.", count)
    messages.success(request, said % {"n": count})
    return redirect("imaging:cohort-detail", pk=cohort.pk)


def _ensembles(user, images: QuerySet[CohortImage]) -> list[Ensemble]:
    """Return the approved ensembles that were made for any of these pictures."""
    kinds = set(images.order_by().values_list("image__modality", flat=True).distinct())
    found = ensembles_open_to(user).order_by("organisation", "name")
    return [one for one in found if kinds & set(one.modalities)]


def _results_by_image(cohort: Cohort, images: Iterable[CohortImage]) -> dict[UUID, list[Result]]:
    """Return each ensemble's newest result of these pictures by image, by one query."""
    runs = Q(job__run__cohort=None) | Q(job__run__cohort=cohort)
    rows = Result.objects.filter(runs, image__in=[one.image_id for one in images])
    found: dict[UUID, dict[str, Result]] = defaultdict(dict)
    for result in rows.defer("table").select_related("job__run").order_by("-created_at"):
        frozen = result.job.run.frozen
        found[result.image_id].setdefault(frozen["name"] or str(result.pk), result)
    return {image: list(results.values()) for image, results in found.items()}


def _figures(images, told: set[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Return how many patients there are by modality and year.

    Years of fewer than five are one row, and a row of fewer than five is not counted out.
    """
    patients: dict[tuple[str, str], set[UUID]] = defaultdict(set)
    rows = images.order_by().values_list("image__modality", "year", "image__patient").distinct()
    for kind, year, patient in rows:
        patients[kind, year if (kind, year) in told else ""].add(patient)
    names = dict(Modality.choices)
    return [
        (str(names[kind]), year or "—", count_told(len(some)))
        for (kind, year), some in sorted(patients.items())
    ]


def _runs(user, cohort: Cohort) -> list[dict]:
    runs = cohort_runs_of(user, cohort).order_by("-created_at")[:RUNS_SHOWN]
    return [
        {
            "pk": run.pk,
            "name": run.frozen["name"],
            "total": len(jobs := [job.status for job in run.jobs.all()]),
            "succeeded": jobs.count(JobStatus.SUCCEEDED),
            "failed": jobs.count(JobStatus.FAILED),
            "live": sum(status in LIVE for status in jobs),
        }
        for run in runs
    ]


def _told(result: Result) -> dict:
    """Return what may be said of a result: no title that a person typed, no time, no reader."""
    frozen = result.job.run.frozen
    row = row_of(result, result.threshold)
    return {
        "result": result,
        "name": frozen["name"],
        "members": [f"{one['model']} {one['version']}" for one in frozen["members"]],
        "row": row,
        "measures": measure_rows(row, None),
        "classes": list(result.classes.all()),
        "boxes": result.boxes.count(),
    }
