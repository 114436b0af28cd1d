"""STOW-RS: what a modality or an archive sends is an Upload of the house (PS3.18 10.5)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from accounts.api.waiting import wait_until
from imaging.api.asking import place_meant
from imaging.dicomweb.accept import takes_alone
from imaging.dicomweb.attributes import Json, value
from imaging.dicomweb.receive import Received, boundary_of, parts_receive
from imaging.dicomweb.retrieve import Originals
from imaging.dicomweb.rooms import DICOM_JSON, PLAIN_JSON, not_acceptable
from imaging.dicomweb.search import StudySearch, instance_url
from imaging.models import Instance, ItemStatus, SourceFile, Upload
from imaging.services.uploads import upload_receive

AGAIN_S = "5"
NO_ROOM, NO_MATCH, NOT_UNDERSTOOD = 0xA700, 0xA900, 0xC000  # PS3.18 table 10.5.3-2, PS3.4 GG
NO_CLASS, FAILED = 0x0122, 0x0110
COERCED = 0xB000  # the file had no UIDs of its own: it was given some
REASONS = {  # why a file was refused, in the words of the standard
    "no-space": NO_ROOM, "quota-storage": NO_ROOM, "too-large": NO_ROOM,
    "study-mismatch": NO_MATCH, "patient-conflict": NO_MATCH, "uid-taken": NO_MATCH,
    "modality-unsupported": NO_CLASS, "dicom-modality": NO_CLASS, "dicom-cine": NO_CLASS,
    "dicom-not-an-image": NO_CLASS, "dicom-no-pixels": NO_CLASS,
    "unexpected": FAILED, "over-limits": FAILED, "study-deleted": FAILED,
}  # fmt: skip


class Store:
    """What POST does, on all studies and on one."""

    demands = {"POST": "upload.create"}

    def post(self, request: Request, study: str = "") -> HttpResponse:
        header = request.headers.get("Accept", "")
        if not any(takes_alone(header, one) for one in (DICOM_JSON, PLAIN_JSON)):
            raise not_acceptable(_("This is answered as application/dicom+json only."))
        boundary = boundary_of(request.headers.get("Content-Type", ""))
        place = place_meant(request.user, None)
        received = parts_receive(request._request, boundary)
        sent = [one for one in received if one.is_dicom]
        upload = None
        if sent:
            upload = upload_receive(
                user=request.user,
                organisation=place.organisation,
                department=place.department,
                files=[one.file for one in sent],
                study_instance_uid=study,
            )
        return _answer(request, upload, received, sent, study)


class Studies(Store, StudySearch):
    """GET searches, POST stores."""


class OneStudy(Store, Originals):
    """GET retrieves, POST stores instances of this study."""


def _answer(
    request: Request,
    upload: Upload | None,
    received: Sequence[Received],
    sent: Sequence[Received],
    study: str,
) -> HttpResponse:
    """Say what became of each file, once it is known or the time to wait is over."""
    done = upload is None or _is_read(upload)
    base = request.build_absolute_uri("/dicomweb")
    good, bad = _outcomes(upload, sent, study, base)
    bad += [_failed(one, NOT_UNDERSTOOD) for one in received if not one.is_dicom]
    told: Json = {}
    if study:
        told["00081190"] = value("UR", f"{base}/studies/{study}")
    told |= {"00081198": value("SQ", *bad)} if bad else {}
    told |= {"00081199": value("SQ", *good)} if good else {}
    status = HTTPStatus.OK if good and not bad else HTTPStatus.ACCEPTED
    if done and not good:
        status = HTTPStatus.CONFLICT
    answer = HttpResponse(json.dumps(told), content_type=DICOM_JSON)
    answer.status_code = status if done else HTTPStatus.ACCEPTED
    if upload is not None:
        answer["Location"] = reverse("api:upload-detail", args=[upload.pk])
    if not done:
        answer["Retry-After"] = AGAIN_S
    return answer


def _is_read(upload: Upload) -> bool:
    read = Upload.objects.filter(pk=upload.pk, finished_at__isnull=False)
    return wait_until(read.exists, settings.DICOMWEB_WAIT_S)


def _outcomes(
    upload: Upload | None, sent: Sequence[Received], study: str, base: str
) -> tuple[list[Json], list[Json]]:
    """Return what is stored and what is not; a file that still waits is in neither."""
    if upload is None:
        return [], []
    items = list(upload.items.order_by("position"))
    here = _stored(upload, sent)
    good, bad = [], []
    for item, one in zip(items, sent, strict=True):
        if item.status == ItemStatus.REFUSED:
            bad.append(_failed(one, REASONS.get(item.code, NOT_UNDERSTOOD)))
        elif item.status in (ItemStatus.ACCEPTED, ItemStatus.DUPLICATE):
            row = here.get(one.sha256)
            if study and row is not None and row.study.study_instance_uid != study:
                bad.append(_failed(one, NO_MATCH))
            else:
                good.append(_referenced(one, row, base))
    return good, bad


def _stored(upload: Upload, sent: Sequence[Received]) -> dict[str, Instance]:
    """Return by hash the instances that these files are here; one without numbers is none."""
    files = SourceFile.objects.filter(
        organisation=upload.organisation, sha256__in=[one.sha256 for one in sent]
    )
    rows = Instance.objects.filter(source__in=files, problem="", study__deleted_at=None)
    return {row.source.sha256: row for row in rows.select_related("source", "study", "series")}


def _referenced(one: Received, row: Instance | None, base: str) -> Json:
    if row is None:
        return _named(one.sop_class_uid, one.sop_instance_uid) | {"00081196": value("US", COERCED)}
    named = _named(row.sop_class_uid, row.sop_instance_uid)
    return named | {"00081190": value("UR", instance_url(base, row))}


def _failed(one: Received, reason: int) -> Json:
    named = _named(one.sop_class_uid, one.sop_instance_uid)
    return named | {"00081197": value("US", reason)}


def _named(sop_class_uid: str, sop_instance_uid: str) -> Json:
    return {"00081150": value("UI", sop_class_uid), "00081155": value("UI", sop_instance_uid)}
