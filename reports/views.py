"""Asking for files, watching them being made, taking them away."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from accounts.access import answers_data, demand, requires
from accounts.selectors import user_may
from accounts.throttle import limited
from imaging.forms import uuids
from imaging.ranges import blob_response
from imaging.services.refusals import NotPossible
from imaging.worklist import studies_chosen
from reports.choosing import Chosen, choose
from reports.files import CLOSED, FILES
from reports.models import BULK, MANY, ExportKind, ExportStatus, action_of
from reports.selectors import (
    exports_visible_to,
    items_superseded,
    results_of,
    studies_without,
)
from reports.services import (
    KEPT,
    export_cancel,
    export_create,
    export_delete,
    export_taken,
)

SHOWN = 50


@require_POST
@requires("export.create")
@limited("export", "10/m")
def export_create_view(request: HttpRequest) -> HttpResponse:
    kind, signed_only = request.POST.get("kind", ""), "signed" in request.POST
    chosen = _chosen(request, kind, signed_only)
    if kind in MANY and len(chosen.results) > 1:
        kind = MANY[ExportKind(kind)].value
        chosen = _chosen(request, kind, signed_only)
    try:
        export = export_create(
            user=request.user, kind=kind, results=chosen.results, version=_version(request),
            signed_only=signed_only,
        )  # fmt: skip
    except NotPossible as refusal:
        messages.error(request, str(refusal))
        return redirect(reverse("imaging:study-list"))
    _tell(request, chosen, signed_only)
    return redirect(export)


def _tell(request: HttpRequest, chosen: Chosen, signed_only: bool) -> None:
    """Say what of the selection is not in the file, and what stands in it once for several."""
    if without := studies_without(request.user, _studies(request), chosen.results):
        words = _without_signed(without) if signed_only else _without(without)
        messages.warning(request, words % {"n": without})
    if chosen.folded:
        words = ngettext(
            "%(n)d repetition is left out: the same models on the same image stand in it once.",
            "%(n)d repetitions are left out: the same models on the same image stand in it once.",
            chosen.folded,
        )
        messages.info(request, words % {"n": chosen.folded})


def _without(n: int) -> str:
    return ngettext(
        "%(n)d chosen study has no result that is yours to export: it is not in the file.",
        "%(n)d chosen studies have no result that is yours to export: they are not in the file.",
        n,
    )


def _without_signed(n: int) -> str:
    return ngettext(
        "%(n)d chosen study has no signed result that is yours to export: it is not in the file.",
        "%(n)d chosen studies have no signed result that is yours to export: they are not in"
        " the file.",
        n,
    )


def _version(request: HttpRequest) -> int | None:
    """Return the version of the verdict that was asked for by number, if one was."""
    asked = request.POST.get("version", "")
    return int(asked) if asked.isdecimal() and len(asked) < 5 else None


def _studies(request: HttpRequest) -> list:
    return studies_chosen(request.user, request.POST)


def _chosen(request: HttpRequest, kind: str, signed_only: bool) -> Chosen:
    """Return the results meant, once whoever asks may have such a file and has proved it is they.

    A ZIP or a table of many takes more than one report does (accounts/roles.py).
    """
    demand(request, action_of(kind))
    return choose(
        request.user,
        action=action_of(kind),
        results=_named(request),
        studies=_studies(request),
        runs=uuids(request.POST.getlist("run")),
        signed_only=signed_only,
    )


def _named(request: HttpRequest) -> list:
    """Return the results that are named, and those of a file that is asked for again."""
    files = uuids(request.POST.getlist("again"))
    return [*uuids(request.POST.getlist("result")), *results_of(request.user, files)]


@require_GET
@requires("export.create")
def export_list(request: HttpRequest) -> HttpResponse:
    mine = exports_visible_to(request.user).select_related("user", "blob")
    pages = Paginator(mine.order_by("-created_at", "-id"), SHOWN)  # grouping drops it
    return render(
        request,
        "reports/export_list.html",
        {
            "page": pages.get_page(request.GET.get("page")),
            "kept_days": KEPT.days,
            "may_export_bulk": user_may(request.user, BULK),
        },
    )


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
    if export.is_closed:
        raise PermissionDenied(CLOSED)
    content_type, name = FILES[export.kind]
    export_taken(user=request.user, export=export, whole="Range" not in request.headers)
    return blob_response(
        request, export.blob, content_type=content_type, filename=name.format(str(export.pk)[:8])
    )


@require_POST
@requires("export.create")
def export_cancel_view(request: HttpRequest, pk) -> HttpResponse:
    export = get_object_or_404(exports_visible_to(request.user), pk=pk)
    if export_cancel(user=request.user, export=export):
        messages.success(request, _("Cancelled. Nothing of the file is kept."))
    return redirect(export)


@require_POST
@requires("export.create")
def export_delete_view(request: HttpRequest, pk) -> HttpResponse:
    export = get_object_or_404(exports_visible_to(request.user), pk=pk)
    if export_delete(user=request.user, export=export):
        messages.success(request, _("The file is deleted. You can ask for it again."))
    return redirect("reports:export-list")


def _version_named(export) -> int | None:
    """Return the version that a report prints, so that it is the same when asked for again."""
    return export.items.values_list("version", flat=True).first() if export.kind == "pdf" else None


def _context(request: HttpRequest, pk) -> dict:
    export = get_object_or_404(exports_visible_to(request.user).select_related("blob"), pk=pk)
    skipped = export.items.filter(state="skipped") if export.skipped else []
    return {
        "export": export,
        "left_out": skipped,
        "superseded": items_superseded(export) if export.is_superseded else [],
        "named_version": _version_named(export),
        "closed": CLOSED,
    }
