"""Deletions of studies by API: asked for by one person, decided and undone by administrators."""

from __future__ import annotations

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.once import once
from accounts.api.pages import ListQuery
from accounts.api.permissions import demand_fresh
from accounts.api.schema import GONE, KEYED, READ, SENT, page_of
from imaging.api.rooms import Listing
from imaging.models import Deletion
from imaging.models.deletions import DeclineReason, DeletionReason
from imaging.selectors import studies_within
from imaging.selectors_deletions import deletions_decided_by
from imaging.services.deletions import (
    deletion_approve,
    deletion_ask,
    deletion_decline,
    deletion_restore,
    deletion_withdraw,
)

ASK, DECIDE = "study.ask_deletion", "study.delete"
STATES = ("waiting", "withdrawn", "declined", "approved", "restored", "purged")


class DeletionBody(serializers.ModelSerializer):
    """A request and what became of it; `keep_until` is the end of the time to restore."""

    study = serializers.UUIDField(source="study_id")
    state = serializers.ChoiceField(choices=STATES)

    class Meta:
        model = Deletion
        fields = ("id", "organisation", "study", "reason", "state", "answer", "requested_by",
                  "created_at", "withdrawn_at", "declined_at", "approved_at", "keep_until",
                  "restored_at", "purged_at")  # fmt: skip


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "It is here twice",
            {"study": "6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11", "reason": "twice"},
            request_only=True,
        )
    ]
)
class DeletionRequest(serializers.Serializer):
    study = serializers.UUIDField()
    reason = serializers.ChoiceField(choices=DeletionReason.choices)


@extend_schema_serializer(
    examples=[OpenApiExample("It stays", {"answer": "needed"}, request_only=True)]
)
class DeclineRequest(serializers.Serializer):
    answer = serializers.ChoiceField(choices=DeclineReason.choices)


class Deletions(Listing):
    is_of_records = False  # ids and reasons: nobody's record
    required_action = DECIDE
    demands = {"create": ASK, "withdraw": ASK}
    fresh = ("approve", "decline", "restore")

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in self.fresh:
            demand_fresh(request)

    @extend_schema(parameters=[ListQuery], responses={200: page_of(DeletionBody), **READ})
    def list(self, request: Request) -> Response:
        """List the requests of your organisations, newest first."""
        return self.paged(deletions_decided_by(request.user), DeletionBody)

    @extend_schema(responses={200: DeletionBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read what became of one request."""
        return Response(DeletionBody(self._asked_for(pk)).data)

    @extend_schema(
        parameters=[KEYED], request=DeletionRequest, responses={201: DeletionBody, **SENT, **GONE}
    )
    @once
    def create(self, request: Request) -> Response:
        """Ask that a study be deleted. Until an administrator has decided it stays as it is."""
        sent = self.sent(DeletionRequest)
        study = get_object_or_404(studies_within(request.user, ASK), pk=sent["study"])
        deletion = deletion_ask(user=request.user, study=study, reason=sent["reason"])
        headers = {"Location": reverse("api:deletion-detail", args=[deletion.pk])}
        return Response(DeletionBody(deletion).data, HTTPStatus.CREATED, headers=headers)

    @extend_schema(request=None, responses={200: DeletionBody, **SENT, **GONE})
    @action(detail=True, methods=["post"], required_action=ASK)
    def withdraw(self, request: Request, pk) -> Response:
        """Take your own request back while nobody has decided."""
        studies = studies_within(request.user, ASK).values("pk")
        own = Deletion.objects.filter(requested_by=request.user, study_id__in=studies)
        deletion = get_object_or_404(own, pk=pk)
        deletion_withdraw(user=request.user, deletion=deletion)
        return _told(deletion)

    @extend_schema(request=None, responses={200: DeletionBody, **SENT, **GONE})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk) -> Response:
        """Delete the study; whoever asked cannot. It can be restored until `keep_until`."""
        return _told(deletion_approve(user=request.user, deletion=self._asked_for(pk)))

    @extend_schema(request=DeclineRequest, responses={200: DeletionBody, **SENT, **GONE})
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk) -> Response:
        """Let the study stay, and tell who asked why."""
        deletion, answer = self._asked_for(pk), self.sent(DeclineRequest)["answer"]
        deletion_decline(user=request.user, deletion=deletion, answer=answer)
        return _told(deletion)

    @extend_schema(request=None, responses={200: DeletionBody, **SENT, **GONE})
    @action(detail=True, methods=["post"])
    def restore(self, request: Request, pk) -> Response:
        """Bring the study back as it was."""
        deletion = self._asked_for(pk)
        deletion_restore(user=request.user, deletion=deletion)
        return _told(deletion)

    def _asked_for(self, pk) -> Deletion:
        return get_object_or_404(deletions_decided_by(self.request.user), pk=pk)


def _told(deletion: Deletion) -> Response:
    return Response(DeletionBody(Deletion.objects.get(pk=deletion.pk)).data)
