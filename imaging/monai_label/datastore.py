"""The pictures that somebody may see, as MONAI Label's list of images and labels; read only."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts import audit
from accounts.api.problems import Problem
from imaging.forms import uuids
from imaging.models import Image, Result, Review
from imaging.monai_label.files import MEDIA, NII, NRRD, picture_pieces, picture_size
from imaging.monai_label.labels import FINAL, label_file, label_told, labels_of
from imaging.monai_label.rooms import LabelRoom, file_answer, nothing_here, read_only, wrong
from imaging.selectors import images_visible_to

MOST = 1000  # pictures in one list, the newest
PIXELS = "pixels.view"
_UID = re.compile(r"[0-9.]{1,64}")


class Datastore(LabelRoom):
    def get(self, request: Request, **kwargs: str) -> HttpResponse:
        output = request.query_params.get("output") or "stats"
        if output not in ("stats", "all"):
            raise wrong("invalid", _("output: stats or all. Nothing is trained here."))
        audit.record(request.user, "record.list_api", reason=f"ml {output}")
        return JsonResponse(objects_of(request.user) if output == "all" else stats_of(request.user))

    def put(self, request: Request, **kwargs: str):
        raise read_only()

    delete = put


class ImageFile(LabelRoom):
    """GET sends the picture, HEAD says whether it is there."""

    required_action = PIXELS

    def get(self, request: Request, **kwargs: str) -> HttpResponseBase:
        image = image_named(request.user, request.query_params.get("image", ""), PIXELS)
        audit.record(request.user, "image.download", image)
        answer = StreamingHttpResponse(picture_pieces(image), content_type=MEDIA[NII])
        answer["Content-Length"] = str(picture_size(image))
        answer["Content-Disposition"] = f'attachment; filename="{file_name(image)}"'
        return answer

    def head(self, request: Request, **kwargs: str) -> HttpResponse:
        image = image_named(request.user, request.query_params.get("image", ""), PIXELS)
        audit.record_once(request.user, "image.view", image)
        asked = request.query_params.get("check_sum", "")
        if asked and asked.lower().removeprefix("sha256:") != checksum(image):
            raise nothing_here()
        return JsonResponse({})

    def put(self, request: Request, **kwargs: str):
        raise read_only()

    delete = put


class ImageInfo(LabelRoom):
    def get(self, request: Request, **kwargs: str) -> HttpResponse:
        image = image_named(request.user, request.query_params.get("image", ""), "study.view")
        audit.record_once(request.user, "image.view", image)
        return JsonResponse(image_told(image))

    def put(self, request: Request, **kwargs: str):
        raise read_only()


class LabelFile(LabelRoom):
    """GET sends a label map, HEAD says whether it is there; PUT and DELETE are refused."""

    required_action = "result.view"

    def get(self, request: Request, **kwargs: str) -> HttpResponse:
        label = self._label(request)
        image = (label.result if isinstance(label, Review) else label).image
        reason = "mask" if isinstance(label, Result) else "signed mask"
        audit.record(request.user, "image.download", label, reason=reason)
        return file_answer(label_file(label), f"label-{image.pk.hex[:8]}{NRRD}", MEDIA[NRRD])

    def head(self, request: Request, **kwargs: str) -> HttpResponse:
        label = self._label(request)
        result = label.result if isinstance(label, Review) else label
        audit.record_once(request.user, "result.view", result)
        return JsonResponse({})

    def put(self, request: Request, **kwargs: str):
        raise read_only()

    delete = put

    def _label(self, request: Request) -> Result | Review:
        """Return the label of a picture (`label=`, `image=`) under `tag=`. Raises: Problem, 404."""
        query = request.query_params
        wanted = query.get("label") or query.get("image", "")
        image = image_named(request.user, wanted, "study.view")
        label = labels_of(request.user, [image.pk]).get(image.pk, {}).get(query.get("tag") or FINAL)
        if label is None:
            said = _("This picture has no label under this tag. There are: original, final.")
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", said)
        return label


class LabelInfo(LabelFile):
    def get(self, request: Request, **kwargs: str) -> HttpResponse:
        label = self._label(request)
        result = label.result if isinstance(label, Review) else label
        audit.record_once(request.user, "result.view", result)
        return JsonResponse(label_told(label)["info"])


def image_named(user, wanted: str, action: str) -> Image:
    """Return the picture of that id, or of the series of that UID if it is one picture.

    Raises: Problem, 404 for none that `user` may do `action` on.
    """
    images = images_visible_to(user, action)
    if pk := uuids([wanted]):
        found = list(images.filter(pk__in=pk))
    else:
        uid = wanted if _UID.fullmatch(wanted) else ""
        found = list(images.filter(series__series_instance_uid=uid)[:2]) if uid else []
    if len(found) != 1:
        raise nothing_here()
    return found[0]


def objects_of(user) -> dict[str, Any]:
    """Return the newest pictures with their labels."""
    images = list(images_visible_to(user).select_related("series").order_by("-created_at")[:MOST])
    labels = labels_of(user, [one.pk for one in images])
    return {
        "name": "MediScan",
        "description": _("The newest %d pictures that you may see.") % MOST,
        "images_dir": "",
        "labels_dir": "labels",
        "objects": {
            str(one.pk): {
                "image": {"ext": NII, "info": image_told(one)},
                "labels": {tag: label_told(label) for tag, label in labels.get(one.pk, {}).items()},
            }
            for one in images
        },
    }


def stats_of(user) -> dict[str, Any]:
    """Return how many pictures there are, and labels of each kind among the newest."""
    images = images_visible_to(user)
    newest = list(images.order_by("-created_at").values_list("pk", flat=True)[:MOST])
    tags = Counter(tag for tags in labels_of(user, newest).values() for tag in tags)
    return {"total": images.count(), "completed": tags[FINAL], "label_tags": dict(tags)}


def image_told(image: Image) -> dict[str, Any]:
    """Return what is said of a picture: nobody's name, no record number."""
    return {
        "ts": int(image.created_at.timestamp()),
        "name": file_name(image),
        "modality": image.modality,
        "shape": list(image.shape[::-1]),
        "spacing": (image.facts.get("spacing_mm") or [1.0, 1.0, 1.0])[::-1],
    }


def file_name(image: Image) -> str:
    return f"image-{image.pk.hex[:8]}{NII}"


def checksum(image: Image) -> str:
    """Return the SHA-256 of the picture's file, in hexadecimal digits."""
    digest = hashlib.sha256()
    for piece in picture_pieces(image):
        digest.update(piece)
    return digest.hexdigest()
