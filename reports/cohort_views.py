"""A researcher's files of a cohort: asking for them, taking them away."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, step_up
from accounts.throttle import limited
from imaging.measures.small_cells import count_told
from imaging.models import Cohort
from imaging.models.cohorts import HoldState
from imaging.ranges import blob_response
from imaging.selectors_cohorts import cohorts_open_to
from imaging.services.refusals import NotPossible
from reports.cohort_exports import ACTION, cohort_export_create, cohort_exports_of, is_closed
from reports.files import FILES, LEFT_COHORT
from reports.models import COHORT_KINDS, ExportStatus
from reports.services import KEPT, export_delete, export_taken

SHOWN = 50


@require_GET
@requires("export.create_deidentified")
def cohort_files(request: HttpRequest, pk) -> HttpResponse:
    cohort = get_object_or_404(cohorts_open_to(request.user, ACTION), pk=pk)
    files = cohort_exports_of(request.user).filter(cohort=cohort).select_related("blob")
    context = {
        "cohort": cohort,
        "files": files.order_by("-created_at", "-id")[:SHOWN],
        "kinds": [(kind.value, kind.label) for kind in COHORT_KINDS],
        "kept_days": KEPT.days,
        "looked": _looked(cohort),
    }
    return render(request, "reports/cohort_files.html", context)


def _looked(cohort: Cohort) -> dict[str, str]:
    """Return of how many pictures somebody said what their pixels show; small counts untold."""
    kept = cohort.images.filter(image__study__deleted_at=None).order_by()
    found = dict(kept.values_list("state").annotate(n=Count("pk")))
    return {state.value: count_told(found.get(state, 0)) for state in HoldState}


@require_POST
@requires("export.create_deidentified")
@step_up
@limited("export", "10/m")
def cohort_export(request: HttpRequest, pk) -> HttpResponse:
    cohort = get_object_or_404(cohorts_open_to(request.user, ACTION), pk=pk)
    try:
        cohort_export_create(user=request.user, cohort=cohort, kind=request.POST.get("kind", ""))
        messages.success(request, _("Asked for. The bell tells you when the file is ready."))
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect("reports:cohort-files", pk=cohort.pk)


@require_GET
@requires("export.create_deidentified")
def cohort_download(request: HttpRequest, pk) -> HttpResponse:
    files = cohort_exports_of(request.user).select_related("blob")
    export = get_object_or_404(files, pk=pk)
    if export.status != ExportStatus.SUCCEEDED or export.blob is None:
        raise Http404
    if is_closed(request.user, export):
        raise PermissionDenied(LEFT_COHORT)
    content_type, name = FILES[export.kind]
    export_taken(user=request.user, export=export, whole="Range" not in request.headers)
    return blob_response(
        request, export.blob, content_type=content_type, filename=name.format(str(export.pk)[:8])
    )


@require_POST
@requires("export.create_deidentified")
def cohort_file_delete(request: HttpRequest, pk) -> HttpResponse:
    export = get_object_or_404(cohort_exports_of(request.user), pk=pk)
    if export_delete(user=request.user, export=export):
        messages.success(request, _("The file is deleted. You can ask for it again."))
    return redirect("reports:cohort-files", pk=export.cohort_id)
