"""Sending in pieces: where the upload page asks, sends, goes on after a break, and ends."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import answers_data, requires
from accounts.throttle import limited
from imaging.forms_sending import OpenForm, PiecesForm
from imaging.models import ItemStatus, Upload, UploadItem
from imaging.places import places_of
from imaging.selectors import uploads_visible_to
from imaging.services.parcels import upload_close, upload_give_up, upload_open, uploads_open
from imaging.services.pieces import PART_BYTES, Closed, pieces_take


@require_POST
@answers_data
@requires("upload.create")
@limited("upload", "60/m")
def upload_begin(request: HttpRequest) -> HttpResponse:
    """Answer where each file of a list is to be sent, and how much of it is here already."""
    form = OpenForm(request.POST, places=places_of(request.user, "upload.create"))
    if not form.is_valid():
        return _refused(form.errors.values())
    try:
        upload, items = upload_open(user=request.user, **form.cleaned_data)
    except ValidationError as error:
        return _refused([error.messages])
    return JsonResponse(
        {
            "pieces": reverse("imaging:upload-pieces", args=[upload.pk]),
            "close": reverse("imaging:upload-close", args=[upload.pk]),
            "receipt": upload.get_absolute_url(),
            "piece": PART_BYTES,
            "files": [_state(item) for item in items],
        }
    )


@require_POST
@answers_data
@requires("upload.create")
@limited("pieces", "1200/m")
def upload_pieces(request: HttpRequest, pk) -> HttpResponse:
    """Take pieces in; 409 where one did not fit: each file says how far it is here."""
    upload = _open_upload(request, pk)
    form = PiecesForm(request.POST, request.FILES)
    if not form.is_valid():
        return _refused(form.errors.values())
    try:
        taken = pieces_take(upload, form.cleaned_data["sent"])
    except ValidationError as error:
        return _refused([error.messages])
    except Closed:
        return JsonResponse({"errors": [_("This upload was closed meanwhile.")]}, status=410)
    files = [_state(item) | {"fault": fault} for item, fault in taken]
    return JsonResponse({"files": files}, status=409 if any(fault for _, fault in taken) else 200)


@require_POST
@requires("upload.create")
def upload_close_view(request: HttpRequest, pk) -> HttpResponse:
    """End the sending: what is here is checked; the receipt says what became of each file."""
    upload = _open_upload(request, pk)
    upload_close(upload)
    return redirect(upload)


@require_POST
@requires("upload.create")
def upload_give_up_view(request: HttpRequest, pk) -> HttpResponse:
    upload_give_up(_open_upload(request, pk))
    return redirect("imaging:upload-create")


def _open_upload(request: HttpRequest, pk) -> Upload:
    """Return an open upload of this person's own; there is no sending for somebody else."""
    mine = uploads_visible_to(request.user) & uploads_open(request.user)
    return get_object_or_404(mine.select_related("organisation__plan", "user"), pk=pk)


def _state(item: UploadItem) -> dict:
    """How far a file is: what of it is here, and the sentence if that was all."""
    is_coming = item.status == ItemStatus.COMING
    return {
        "item": str(item.pk),
        "received": item.received if is_coming else item.size,
        "status": item.status,
        "words": item.reason,
    }


def _refused(errors) -> JsonResponse:
    words = [str(message) for messages in errors for message in messages]
    return JsonResponse({"errors": words}, status=422)
