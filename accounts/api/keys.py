"""API keys by API: an administrator makes one for a machine, reads their state, revokes them."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.once import once
from accounts.api.pages import ListQuery
from accounts.api.permissions import demand_fresh
from accounts.api.rooms import Listing
from accounts.api.schema import GONE, KEYED, READ, SENT, page_of
from accounts.models import ApiKey
from accounts.selectors import api_keys_visible_to, organisations_of
from accounts.services.api_keys import LONGEST, api_key_create, api_key_revoke
from accounts.tokens.scopes import SCOPES

MANAGE = "apikey.manage"
STATES = [(name, name) for name in ("active", "expired", "revoked")]


def network(text: str) -> None:
    """Refuse what is no address and no network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise serializers.ValidationError(_("This is no address or network.")) from None


class KeyBody(serializers.ModelSerializer):
    """A key by its prefix; of the rest a hash is kept."""

    organisation = serializers.UUIDField(source="account.organisation_id")
    machine = serializers.CharField(source="account.name")
    scopes = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField(), help_text="empty: anywhere")
    state = serializers.ChoiceField(choices=STATES)

    class Meta:
        model = ApiKey
        fields = ("id", "organisation", "machine", "prefix", "scopes", "networks", "state",
                  "created_at", "expires_at", "last_used_at", "revoked_at")  # fmt: skip


class KeySecretBody(KeyBody):
    """The same, and the key itself: it is told now and never again."""

    key = serializers.CharField(help_text="Send it as `Authorization: Api-Key …`.")

    class Meta(KeyBody.Meta):
        fields = (*KeyBody.Meta.fields, "key")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A gateway that sends images",
            {
                "organisation": "6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11",
                "machine": "PACS gateway",
                "scopes": ["upload.create", "run.submit", "run.view"],
                "days": 30,
                "networks": ["10.1.0.0/16"],
            },
            request_only=True,
        )
    ]
)
class KeyRequest(serializers.Serializer):
    """A machine that is there gets a further key, so that keys change without a gap."""

    organisation = serializers.UUIDField()
    machine = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(SCOPES)), min_length=1, max_length=len(SCOPES)
    )
    days = serializers.IntegerField(min_value=1, max_value=LONGEST.days, default=LONGEST.days)
    networks = serializers.ListField(
        child=serializers.CharField(max_length=64, validators=[network]), default=list,
        max_length=100,
    )  # fmt: skip


class Keys(Listing):
    required_action = MANAGE

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in ("create", "destroy"):
            demand_fresh(request)

    @extend_schema(parameters=[ListQuery], responses={200: page_of(KeyBody), **READ})
    def list(self, request: Request) -> Response:
        """List the keys of your organisations, newest first."""
        return self.paged(api_keys_visible_to(request.user), KeyBody)

    @extend_schema(responses={200: KeyBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read the state of one key."""
        return Response(KeyBody(self._key(pk)).data)

    @extend_schema(parameters=[KEYED], request=KeyRequest, responses={201: KeySecretBody, **SENT})
    @once
    def create(self, request: Request) -> Response:
        """Make a key. The answer holds it, this once."""
        sent = self.sent(KeyRequest)
        mine = organisations_of(request.user, MANAGE)
        organisation = mine.filter(pk=sent["organisation"]).first()
        if organisation is None:
            raise ValidationError({"organisation": _("There is no such organisation for you.")})
        key, key.key = api_key_create(
            organisation=organisation, name=sent["machine"], scopes=sent["scopes"],
            networks=sent["networks"], expires_at=now() + timedelta(days=sent["days"]),
            by=request.user, request_id=request._request.request_id,
        )  # fmt: skip
        headers = {"Location": reverse("api:key-detail", args=[key.pk])}
        return Response(KeySecretBody(key).data, HTTPStatus.CREATED, headers=headers)

    @extend_schema(responses={204: None, **SENT, **GONE})
    def destroy(self, request: Request, pk) -> Response:
        """Revoke a key: the next request with it is refused. Its row stays."""
        request_id = request._request.request_id
        api_key_revoke(key=self._key(pk), by=request.user, request_id=request_id)
        return Response(status=HTTPStatus.NO_CONTENT)

    def _key(self, pk) -> ApiKey:
        return get_object_or_404(api_keys_visible_to(self.request.user), pk=pk)
