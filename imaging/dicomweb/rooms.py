"""What every address of DICOMweb is built of: who may, what it answers with, its ETag."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.permissions import Declared
from accounts.api.problems import Problem
from accounts.api.rooms import AnyAnswer
from accounts.selectors import user_may
from imaging.dicomweb.accept import takes_alone
from imaging.dicomweb.attributes import Json, with_person
from imaging.models import Instance, Patient, Study
from imaging.scope import may_see
from imaging.selectors import instances_visible_to, studies_visible_to

NUMBERED = {"study", "series", "instance"}
_UID = re.compile(r"[0-9.]{1,64}")
DICOM_JSON, PLAIN_JSON = "application/dicom+json", "application/json"


class DicomwebRoom(APIView):
    """One address; `required_action` is a row of the role table, `demands` others by method."""

    required_action = "study.view"
    demands: dict[str, str] = {}
    may = staticmethod(may_see)
    permission_classes = (Declared,)
    content_negotiation_class = AnyAnswer
    throttle_scope = "dicomweb"
    schema = None  # PS3.18 describes it, not our OpenAPI
    parameters: frozenset[str] = frozenset()  # what may stand behind the question mark

    @property
    def demand(self) -> str:
        return self.demands.get(self.request.method, self.required_action)

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if not all(_UID.fullmatch(kwargs[name]) for name in NUMBERED & kwargs.keys()):
            raise nothing_here()
        for name in request.query_params:
            if name not in self.parameters:
                raise parameter_unknown(name)


def parameter_unknown(name: str) -> Problem:
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "parameter_unknown",
        _("This address does not know the parameter “%s”.") % name[:64],
    )


def not_acceptable(sentence: str) -> Problem:
    return Problem(HTTPStatus.NOT_ACCEPTABLE, "not_acceptable", sentence)


def json_answer(request: Request, rows: Sequence[Json]) -> HttpResponse:
    """Answer rows as DICOM JSON. Raises: Problem, 406, for who takes no JSON."""
    header = request.headers.get("Accept", "")
    media = next((one for one in (DICOM_JSON, PLAIN_JSON) if takes_alone(header, one)), "")
    if not media:
        raise not_acceptable(_("This is answered as application/dicom+json only."))
    body = json.dumps(list(rows), ensure_ascii=False, separators=(",", ":")).encode()
    return tagged(request, HttpResponse(body, content_type=media))


def tagged(request: Request, answer: HttpResponse) -> HttpResponse:
    """Give the answer its ETag; 304 to whoever has it already."""
    etag = f'"{hashlib.sha256(answer.content).hexdigest()[:32]}"'
    answer["ETag"] = etag
    return get_conditional_response(request._request, etag=etag, response=answer)


def study_found(user, uid: str) -> Study:
    """Return the study that has something for DICOMweb. Raises: Problem, 404."""
    studies = studies_visible_to(user).filter(study_instance_uid=uid).select_related("patient")
    study = studies.filter(instances__problem="").distinct().first()
    if study is None:
        raise nothing_here()
    return study


def instances_of(user, study: Study, action: str = "study.view", **asked):
    """Return the instances of a study in order. Raises: Problem, 404 for none."""
    found = instances_visible_to(user, action).filter(study=study, **asked)
    rows = found.select_related("study__patient", "series", "source__blob", "native", "blob")
    rows = rows.order_by("series__created_at", "series", "number", "sop_instance_uid")
    if not rows.exists():
        raise nothing_here()
    return rows


def nothing_here() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "not_found", _("There is nothing here that you may see."))


def person_told(user, patient: Patient) -> dict[str, str] | None:
    """Return who the patient is, for whoever may know; None for others."""
    if not user_may(user, "patient.view"):
        return None
    return {
        "PatientName": patient.name,
        "PatientID": patient.record_number,
        "PatientBirthDate": patient.birth_date,
        "PatientSex": patient.sex,
    }


def header_told(user, instance: Instance) -> Json:
    """Return the header of an instance as `user` may see it."""
    person = person_told(user, instance.study.patient)
    return with_person(json.loads(instance.attributes), person)
