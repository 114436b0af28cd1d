"""Asking for files, watching them being made, taking them away."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import answers_data, requires
from accounts.throttle import limited
from imaging.forms import uuids
from imaging.ranges import blob_response
from imaging.services.refusals import NotPossible
from reports.models import ExportKind, ExportStatus
from reports.selectors import exports_visible_to, results_chosen
from reports.services import MOST_RESULTS, export_create

SHOWN = 50
FILES = {  # kind: (content type, file name without identity)
    ExportKind.PDF: ("application/pdf", "report-{}.pdf"),
    ExportKind.PDFS: ("application/zip", "reports-{}.zip"),
    ExportKind.CSV: ("text/csv", "measures-{}.csv"),
    ExportKind.MASKS: ("application/zip", "masks-{}.zip"),
}


@require_POST
@requires("export.create")
@limited("export", "10/m")
def export_create_view(request: HttpRequest) -> HttpResponse:
    chosen = results_chosen(
        request.user,
        results=uuids(request.POST.getlist("result")),
        studies=uuids(request.POST.getlist("study")),
        runs=uuids(request.POST.getlist("run")),
    )
    results = list(chosen[: MOST_RESULTS + 1])
    try:
        export = export_create(
            user=request.user, kind=request.POST.get("kind", ""), results=results
        )
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(reverse("imaging:study-list"))
    return redirect(export)


@require_GET
@requires("export.create")
def export_list(request: HttpRequest) -> HttpResponse:
    newest = exports_visible_to(request.user).order_by("-created_at", "-id")  # grouping drops it
    exports = newest[:SHOWN]
    return render(request, "reports/export_list.html", {"exports": exports})


@require_GET
@requires("export.create")
def export_detail(request: HttpRequest, pk) -> HttpResponse:
    return render(request, "reports/export_detail.html", _context(request, pk))


@require_GET
@answers_data
@requires("export.create")
def export_status(request: HttpRequest, pk) -> HttpResponse:
    """Answer the progress as it stands; the partial polls itself only while the file is made."""
    context = _context(request, pk)
    if not request.htmx:
        return redirect(context["export"])
    return render(request, "reports/partials/export_status.html", context)


@require_GET
@requires("export.create")
def export_download(request: HttpRequest, pk) -> HttpResponse:
    export = get_object_or_404(exports_visible_to(request.user).select_related("blob"), pk=pk)
    if export.status != ExportStatus.SUCCEEDED or export.blob is None:
        raise Http404
    content_type, name = FILES[export.kind]
    audit.record(request.user, "export.download", export, request_id=request.request_id)
    return blob_response(
        request, export.blob, content_type=content_type, filename=name.format(str(export.pk)[:8])
    )


def _context(request: HttpRequest, pk) -> dict:
    export = get_object_or_404(exports_visible_to(request.user).select_related("blob"), pk=pk)
    skipped = export.items.filter(state="skipped") if export.skipped else []
    return {"export": export, "left_out": skipped}
