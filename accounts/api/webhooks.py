"""Webhooks by API: endpoints, their secrets shown once, and what became of each message."""

from __future__ import annotations

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.once import once
from accounts.api.pages import ListQuery
from accounts.api.permissions import demand_fresh
from accounts.api.rooms import Listing
from accounts.api.schema import GONE, KEYED, READ, SENT, page_of
from accounts.models import DeliveryState, OffReason, WebhookDelivery, WebhookEndpoint
from accounts.selectors import (
    organisations_of,
    webhook_deliveries_visible_to,
    webhooks_visible_to,
)
from accounts.services.webhooks import (
    delivery_resend,
    webhook_change,
    webhook_create,
    webhook_remove,
    webhook_rotate,
    webhook_test,
)
from accounts.webhooks.addresses import MOST_URL
from accounts.webhooks.events import EVENTS
from accounts.webhooks.signing import message_id

MANAGE = "webhook.manage"
URL = "https://ris.example.org/mediscan"


class DeliveryQuery(ListQuery):
    endpoint = serializers.UUIDField(required=False)
    state = serializers.ChoiceField(choices=DeliveryState.choices, required=False)


class WebhookBody(serializers.ModelSerializer):
    """An address that is told of events; `off_reason` says why it is not."""

    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(choices=list(EVENTS)))
    is_on = serializers.SerializerMethodField()
    off_reason = serializers.ChoiceField(choices=OffReason.choices, allow_blank=True)
    former_secret_until = serializers.DateTimeField(
        source="former_until", allow_null=True, help_text="Until then two signatures are sent."
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("id", "organisation", "url", "events", "is_on", "off_at", "off_reason",
                  "former_secret_until", "succeeded_at", "created_at")  # fmt: skip

    def get_is_on(self, endpoint: WebhookEndpoint) -> bool:
        return endpoint.off_at is None


class WebhookSecretBody(WebhookBody):
    """The same, and the secret that signs: it is told now and never again."""

    secret = serializers.CharField(help_text="`whsec_…`, as Standard Webhooks has it.")

    class Meta(WebhookBody.Meta):
        fields = (*WebhookBody.Meta.fields, "secret")


class DeliveryBody(serializers.ModelSerializer):
    """One message and how its sending went; `webhook_id` is the same at each try."""

    webhook_id = serializers.SerializerMethodField()
    data = serializers.DictField(child=serializers.CharField(), help_text="ids by name")
    reason = serializers.CharField(
        source="problem_words", help_text="Why the last try failed; empty where it did not."
    )

    class Meta:
        model = WebhookDelivery
        fields = ("id", "endpoint", "webhook_id", "event", "data", "state", "tries", "status_code",
                  "problem", "reason", "took_ms", "created_at", "tried_at",
                  "next_try_at")  # fmt: skip

    def get_webhook_id(self, delivery: WebhookDelivery) -> str:
        return message_id(delivery.pk)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Results and reports",
            {
                "organisation": "6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11",
                "url": URL,
                "events": ["job.succeeded", "report.signed"],
            },
            request_only=True,
        )
    ]
)
class WebhookRequest(serializers.Serializer):
    organisation = serializers.UUIDField()
    url = serializers.CharField(max_length=MOST_URL, help_text="It begins with https://.")
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)), min_length=1, max_length=20
    )


@extend_schema_serializer(
    examples=[OpenApiExample("Switched on again", {"is_on": True}, request_only=True)]
)
class WebhookChangeRequest(serializers.Serializer):
    """What is not said stays as it is."""

    url = serializers.CharField(max_length=MOST_URL, required=False)
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)),
        min_length=1,
        max_length=20,
        required=False,
    )
    is_on = serializers.BooleanField(required=False)


class Hooks(Listing):
    """What both rooms share: an administrator's, changed after a fresh sign-in."""

    required_action = MANAGE
    reads = ("list", "retrieve")

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if self.action not in self.reads:
            demand_fresh(request)


class Webhooks(Hooks):
    @extend_schema(parameters=[ListQuery], responses={200: page_of(WebhookBody), **READ})
    def list(self, request: Request) -> Response:
        """List the endpoints of your organisations, newest first."""
        return self.paged(webhooks_visible_to(request.user), WebhookBody)

    @extend_schema(responses={200: WebhookBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one endpoint; its secret is not told."""
        return Response(WebhookBody(self._endpoint(pk)).data)

    @extend_schema(
        parameters=[KEYED], request=WebhookRequest, responses={201: WebhookSecretBody, **SENT}
    )
    @once
    def create(self, request: Request) -> Response:
        """Make an endpoint. The answer holds its secret, this once."""
        sent = self.sent(WebhookRequest)
        mine = organisations_of(request.user, MANAGE)
        organisation = mine.filter(pk=sent.pop("organisation")).first()
        if organisation is None:
            raise ValidationError({"organisation": _("There is no such organisation for you.")})
        endpoint = webhook_create(by=request.user, organisation=organisation, **sent)
        headers = {"Location": reverse("api:webhook-detail", args=[endpoint.pk])}
        return Response(WebhookSecretBody(endpoint).data, HTTPStatus.CREATED, headers=headers)

    @extend_schema(request=WebhookChangeRequest, responses={200: WebhookBody, **SENT, **GONE})
    def partial_update(self, request: Request, pk) -> Response:
        """Change address or events, or switch it off and on; what waits is then sent."""
        endpoint, sent = self._endpoint(pk), self.sent(WebhookChangeRequest)
        return Response(
            WebhookBody(webhook_change(by=request.user, endpoint=endpoint, **sent)).data
        )

    @extend_schema(responses={204: None, **SENT, **GONE})
    def destroy(self, request: Request, pk) -> Response:
        """Remove it with its secret; what waits is not sent."""
        webhook_remove(by=request.user, endpoint=self._endpoint(pk))
        return Response(status=HTTPStatus.NO_CONTENT)

    @extend_schema(
        parameters=[KEYED], request=None, responses={200: WebhookSecretBody, **SENT, **GONE}
    )
    @action(detail=True, methods=["post"])
    @once
    def rotate(self, request: Request, pk) -> Response:
        """Make a new secret and tell it, this once; the one before signs beside it for a day."""
        endpoint = webhook_rotate(by=request.user, endpoint=self._endpoint(pk))
        return Response(WebhookSecretBody(endpoint).data)

    @extend_schema(parameters=[KEYED], request=None, responses={202: DeliveryBody, **SENT, **GONE})
    @action(detail=True, methods=["post"])
    @once
    def test(self, request: Request, pk) -> Response:
        """Send a message of type `webhook.test`; ask for its delivery what came of it."""
        delivery = webhook_test(by=request.user, endpoint=self._endpoint(pk))
        return _queued(delivery)

    def _endpoint(self, pk) -> WebhookEndpoint:
        return get_object_or_404(webhooks_visible_to(self.request.user), pk=pk)


class WebhookDeliveries(Hooks):
    queries = {"list": DeliveryQuery}

    @extend_schema(parameters=[DeliveryQuery], responses={200: page_of(DeliveryBody), **READ})
    def list(self, request: Request) -> Response:
        """List the messages of thirty days, newest first."""
        asked = self.asked()
        where = {name: asked[name] for name in ("endpoint", "state") if name in asked}
        rows = webhook_deliveries_visible_to(request.user).filter(**where)
        return self.paged(rows, DeliveryBody)

    @extend_schema(responses={200: DeliveryBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read what became of one message."""
        return Response(DeliveryBody(self._delivery(pk)).data)

    @extend_schema(parameters=[KEYED], request=None, responses={202: DeliveryBody, **SENT, **GONE})
    @action(detail=True, methods=["post"])
    @once
    def resend(self, request: Request, pk) -> Response:
        """Send a message once more, under the same webhook-id."""
        return _queued(delivery_resend(by=request.user, delivery=self._delivery(pk)))

    def _delivery(self, pk) -> WebhookDelivery:
        return get_object_or_404(webhook_deliveries_visible_to(self.request.user), pk=pk)


def _queued(delivery: WebhookDelivery) -> Response:
    headers = {"Location": reverse("api:webhook-delivery-detail", args=[delivery.pk])}
    return Response(DeliveryBody(delivery).data, HTTPStatus.ACCEPTED, headers=headers)
