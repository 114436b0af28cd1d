"""Readers' verdicts by API. To sign, open the site: it asks for password and code."""

from __future__ import annotations

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.problems import Problem
from accounts.api.schema import GONE, READ, SENT, page_of
from imaging.api.asking import Number
from imaging.api.bodies_runs import ReviewBody
from imaging.api.queries import ReviewQuery, narrowed
from imaging.api.rooms import Listing
from imaging.models import Decision, RejectReason
from imaging.selectors import results_visible_to, results_within, reviews_visible_to
from imaging.services.reviews import Overtaken, review_save


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Rejected",
            {
                "result": "6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11",
                "seen": 0,
                "decision": "rejected",
                "reason": "wrong region",
                "comment": "A rib.",
            },
            request_only=True,
        )
    ]
)
class ReviewRequest(serializers.Serializer):
    """A verdict on a result, as the version after the one that was `seen`."""

    result = serializers.UUIDField()
    seen = serializers.IntegerField(
        min_value=0, max_value=32_000, help_text="Number of the version that you looked at; 0: none"
    )
    decision = serializers.ChoiceField(choices=Decision.choices)
    reason = serializers.ChoiceField(
        choices=RejectReason.choices,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of a rejection.",
    )
    comment = serializers.CharField(max_length=4000, required=False, default="", allow_blank=True)
    threshold = Number(required=False, help_text="Of an edit: one of the result's thresholds.")
    removed = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**31 - 1),
        required=False,
        default=list,
        max_length=1000,
        help_text="Of an edit: positions of lesions to take out.",
    )
    amendment = serializers.CharField(
        max_length=2000,
        required=False,
        default="",
        allow_blank=True,
        help_text="Why a signed version is followed.",
    )


class Reviews(Listing):
    required_action = "result.view"
    demands = {"create": "review.save"}
    queries = {"list": ReviewQuery}

    @extend_schema(parameters=[ReviewQuery], responses={200: page_of(ReviewBody), **READ})
    def list(self, request: Request) -> Response:
        """List every version of the verdicts on results that you may see, newest first."""
        return self.paged(narrowed(reviews_visible_to(request.user), self.asked()), ReviewBody)

    @extend_schema(request=ReviewRequest, responses={201: ReviewBody, **SENT, **GONE})
    def create(self, request: Request) -> Response:
        """Keep a verdict: accepted, edited or rejected. 409 when a later version counts by now."""
        sent = self.sent(ReviewRequest)
        theirs = results_within(request.user, "review.save").values("pk")
        rows = results_visible_to(request.user).filter(pk__in=theirs)
        result = get_object_or_404(rows, pk=sent.pop("result"))
        try:
            review = review_save(by=request.user, result=result, **sent)
        except Overtaken as other:
            raise Problem(
                409, "overtaken", _("A later version counts: see latest."),
                more={"latest": ReviewBody(other.latest).data},
            ) from None  # fmt: skip
        there = reverse("api:review-detail", args=[review.pk])
        body = ReviewBody(review).data
        return Response(body, HTTPStatus.CREATED, headers={"Location": there})

    @extend_schema(responses={200: ReviewBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one version as it was written."""
        review = get_object_or_404(reviews_visible_to(request.user), pk=pk)
        audit.record_view(request.user, "result.view", review.result)
        return Response(ReviewBody(review).data)
