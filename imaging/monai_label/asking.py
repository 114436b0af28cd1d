"""What a client sends to have a picture analysed, checked before anything is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from rest_framework.request import Request

from imaging.models import Modality
from imaging.monai_label.files import NIFTI, NRRD
from imaging.monai_label.rooms import wrong

ALL, IMAGE, JSON, SEG = "all", "image", "json", "dicom_seg"
OUTPUTS = (ALL, IMAGE, JSON, SEG)
ENDINGS = (NIFTI, NRRD)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which picture, by its id, a session's or the file itself, and how the answer should look."""

    image: str
    session: str
    file: UploadedFile | None
    output: str
    ending: str
    packed: bool
    modality: str


def asked_of(request: Request) -> Asked:
    """Return what the call asks for; a parameter of no use here is left alone, as there.

    Raises: Problem, 400, naming what is wrong.
    """
    query, params = request.query_params, params_of(request.data.get("params"))
    if request.FILES.get("label"):
        raise wrong(
            "label_not_taken", _("A drawn label is not taken: no model here starts of one.")
        )
    asked = Asked(
        image=query.get("image", ""),
        session=query.get("session_id", ""),
        file=request.FILES.get("file"),
        output=_choice("output", query.get("output") or ALL, OUTPUTS),
        ending=_choice("result_extension", params.get("result_extension") or NIFTI, ENDINGS),
        packed=params.get("result_compress") not in (False, "false"),
        modality=_choice("modality", params.get("modality") or "", ("", *Modality.values)),
    )
    if params.get("result_dtype") not in (None, "", "uint8"):
        raise wrong("invalid", _("result_dtype: a label map is made as uint8 only."))
    if not (asked.image or asked.session or asked.file):
        raise wrong("invalid", _("Name an image or a session, or send a file."))
    return asked


def params_of(text: Any) -> Mapping[str, Any]:
    """Return the JSON object of the form's field. Raises: Problem, 400."""
    try:
        params = json.loads(text) if text else {}
    except (TypeError, ValueError, RecursionError):
        params = None
    if not isinstance(params, dict):
        raise wrong("invalid", _("params: send a JSON object."))
    return params


def _choice(name: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        words = ", ".join(one for one in known if one)
        raise wrong("invalid", _("%(name)s: one of %(known)s.") % {"name": name, "known": words})
    return value
