"""Runs and jobs by API."""

from __future__ import annotations

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.once import key_reused
from accounts.api.pages import ListQuery
from accounts.api.problems import Problem
from accounts.api.schema import GONE, KEYED, READ, SENT, page_of
from accounts.api.waiting import WaitQuery, wait_until
from imaging.api.asking import RunRequest, choice_meant, token_of
from imaging.api.bodies_runs import JobBody, RunBody
from imaging.api.queries import JobQuery, narrowed
from imaging.api.rooms import Listing
from imaging.models import Image, Job, Run
from imaging.selectors import (
    images_visible_to,
    jobs_told,
    jobs_visible_to,
    runs_counted,
    runs_visible_to,
    uploads_visible_to,
)
from imaging.services.jobs import job_retry
from imaging.services.refusals import NotPossible
from imaging.services.runs import run_cancel, run_submit

AGAIN_S = 2


class Runs(Listing):
    required_action = "run.view"
    demands = {"create": "run.submit"}
    queries = {"list": ListQuery, "create": WaitQuery, "retrieve": WaitQuery}
    scopes = {"create": "run"}

    @extend_schema(parameters=[ListQuery], responses={200: page_of(RunBody), **READ})
    def list(self, request: Request) -> Response:
        """List the runs with an image that you may see, newest first."""
        return self.paged(runs_counted(request.user), RunBody)

    @extend_schema(
        parameters=[WaitQuery, KEYED],
        request=RunRequest,
        responses={200: RunBody, 202: RunBody, **SENT},
    )
    def create(self, request: Request) -> Response:
        """Have images analysed: 202 and a `Location` to ask at, 200 if it ends within `wait`."""
        sent = self.sent(RunRequest)
        key, token = token_of(request, sent)
        same_key_check(Run.objects.filter(requested_by=request.user), key, token)
        choice = choice_meant(request.user, sent)
        images = images_meant(request.user, sent)
        run = run_submit(
            user=request.user, images=images, name=sent["title"], token=token, **choice
        )
        return self._told(run.pk)

    @extend_schema(parameters=[WaitQuery], responses={200: RunBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one run: what was asked for, and how far it is."""
        run = get_object_or_404(runs_visible_to(request.user), pk=pk)
        audit.record_once(request.user, "run.view", run)  # once, though it is polled
        answer = self._told(pk)
        answer.status_code = HTTPStatus.OK
        return answer

    @extend_schema(request=None, responses={200: RunBody, **SENT, **GONE})
    @action(detail=True, methods=["post"], required_action="run.submit")
    def cancel(self, request: Request, pk) -> Response:
        """Stop what is not finished and yours to run; twice does no harm."""
        run = get_object_or_404(runs_visible_to(request.user), pk=pk)
        run_cancel(user=request.user, run=run)
        return Response(RunBody(runs_counted(request.user).get(pk=pk)).data)

    def _told(self, pk) -> Response:
        done = wait_until(lambda: run_is_over(pk), self.asked()["wait"])
        run = runs_counted(self.request.user).get(pk=pk)
        headers = {"Location": reverse("api:run-detail", args=[pk])}
        if not done:
            headers["Retry-After"] = str(AGAIN_S)
        status = HTTPStatus.OK if done else HTTPStatus.ACCEPTED
        return Response(RunBody(run).data, status, headers=headers)


class Jobs(Listing):
    required_action = "run.view"
    queries = {"list": JobQuery}

    @extend_schema(parameters=[JobQuery], responses={200: page_of(JobBody), **READ})
    def list(self, request: Request) -> Response:
        """List the jobs that you may see: one image of one run each."""
        return self.paged(narrowed(jobs_told(request.user), self.asked()), JobBody)

    @extend_schema(responses={200: JobBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one job: queued, running, succeeded, failed (with the reason) or cancelled."""
        job = get_object_or_404(jobs_told(request.user).select_related("run"), pk=pk)
        audit.record_once(request.user, "run.view", job.run)
        return Response(JobBody(job).data)

    @extend_schema(request=None, responses={200: JobBody, **SENT, **GONE})
    @action(detail=True, methods=["post"], required_action="run.submit")
    def retry(self, request: Request, pk) -> Response:
        """Queue a failed or cancelled job once more; one that is live stays as it is."""
        job = get_object_or_404(jobs_visible_to(request.user, "run.submit"), pk=pk)
        job_retry(user=request.user, job=job)
        return Response(JobBody(jobs_told(request.user).get(pk=pk)).data)


def run_is_over(pk) -> bool:
    return not Job.objects.live().filter(run=pk).exists()


def same_key_check(rows, key: str, token: str) -> None:
    """Raise Problem where the key was used by the same person for another body."""
    if key and rows.filter(token__startswith=key).exclude(token=token).exists():
        raise key_reused()


def images_meant(user, sent: dict) -> list[Image]:
    """Return the images named by id, study or upload.

    Raises NotPossible where one is not theirs or is not there, alike; Problem for an upload whose
    files are still being read.
    """
    rows = images_visible_to(user, "run.submit").select_related("organisation", "source", "study")
    named = {"images": set(sent["images"]), "studies": set(sent["studies"])}
    found = {one.pk: one for one in rows.filter(pk__in=named["images"])}
    of_studies = list(rows.filter(study__in=named["studies"]))
    if len(found) < len(named["images"]) or {one.study_id for one in of_studies} < named["studies"]:
        raise NotPossible(_("An image that you chose does not exist."))
    sources = _sources_of(user, set(sent["uploads"]))
    chosen = [*found.values(), *of_studies, *rows.filter(source__in=sources)]
    once = {one.pk: one for one in chosen}.values()
    return sorted(once, key=lambda one: (one.created_at, one.pk))


def _sources_of(user, wanted: set):
    uploads = list(uploads_visible_to(user).filter(pk__in=wanted))
    if len(uploads) < len(wanted):
        raise NotPossible(_("An upload that you chose does not exist."))
    if any(one.is_live for one in uploads):
        said = _("The files of an upload are still being read.")
        raise Problem(409, "upload_reading", said, wait=AGAIN_S)
    return Image.objects.filter(upload_items__upload__in=uploads).values("source")
