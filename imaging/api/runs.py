"""Runs and jobs by API."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import ListQuery
from accounts.api.schema import GONE, READ, page_of
from imaging.api.bodies_runs import JobBody, RunBody
from imaging.api.queries import JobQuery, narrowed
from imaging.api.rooms import Listing
from imaging.selectors import jobs_told, runs_counted


class Runs(Listing):
    required_action = "run.view"

    @extend_schema(parameters=[ListQuery], responses={200: page_of(RunBody), **READ})
    def list(self, request: Request) -> Response:
        """List the runs with an image that you may see, newest first."""
        return self.paged(runs_counted(request.user), RunBody)

    @extend_schema(responses={200: RunBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one run: what was asked for, and how far it is."""
        return Response(RunBody(get_object_or_404(runs_counted(request.user), pk=pk)).data)


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
        return Response(JobBody(get_object_or_404(jobs_told(request.user), pk=pk)).data)
