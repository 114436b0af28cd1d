"""Rules for new images by API, for administrators."""

from __future__ import annotations

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.once import once
from accounts.api.pages import ListQuery
from accounts.api.permissions import demand_fresh
from accounts.api.schema import GONE, KEYED, READ, SENT, page_of
from accounts.models import Department
from accounts.selectors import organisations_of
from imaging.api.rooms import Listing
from imaging.choices import ensembles_told
from imaging.models import BODY_PART, Modality, Rule
from imaging.selectors_rules import rules_visible_to
from imaging.services.rules import rule_change, rule_create, rule_remove

MANAGE = "rule.manage"


class RuleBody(serializers.ModelSerializer):
    """Every new image that fits is analysed by what serves under the name of `ensemble`."""

    class Meta:
        model = Rule
        fields = ("id", "organisation", "name", "department", "modality", "body_part", "ensemble",
                  "is_on", "created_by", "created_at")  # fmt: skip


@extend_schema_serializer(
    examples=[OpenApiExample("Switch it on", {"is_on": True}, request_only=True)]
)
class RuleChangeRequest(serializers.Serializer):
    """What is not said stays as it is."""

    name = serializers.CharField(max_length=100, required=False)
    modality = serializers.ChoiceField(choices=Modality.choices, required=False)
    body_part = serializers.CharField(
        max_length=BODY_PART, required=False, allow_blank=True,
        help_text="Body Part Examined (0018,0015), for instance CHEST; blank: any.",
    )  # fmt: skip
    department = serializers.UUIDField(
        required=False, allow_null=True, help_text="null: of the whole organisation"
    )
    ensemble = serializers.UUIDField(required=False)
    is_on = serializers.BooleanField(required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Chest X-rays of one department",
            {
                "organisation": "6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11",
                "name": "Chest X-rays of the emergency room",
                "department": "1f0e6f0a-7d5d-4f6e-8f5c-2f7f3e2a9b10",
                "modality": "xray",
                "body_part": "CHEST",
                "ensemble": "a3d6c6c4-52a7-4b0d-b5a1-9f2a0c7e4d21",
                "is_on": True,
            },
            request_only=True,
        )
    ]
)
class RuleRequest(RuleChangeRequest):
    organisation = serializers.UUIDField()
    name = serializers.CharField(max_length=100)
    modality = serializers.ChoiceField(choices=Modality.choices)
    ensemble = serializers.UUIDField(help_text="An approved one, of the house or yours.")
    is_on = serializers.BooleanField(required=False, default=False)


class Rules(Listing):
    is_of_records = False
    required_action = MANAGE

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if self.action not in ("list", "retrieve"):
            demand_fresh(request)

    @extend_schema(parameters=[ListQuery], responses={200: page_of(RuleBody), **READ})
    def list(self, request: Request) -> Response:
        """List the rules of your organisations."""
        return self.paged(rules_visible_to(request.user), RuleBody)

    @extend_schema(responses={200: RuleBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one rule."""
        return Response(RuleBody(self._rule(pk)).data)

    @extend_schema(parameters=[KEYED], request=RuleRequest, responses={201: RuleBody, **SENT})
    @once
    def create(self, request: Request) -> Response:
        """Make a rule. Images that are here already are not looked at."""
        sent = self.sent(RuleRequest)
        mine = organisations_of(request.user, MANAGE)
        organisation = mine.filter(pk=sent.pop("organisation")).first()
        if organisation is None:
            raise ValidationError({"organisation": _("There is no such organisation for you.")})
        rule = rule_create(
            by=request.user, organisation=organisation, **self._meant(sent, organisation)
        )
        headers = {"Location": reverse("api:rule-detail", args=[rule.pk])}
        return Response(RuleBody(rule).data, HTTPStatus.CREATED, headers=headers)

    @extend_schema(request=RuleChangeRequest, responses={200: RuleBody, **SENT, **GONE})
    def partial_update(self, request: Request, pk) -> Response:
        """Change a rule, or switch it on and off."""
        rule, sent = self._rule(pk), self.sent(RuleChangeRequest)
        meant = self._meant(sent, rule.organisation)
        return Response(RuleBody(rule_change(by=request.user, rule=rule, **meant)).data)

    @extend_schema(responses={204: None, **SENT, **GONE})
    def destroy(self, request: Request, pk) -> Response:
        """Remove a rule; its runs stay and go on saying which rule started them."""
        rule_remove(by=request.user, rule=self._rule(pk))
        return Response(status=HTTPStatus.NO_CONTENT)

    def _rule(self, pk) -> Rule:
        return get_object_or_404(rules_visible_to(self.request.user), pk=pk)

    def _meant(self, sent: dict, organisation) -> dict:
        """Return what was sent with rows for ids. Raises: ValidationError, by field."""
        meant = dict(sent)
        if "ensemble" in meant:
            rows = ensembles_told(self.request.user)
            meant["ensemble"] = rows.filter(pk=meant["ensemble"]).first()
        if meant.get("department") is not None:
            rooms = Department.objects.filter(organisation=organisation)
            meant["department"] = rooms.filter(pk=meant["department"]).first()
            if meant["department"] is None:
                said = _("There is no such department for you.")
                raise ValidationError({"department": said})
        return meant
