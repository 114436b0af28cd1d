"""/session/: a file of one's own, kept for an hour to have models look at it."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request

from accounts import audit
from accounts.access import refusal
from accounts.api.problems import Problem
from accounts.selectors import user_may
from imaging.forms import uuids
from imaging.models import LabelSession
from imaging.monai_label.rooms import LabelRoom, wrong
from imaging.places import places_of
from imaging.ranges import blob_response
from imaging.services.label_sessions import label_session_end, label_session_open

SEND = "upload.create"


class Sessions(LabelRoom):
    required_action = SEND
    throttle_scope = "upload"
    parser_classes = (MultiPartParser, FormParser)

    def put(self, request: Request, **kwargs: str) -> HttpResponse:
        files = request.FILES.getlist("files")
        if len(files) != 1:
            raise wrong("invalid", _("files: send one file; a series of several as one ZIP."))
        session = session_kept(self, request, files[0], _life(request))
        return JsonResponse({"session_id": str(session.pk), "session_info": _told(session)})


class OneSession(LabelRoom):
    required_action = SEND

    def get(self, request: Request, session: str, **kwargs: str) -> HttpResponseBase:
        """Tell of the session; with `image=true` send its file back."""
        found = session_of(request, session)
        if request.query_params.get("image", "").lower() != "true":
            return JsonResponse(_told(found))
        audit.record(request.user, "image.download", found)
        name = f"session-{found.pk.hex[:8]}"
        return blob_response(
            request._request, found.blob, content_type="application/octet-stream", filename=name
        )

    def delete(self, request: Request, session: str, **kwargs: str) -> HttpResponse:
        found = session_of(request, session)
        told = _told(found)
        label_session_end(session=found, by=request.user)
        return JsonResponse(told)


def session_kept(
    room: LabelRoom, request: Request, file: UploadedFile, life: timedelta | None = None
) -> LabelSession:
    """Keep a file in the token's place, for whoever may send pictures there."""
    place = room.place()
    may = user_may(request.user, SEND)
    if not may or place.key not in {one.key for one in places_of(request.user, SEND)}:
        raise PermissionDenied(refusal(SEND))
    return label_session_open(user=request.user, place=place, file=file, life=life)


def session_of(request: Request, wanted: str) -> LabelSession:
    """Return a session of one's own in this place. Raises: Problem, 404."""
    mine = LabelSession.objects.live().filter(
        pk__in=uuids([wanted]),
        user=request.user,
        organisation=request.auth.organisation,
        department=request.auth.department,
    )
    found = mine.select_related("user", "organisation__plan", "department", "blob", "upload")
    if (session := found.first()) is None:
        said = _("There is no such session of yours; after its time the file is deleted.")
        raise Problem(HTTPStatus.NOT_FOUND, "not_found", said)
    session.user = request.user  # who stands in this place alone
    return session


def _life(request: Request) -> timedelta | None:
    """Return the seconds that are asked for; none, and 0, mean the longest."""
    text = request.query_params.get("expiry") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise wrong("invalid", _("expiry: a number of seconds."))
    return timedelta(seconds=int(text)) if int(text) else None


def _told(session: LabelSession) -> dict[str, Any]:
    """Return what MONAI Label says of a session, but for paths on the server: there are none."""
    created = int(session.created_at.timestamp())
    return {
        "name": str(session.pk),
        "path": "",
        "image": "",
        "meta": {"size": session.size},
        "create_ts": created,
        "last_access_ts": created,
        "expiry": int(session.expires_at.timestamp()) - created,
    }
