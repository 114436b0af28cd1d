"""Studies, series and images by API."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.rooms import AnyAnswer
from accounts.api.schema import FILE, GONE, READ, SENT, page_of
from imaging.api.bodies import ImageBody, SeriesBody, StudyBody
from imaging.api.corrections import StudyRequest, study_mended
from imaging.api.queries import ImageQuery, SeriesQuery, StudyQuery, narrowed
from imaging.api.rooms import Listing
from imaging.ranges import blob_response
from imaging.selectors import (
    images_visible_to,
    series_visible_to,
    studies_visible_to,
    studies_within,
)

PIXELS, CORRECT = "pixels.view", "study.correct"


class Studies(Listing):
    required_action = "study.view"
    demands = {"partial_update": CORRECT}
    queries = {"list": StudyQuery}

    @extend_schema(parameters=[StudyQuery], responses={200: page_of(StudyBody), **READ})
    def list(self, request: Request) -> Response:
        """List the studies that you may see, newest first."""
        return self.paged(narrowed(studies_visible_to(request.user), self.asked()), StudyBody)

    @extend_schema(responses={200: StudyBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one study; the trail notes it, as of the page."""
        study = get_object_or_404(studies_visible_to(request.user), pk=pk)
        audit.record_view(request.user, "study.view", study)
        return Response(StudyBody(study).data)

    @extend_schema(request=StudyRequest, responses={200: StudyBody, **SENT, **GONE})
    def partial_update(self, request: Request, pk) -> Response:
        """Correct a study until something of it is analysed: its title, its kind, its patient."""
        rows = studies_within(request.user, CORRECT).select_related("patient")
        study = get_object_or_404(rows, pk=pk)
        audit.record_once(request.user, "study.view", study)
        mended = study_mended(request.user, study, self.sent(StudyRequest))
        return Response(StudyBody(mended).data)


class SeriesRoom(Listing):
    required_action = "study.view"
    queries = {"list": SeriesQuery}

    @extend_schema(parameters=[SeriesQuery], responses={200: page_of(SeriesBody), **READ})
    def list(self, request: Request) -> Response:
        """List the series of the studies that you may see."""
        return self.paged(narrowed(series_visible_to(request.user), self.asked()), SeriesBody)

    @extend_schema(responses={200: SeriesBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one series."""
        series = get_object_or_404(series_visible_to(request.user).select_related("study"), pk=pk)
        audit.record_once(request.user, "study.view", series.study)
        return Response(SeriesBody(series).data)


class Images(Listing):
    required_action = "study.view"
    queries = {"list": ImageQuery}

    @extend_schema(parameters=[ImageQuery], responses={200: page_of(ImageBody), **READ})
    def list(self, request: Request) -> Response:
        """List the images of the studies that you may see."""
        return self.paged(narrowed(images_visible_to(request.user), self.asked()), ImageBody)

    @extend_schema(responses={200: ImageBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one image: its grid and what the file says of it; no pixels."""
        image = get_object_or_404(images_visible_to(request.user), pk=pk)
        audit.record_once(request.user, "image.view", image)
        return Response(ImageBody(image).data)

    @extend_schema(responses={(200, "image/png"): FILE, **READ, **GONE})
    @action(detail=True, required_action=PIXELS, content_negotiation_class=AnyAnswer)
    def thumbnail(self, request: Request, pk) -> HttpResponse:
        """Answer the small picture, a PNG."""
        image = get_object_or_404(images_visible_to(request.user, PIXELS), pk=pk)
        return blob_response(request._request, image.thumbnail, content_type="image/png")

    @extend_schema(responses={(200, "application/octet-stream"): FILE, **READ, **GONE})
    @action(detail=True, required_action=PIXELS, content_negotiation_class=AnyAnswer)
    def pixels(self, request: Request, pk) -> HttpResponse:
        """Answer the stored values, raw little-endian (Z, Y, X); takes one `Range`."""
        image = get_object_or_404(images_visible_to(request.user, PIXELS), pk=pk)
        audit.record_once(request.user, "image.view", image)
        return blob_response(
            request._request, image.pixels, content_type="application/octet-stream"
        )
