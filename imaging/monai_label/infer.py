"""POST /infer/{model}: a picture through the house's own run; the answer waits, for seconds."""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request

from accounts import audit
from accounts.access import refusal
from accounts.api.problems import Problem
from accounts.api.waiting import wait_until
from accounts.selectors import user_may
from imaging.models import Image, ItemStatus, Job, JobStatus, LabelSession, Result, Upload
from imaging.monai_label.asking import ALL, IMAGE, JSON, SEG, Asked, asked_of
from imaging.monai_label.datastore import image_named
from imaging.monai_label.files import MEDIA, found_file
from imaging.monai_label.form import content_type, form_body, new_boundary
from imaging.monai_label.offers import Offer, offers_to
from imaging.monai_label.rooms import SEE, LabelRoom, file_answer, nothing_here
from imaging.monai_label.seg import seg_answer
from imaging.monai_label.sessions import session_kept, session_of
from imaging.monai_label.telling import told_of
from imaging.selectors import images_visible_to, results_detailed, results_readable_by
from imaging.services.label_runs import label_run_take_up
from imaging.services.label_sessions import label_session_file

AGAIN_S = 5


class Infer(LabelRoom):
    required_action = "run.submit"
    throttle_scope = "run"
    parser_classes = (MultiPartParser, FormParser)

    def post(self, request: Request, model: str, **kwargs: str) -> HttpResponseBase:
        if not user_may(request.user, SEE):
            raise PermissionDenied(refusal(SEE))
        asked = asked_of(request)
        offer = offers_to(request.user, self.place()).get(model)
        if offer is None:
            said = _("There is no model named “%(name)s” here: /info/ lists them.")
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", said % {"name": model[:64]})
        ends = time.monotonic() + settings.LABEL_WAIT_S
        image = self._image(request, asked, offer, ends)
        job = label_run_take_up(
            user=request.user, image=image, choice=offer.choice, asked=str(request.auth.pk)
        )
        result = _result(request, _ended(job, ends))
        return _answer(request, asked, offer, result)

    def _image(self, request: Request, asked: Asked, offer: Offer, ends: float) -> Image:
        """Return the picture that is meant; a file becomes one by the road of every upload."""
        if asked.session:
            return _filed(session_of(request, asked.session), asked, offer, ends)
        if asked.file is not None:
            return _filed(session_kept(self, request, asked.file), asked, offer, ends)
        return image_named(request.user, asked.image, "run.submit")


def _filed(session: LabelSession, asked: Asked, offer: Offer, ends: float) -> Image:
    only = offer.modalities[0] if len(offer.modalities) == 1 else ""
    upload = label_session_file(session=session, modality=asked.modality or only)
    is_read = Upload.objects.filter(pk=upload.pk, finished_at__isnull=False).exists
    if not wait_until(is_read, _left(ends)):
        said = _("The file is still being read. Ask again in a few seconds: it is kept.")
        raise _later("file_reading", said, upload=upload.pk)
    for item in upload.items.filter(status=ItemStatus.REFUSED):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, item.code, item.reason)
    mine = images_visible_to(session.user, "run.submit").filter(upload_items__upload=upload)
    images = list(mine.distinct()[:2])
    if not images:
        raise nothing_here()
    if len(images) > 1:
        said = _("The file holds several pictures. Name one of them by its image id.")
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "several_pictures", said)
    return images[0]


def _ended(job: Job, ends: float) -> Job:
    """Return the job that has succeeded. Raises: Problem, 503 while it runs, 422 if it failed."""
    if not wait_until(lambda: not Job.objects.live().filter(pk=job.pk).exists(), _left(ends)):
        said = _(
            "The analysis still runs. Ask again in a few seconds: it is taken up, not repeated."
        )
        raise _later("still_running", said, run=job.run_id, job=job.pk)
    job.refresh_from_db()
    if job.status == JobStatus.FAILED:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "analysis_failed", job.error)
    if job.status != JobStatus.SUCCEEDED:
        said = _("The analysis was cancelled. Ask again to start it anew.")
        raise Problem(HTTPStatus.CONFLICT, "cancelled", said)
    return job


def _result(request: Request, job: Job) -> Result:
    """Return what was found, for whoever may see it now. Raises: Problem, 403: read first."""
    found = results_detailed(request.user).filter(job=job).first()
    if found is None and results_readable_by(request.user).filter(job=job).exists():
        said = _("You read first: write down on the picture's page what you see, then ask again.")
        raise Problem(HTTPStatus.FORBIDDEN, "read_first", said)
    if found is None:
        raise nothing_here()
    if not found.is_analysed:
        reasons = [str(one.get("sentence", "")) for one in found.gate.get("checks", [])]
        said = " ".join(filter(None, reasons)) or str(found.severity_reason)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not_analysed", said)
    return found


def _answer(request: Request, asked: Asked, offer: Offer, result: Result) -> HttpResponseBase:
    audit.record_once(request.user, "result.view", result)
    params = told_of(result, offer)
    if asked.output == SEG:
        return seg_answer(request, result)
    if asked.output == JSON or (asked.output == ALL and not result.is_measured):
        return JsonResponse(params)
    if not result.is_measured:
        said = _("This model marks nothing in the picture: ask for output=json.")
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "no_mask", said)
    content = found_file(result, asked.ending, packed=asked.packed)
    audit.record(request.user, "image.download", result, reason="mask")
    name = f"label-{result.pk.hex[:8]}{asked.ending}"
    if asked.output == IMAGE:
        return file_answer(content, name, MEDIA[asked.ending])
    boundary = new_boundary()
    body = form_body(_json(params), name, MEDIA[asked.ending], content, boundary)
    return HttpResponse(body, content_type=content_type(boundary))


def _json(params: dict[str, Any]) -> bytes:
    return json.dumps(params).encode()


def _left(ends: float) -> int:
    return max(0, round(ends - time.monotonic()))


def _later(code: str, sentence: str, **ids: Any) -> Problem:
    more = {name: str(pk) for name, pk in ids.items()}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, sentence, wait=AGAIN_S, more=more)
