"""Readers' verdicts by API."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.schema import GONE, READ, page_of
from imaging.api.bodies_runs import ReviewBody
from imaging.api.queries import ReviewQuery, narrowed
from imaging.api.rooms import Listing
from imaging.selectors import reviews_visible_to


class Reviews(Listing):
    required_action = "result.view"
    queries = {"list": ReviewQuery}

    @extend_schema(parameters=[ReviewQuery], responses={200: page_of(ReviewBody), **READ})
    def list(self, request: Request) -> Response:
        """List every version of the verdicts on results that you may see, newest first."""
        return self.paged(narrowed(reviews_visible_to(request.user), self.asked()), ReviewBody)

    @extend_schema(responses={200: ReviewBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one version as it was written."""
        review = get_object_or_404(reviews_visible_to(request.user), pk=pk)
        audit.record(request.user, "result.view", review.result)
        return Response(ReviewBody(review).data)
