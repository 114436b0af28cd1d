"""WADO-RS: headers, originals, frames and pictures of what came as DICOM (PS3.18 10.4)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from http import HTTPStatus

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts import audit
from accounts.api.problems import Problem
from accounts.vault.storage import blob_open
from imaging.dicomweb.accept import NATIVE, frame_choice, takes_alone, takes_multipart
from imaging.dicomweb.frames import (
    MEDIA,
    OCTETS,
    can_unpack,
    frame_chunks,
    frame_numbers,
    frame_png,
    stored_kinds,
)
from imaging.dicomweb.multipart import Part, content_type, new_boundary, without_preamble, written
from imaging.dicomweb.rooms import (
    DICOM_JSON,
    PLAIN_JSON,
    DicomwebRoom,
    header_told,
    instances_of,
    json_answer,
    not_acceptable,
    nothing_here,
    study_found,
    tagged,
)
from imaging.dicomweb.search import instance_url
from imaging.models import Image, Instance
from imaging.ranges import blob_response

DICOM, PNG = "application/dicom", "image/png"
PIXELS = "pixels.view"
AT_ONCE = 50


class Retrieve(DicomwebRoom):
    """Something of a study, a series or an instance, as the address names them."""

    action = "study.view"

    def found(self, request: Request, study: str, series: str = "", instance: str = ""):
        """Return the instances that the address names. Raises: Problem, 404."""
        asked = {"series__series_instance_uid": series} if series else {}
        asked |= {"sop_instance_uid": instance} if instance else {}
        return instances_of(request.user, study_found(request.user, study), self.action, **asked)


class Metadata(Retrieve):
    def get(self, request: Request, **uids: str) -> HttpResponse:
        rows = self.found(request, **uids)
        audit.record_once(request.user, "study.view", rows[0].study)
        if "instance" in uids:
            return json_answer(request, [header_told(request.user, rows[0])])
        header = request.headers.get("Accept", "")
        if not any(takes_alone(header, one) for one in (DICOM_JSON, PLAIN_JSON)):
            raise not_acceptable(_("This is answered as application/dicom+json only."))
        return StreamingHttpResponse(_told(request.user, rows), content_type=DICOM_JSON)


class Originals(Retrieve):
    """The files as they were sent, their preamble zeroed; whoever may see pixels."""

    required_action = action = PIXELS

    def get(self, request: Request, **uids: str) -> HttpResponse:
        rows = self.found(request, **uids)
        first = rows[0]
        if first.study.patient.version > 1:
            raise Problem(
                HTTPStatus.CONFLICT,
                "identity_corrected",
                _("The identity of this patient was corrected here; the original files still say"
                  " the earlier one and are not handed out. Headers and frames are."),
            )  # fmt: skip
        header = request.headers.get("Accept", "")
        syntaxes = {one["syntax"] for one in rows.values_list("layout", flat=True)}
        if not any(
            takes_multipart(header, DICOM, syntax) or takes_alone(header, DICOM)
            for syntax in syntaxes
        ):
            raise not_acceptable(
                _("Originals go out as application/dicom in the transfer syntax in which they"
                  " came: %s.") % ", ".join(sorted(syntaxes))
            )  # fmt: skip
        audit.record_once(request.user, "study.retrieve", first.study)
        if "instance" in uids and not takes_multipart(header, DICOM, first.layout["syntax"]):
            return _original_alone(first)
        base = request.build_absolute_uri("/dicomweb")
        parts = (_original(one, base) for one in rows.iterator(chunk_size=AT_ONCE))
        return _multipart(parts, DICOM)


class Frames(Retrieve):
    required_action = action = PIXELS

    def get(self, request: Request, frames: str, **uids: str) -> HttpResponse:
        one = self.found(request, **uids)[0]
        numbers = frame_numbers(frames, one)
        header = request.headers.get("Accept", "")
        syntax = frame_choice(header, stored_kinds(one), can_unpack=can_unpack(one))
        if not syntax:
            raise not_acceptable(
                _("Frames of this instance go out as multipart/related of %s.")
                % " or ".join(_offered(one))
            )
        audit.record_once(request.user, "image.view", _image_of(one))
        first = frame_chunks(one, numbers[0], syntax)  # waits, or fails, before the answer begins
        media = OCTETS if syntax == NATIVE else MEDIA[syntax]
        base = instance_url(request.build_absolute_uri("/dicomweb"), one)
        parts = (
            Part(
                f"{media}; transfer-syntax={syntax}",
                f"{base}/frames/{number + 1}",
                frame_chunks(one, number, syntax) if place else first,
            )
            for place, number in enumerate(numbers)
        )
        return _multipart(parts, media)


class Rendered(Retrieve):
    required_action = action = PIXELS
    parameters = frozenset({"window"})

    def get(self, request: Request, frames: str = "1", **uids: str) -> HttpResponse:
        one = self.found(request, **uids)[0]
        number = frame_numbers(frames, one)[0]
        if not takes_alone(request.headers.get("Accept", ""), PNG):
            raise not_acceptable(_("Pictures are drawn as image/png."))
        audit.record_once(request.user, "image.view", _image_of(one))
        drawn = frame_png(one, number, _window(request.query_params.get("window", "")))
        return tagged(request, HttpResponse(drawn, content_type=PNG))


class Thumbnail(Retrieve):
    required_action = action = PIXELS

    def get(self, request: Request, **uids: str) -> HttpResponse:
        one = self.found(request, **uids)[0]
        if not takes_alone(request.headers.get("Accept", ""), PNG):
            raise not_acceptable(_("Pictures are drawn as image/png."))
        return blob_response(request._request, _image_of(one).thumbnail, content_type=PNG)


def _told(user, rows) -> Iterator[bytes]:
    """Yield an array of headers, one after another: a study may have thousands."""
    opened = b"["
    for one in rows.iterator(chunk_size=AT_ONCE):
        told = json.dumps(header_told(user, one), ensure_ascii=False, separators=(",", ":"))
        yield opened + told.encode()
        opened = b","
    yield b"]"


def _original(one: Instance, base: str) -> Part:
    reader = blob_open(one.file)
    syntax = one.layout["syntax"]
    kind = f"{DICOM}; transfer-syntax={syntax}"
    return Part(kind, instance_url(base, one), without_preamble(reader.chunks()))


def _original_alone(one: Instance) -> HttpResponse:
    reader = blob_open(one.file)
    answer = StreamingHttpResponse(without_preamble(reader.chunks()), content_type=DICOM)
    answer["Content-Length"] = str(reader.size)
    answer["Content-Disposition"] = f'attachment; filename="{one.sop_instance_uid}.dcm"'
    return answer


def _multipart(parts: Iterator[Part], media: str) -> HttpResponse:
    boundary = new_boundary()
    body = written(parts, boundary)
    return StreamingHttpResponse(body, content_type=content_type(boundary, media))


def _image_of(one: Instance) -> Image:
    image = Image.objects.filter(files__source=one.source_id, study=one.study_id)
    found = image.select_related("thumbnail").first()
    if found is None:
        raise nothing_here()
    return found


def _offered(one: Instance) -> list[str]:
    kinds = stored_kinds(one) + ([(OCTETS, NATIVE)] if can_unpack(one) else [])
    return sorted({f'{media}; transfer-syntax="{syntax}"' for media, syntax in kinds})


def _window(text: str) -> tuple[float, float] | None:
    """Return (center, width) of “center,width[,function]” (PS3.18 8.3.5.1.4)."""
    if not text:
        return None
    words = text.split(",")
    try:
        center, width = float(words[0]), float(words[1])
    except (IndexError, ValueError):
        center = width = math.nan
    if not (math.isfinite(center) and 1 <= width < 1e9) or words[2:] not in ([], ["linear"]):
        raise Problem(
            HTTPStatus.BAD_REQUEST,
            "parameter_invalid",
            _("window: It must be “center,width” or “center,width,linear”."),
        )
    return center, width
