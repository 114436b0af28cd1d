"""The pages from upload to progress; the result page lives in viewer.py."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Prefetch, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import audit
from accounts.access import answers_data, requires
from accounts.roles import names_for
from accounts.selectors import user_may
from accounts.throttle import limited
from imaging.choices import ensemble_meant, ensembles_visible_to, models_listed, proposals_of
from imaging.deletions import deletion_shown
from imaging.forms import RunForm, UploadForm, uuids
from imaging.models import Image, JobStatus
from imaging.moves import move_form
from imaging.places import places_of
from imaging.reading import reads
from imaging.receipts import known_told, receipt_of
from imaging.run_page import choice_shown
from imaging.run_progress import run_progress
from imaging.scope import may_see
from imaging.selectors import (
    KEPT_JOBS,
    images_held_back,
    images_visible_to,
    jobs_visible_to,
    pixels_open,
    results_visible_to,
    runs_visible_to,
    studies_visible_to,
    uploads_visible_to,
)
from imaging.services.ensembles import ensemble_propose
from imaging.services.jobs import job_retry
from imaging.services.parcels import uploads_unfinished
from imaging.services.quotas import storage_told
from imaging.services.runs import run_cancel, run_submit
from imaging.services.uploads import upload_receive
from imaging.upload_review import review_of
from imaging.worklist import studies_chosen

RUNS_SHOWN = 50
PROPOSED = gettext_lazy(
    "“%(name)s” is proposed. An administrator decides; until then it serves nobody. This run used"
    " your choice once."
)
SKIPPED = {"already running": gettext_lazy("already running")}


@require_GET
@reads("study.view")
def study_detail(request: HttpRequest, pk) -> HttpResponse:
    studies = studies_visible_to(request.user).select_related("patient", "department")
    study = get_object_or_404(studies, pk=pk)
    results = results_visible_to(request.user).defer("table").order_by("-created_at")
    images = list(
        study.images.annotate(
            failed=Count("jobs", filter=Q(jobs__status=JobStatus.FAILED, jobs__run__cohort=None))
        )
        .order_by("created_at", "id")
        .prefetch_related(Prefetch("results", results))
    )
    analysed = sum(bool(image.results.all()) for image in images)
    context = {
        "study": study,
        "images": images,
        "may_export": bool(analysed) and user_may(request.user, "export.create"),
        "may_export_bulk": user_may(request.user, "export.create_bulk"),
        "many": analysed > 1,
        "open": pixels_open(request.user, [image.pk for image in images]),
        "held": images_held_back(request.user, study),
        "may_run": user_may(request.user, "run.submit"),
        "may_view_results": may_see(request.user, "result.view"),
        "move_form": move_form(request.user, study),
        "deletion": deletion_shown(request.user, study),
    }
    audit.record(request.user, "study.view", study)
    return render(request, "imaging/study_detail.html", context)


@require_http_methods(["GET", "POST"])
@requires("upload.create")
@limited("upload", "60/m")
def upload_create(request: HttpRequest) -> HttpResponse:
    places = places_of(request.user, "upload.create")
    form = UploadForm(request.POST or None, request.FILES or None, places=places)
    if request.method == "POST" and form.is_valid():
        try:
            upload = upload_receive(user=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            return redirect(upload)
    context = {
        "form": form,
        "storage": storage_told(place.organisation for place in places),
        "unfinished": uploads_unfinished(request.user),
    }
    status = 422 if form.errors else 200
    return render(request, "imaging/upload_form.html", context, status=status)


@require_GET
@requires("upload.create")
def upload_detail(request: HttpRequest, pk) -> HttpResponse:
    context = _upload_context(request, pk)
    audit.record_view(request.user, "upload.view", context["upload"])
    return render(request, "imaging/upload_detail.html", context)


@require_GET
@answers_data
@requires("upload.create")
def upload_status(request: HttpRequest, pk) -> HttpResponse:
    """Answer the receipt as it stands; the partial polls itself only while files wait."""
    context = _upload_context(request, pk)
    if not request.htmx:
        return redirect(context["upload"])
    return render(request, "imaging/partials/upload_status.html", context)


def _upload_context(request: HttpRequest, pk) -> dict:
    upload = get_object_or_404(uploads_visible_to(request.user), pk=pk)
    receipt = receipt_of(upload)
    return {
        "upload": upload,
        "receipt": receipt,
        "open": pixels_open(request.user, [image.pk for image in receipt.ready]),
        "known": known_told(request.user, receipt),
        **(review_of(request.user, upload, receipt) if upload.finished_at else {}),
    }


@require_http_methods(["GET", "POST"])
@requires("run.submit")
@limited("run", "30/m")
def run_create(request: HttpRequest) -> HttpResponse:
    """Show the choice of models, or start the run; a long selection comes by POST too."""
    sent = request.POST if request.method == "POST" and "choose" not in request.POST else None
    images = _chosen_images(request)
    listed = models_listed(images)
    form = RunForm(
        sent,
        models=[model for model, reason in listed if not reason],
        initial={"threshold": 0.5},
    )
    if sent is not None and form.is_valid() and images:
        try:
            run = _submit(request, images, form.cleaned_data)
            if name := form.cleaned_data["save_as"]:
                messages.info(request, PROPOSED % {"name": name})
            return redirect(run)
        except ValidationError as error:
            form.add_error(None, error)
    ensembles = ensembles_visible_to(request.user, images)
    context = {
        "form": form,
        "images": images,
        "open": pixels_open(request.user, [image.pk for image in images]),
        "ensembles": ensembles,
        "choice": choice_shown(
            listed,
            ensembles,
            asked=(request.POST or request.GET).get("ensemble", ""),
            sent=sent,
            as_suggested="suggested" in request.POST,
            without=request.GET.get("without", ""),
        ),
        "token": request.POST.get("token") or secrets.token_hex(16),
        "may_save": user_may(request.user, "ensemble.save"),
    }
    status = 422 if form.errors else 200
    return render(request, "imaging/run_form.html", context, status=status)


@transaction.atomic
def _submit(request: HttpRequest, images: list, asked: dict):
    """Propose the choice if a name was given, then run it this once: both, or neither."""
    choice = {name: asked[name] for name in ("members", "threshold", "fusion")}
    if name := asked["save_as"]:
        _may_save(request.user)
        house = images[0].organisation
        ensemble_propose(user=request.user, organisation=house, name=name, **choice)
    ensemble = ensemble_meant(request.user, request.POST.get("ensemble", ""), **choice)
    return run_submit(
        user=request.user,
        images=images,
        ensemble=ensemble,
        token=request.POST.get("token", "")[:64],
        **choice,
    )


def _may_save(user) -> None:
    if not user_may(user, "ensemble.save"):
        raise ValidationError(
            _("Saving an ensemble needs the role %(roles)s. Leave its name empty to run it once.")
            % {"roles": " or ".join(names_for("ensemble.save"))}
        )


def _chosen_images(request: HttpRequest) -> list:
    """The images asked for by id, study, upload or a run that failed, which this user may see."""
    query = request.POST if request.method == "POST" else request.GET
    image, study, upload, failed = (
        uuids(query.getlist(name)) for name in ("image", "study", "upload", "failed")
    )
    received = Image.objects.filter(upload_items__upload__in=upload).values("source")
    failures = jobs_visible_to(request.user).filter(run__in=failed, status=JobStatus.FAILED)
    if request.POST.get("matching"):
        study = studies_chosen(request.user, request.POST)
    wanted = Q(pk__in=image) | Q(study__in=study) | Q(source__in=received)
    wanted |= Q(pk__in=failures.values("image"))
    return list(
        images_visible_to(request.user, "run.submit")
        .filter(wanted)
        .select_related("organisation", "source", "study")
        .order_by("created_at", "id")
    )


@require_GET
@reads("run.view")
def run_list(request: HttpRequest) -> HttpResponse:
    counted = {
        status.value: Count("jobs", filter=Q(jobs__status=status) & KEPT_JOBS)
        for status in JobStatus
    }
    runs = (
        runs_visible_to(request.user)
        .select_related("requested_by")
        .annotate(total=Count("jobs", filter=KEPT_JOBS), **counted)
        .order_by("-created_at", "-id")[:RUNS_SHOWN]  # grouping drops the model's own order
    )
    audit.record(request.user, "record.list", reason="runs")
    return render(request, "imaging/run_list.html", {"runs": runs})


@require_GET
@reads("run.view")
def run_detail(request: HttpRequest, pk) -> HttpResponse:
    context = _run_context(request, pk)
    audit.record_view(request.user, "run.view", context["run"])
    return render(request, "imaging/run_detail.html", context)


@require_GET
@answers_data
@reads("run.view")
def run_status(request: HttpRequest, pk) -> HttpResponse:
    """Answer the progress as it stands; the partial polls itself only while jobs live."""
    context = _run_context(request, pk)
    if not request.htmx:
        return redirect(context["run"])
    return render(request, "imaging/partials/run_status.html", context)


def _run_context(request: HttpRequest, pk) -> dict:
    run = get_object_or_404(
        runs_visible_to(request.user)
        .select_related("requested_by", "ensemble", "rule")
        .prefetch_related("members__model_version"),
        pk=pk,
    )
    return run_progress(request.user, run, request.GET.get("page", "")) | {
        "run": run,
        "skipped": _skipped(request.user, run),
        "may_export": user_may(request.user, "export.create"),
        "may_export_bulk": user_may(request.user, "export.create_bulk"),
    }


def _skipped(user, run) -> list[tuple[Image | None, str]]:
    """Return what was asked for and not taken, with the reason; of images that `user` may see."""
    said = {one["image"]: SKIPPED[one["why"]] for one in run.skipped}
    if not said:
        return []
    images = images_visible_to(user).filter(pk__in=said).select_related("source")
    return [(image, said[str(image.pk)]) for image in images]


@require_POST
@requires("run.submit")
def run_cancel_view(request: HttpRequest, pk) -> HttpResponse:
    run = get_object_or_404(runs_visible_to(request.user), pk=pk)
    count = run_cancel(user=request.user, run=run)
    messages.success(
        request,
        ngettext("%(n)d image was cancelled.", "%(n)d images were cancelled.", count)
        % {"n": count},
    )
    if run.jobs.live().exists():
        messages.info(request, _("The other images of this run go on: they are not yours."))
    return redirect(run)


@require_POST
@requires("run.submit")
def job_retry_view(request: HttpRequest, pk) -> HttpResponse:
    job = get_object_or_404(jobs_visible_to(request.user, "run.submit"), pk=pk)
    try:
        job_retry(user=request.user, job=job)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(job.run)


@require_GET
@requires("model.view")
def model_list(request: HttpRequest) -> HttpResponse:
    context = {
        "models": [model for model, _reason in models_listed([])],
        "may_add": user_may(request.user, "model.add"),
        "may_decide": user_may(request.user, "ensemble.view"),
        "proposals": proposals_of(request.user),
        "ensembles": ensembles_visible_to(request.user, []),
    }
    return render(request, "imaging/model_list.html", context)
