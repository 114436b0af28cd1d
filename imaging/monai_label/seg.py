"""`output=dicom_seg`: the SEG that the worker writes of each result whose picture came as DICOM."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts import audit
from accounts.access import refusal
from accounts.api.problems import Problem
from accounts.selectors import user_may
from accounts.vault.storage import blob_open
from imaging.models import Instance, Result, ResultObjects

AGAIN_S = 30  # the worker looks once a minute
PIXELS = "pixels.view"  # as of every DICOM file: it names the patient


def seg_answer(request: Request, result: Result) -> HttpResponseBase:
    """Return the file as DICOMweb hands it out. Raises: Problem, in words, where there is none."""
    if not user_may(request.user, PIXELS):
        raise PermissionDenied(refusal(PIXELS))
    if result.patient.version > 1:
        said = _("The identity of this patient was corrected here; the SEG says the earlier one.")
        raise Problem(HTTPStatus.CONFLICT, "identity_corrected", said)
    made = Instance.objects.filter(made_of__result=result, modality="SEG", problem="")
    one = made.select_related("blob").order_by("-made_of__version").first()
    if one is None:
        raise _none(result)
    audit.record_once(request.user, "study.retrieve", one.study)
    answer = StreamingHttpResponse(blob_open(one.blob).chunks(), content_type="application/dicom")
    answer["Content-Length"] = str(one.blob.size)
    answer["Content-Disposition"] = f'attachment; filename="label-{result.pk.hex[:8]}.dcm"'
    return answer


def _none(result: Result) -> Problem:
    came = Instance.objects.filter(source=result.image.source_id, problem="")
    tried = ResultObjects.objects.filter(result=result)
    if came.exists() and not tried.exists():
        said = _("The SEG is not written yet: the worker does that within a minute. Ask again.")
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "still_writing", said, wait=AGAIN_S)
    said = _("There is no SEG of this: nothing is marked, or the picture did not come as DICOM.")
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no_seg", said)
