"""Who has which role in an organisation, by API: memberships, invitations, departments."""

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
from accounts.api.pages import CursorPage, ListQuery
from accounts.api.permissions import demand_fresh
from accounts.api.rooms import Listing
from accounts.api.schema import GONE, KEYED, READ, SENT, page_of
from accounts.models import Department, Invitation, Membership, Organisation
from accounts.roles import ROLES
from accounts.selectors import organisations_of
from accounts.services.invitations import invitation_send, invitation_withdraw
from accounts.services.memberships import (
    department_create,
    department_rename,
    membership_change,
    membership_end,
)

VIEW, MANAGE = "people.view", "people.manage"


class PeopleQuery(ListQuery):
    organisation = serializers.UUIDField(required=False)


class PersonPart(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()


class MembershipBody(serializers.ModelSerializer):
    """A role that a person has now; without a department in the whole organisation."""

    user = PersonPart()

    class Meta:
        model = Membership
        fields = ("id", "organisation", "department", "user", "role", "until", "created_at")


class InvitationBody(serializers.ModelSerializer):
    """A role that waits for whoever confirms that the address is theirs."""

    class Meta:
        model = Invitation
        fields = ("id", "organisation", "department", "email", "role", "until", "expires_at",
                  "created_at")  # fmt: skip


class DepartmentBody(serializers.ModelSerializer):
    class Meta:
        model = Department
        fields = ("id", "organisation", "name")


class DepartmentPage(CursorPage):
    """By name; the cursor is one."""

    is_position = staticmethod(str.isprintable)

    def get_ordering(self, request, queryset, view) -> tuple[str, ...]:
        return ("name", "id")


class DepartmentQuery(serializers.Serializer):
    cursor = serializers.CharField(required=False, max_length=1000)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)
    organisation = serializers.UUIDField(required=False)


@extend_schema_serializer(
    examples=[OpenApiExample("A last day", {"until": "2027-01-31T23:00:00Z"}, request_only=True)]
)
class UntilRequest(serializers.Serializer):
    until = serializers.DateTimeField(allow_null=True, help_text="null: without an end")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A radiologist",
            {
                "organisation": "6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11",
                "email": "kim@example.org",
                "role": "radiologist",
            },
            request_only=True,
        )
    ]
)
class InvitationRequest(serializers.Serializer):
    organisation = serializers.UUIDField()
    email = serializers.EmailField(max_length=254)
    role = serializers.ChoiceField(choices=list(ROLES.items()))
    department = serializers.UUIDField(required=False)
    until = serializers.DateTimeField(required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A department",
            {"organisation": "6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11", "name": "Chest unit"},
            request_only=True,
        )
    ]
)
class DepartmentRequest(serializers.Serializer):
    organisation = serializers.UUIDField()
    name = serializers.CharField(max_length=200)


@extend_schema_serializer(
    examples=[OpenApiExample("Another name", {"name": "Lung unit"}, request_only=True)]
)
class NameRequest(serializers.Serializer):
    name = serializers.CharField(max_length=200)


class People(Listing):
    """What these rooms share: seen by whom people.view names, changed after a fresh sign-in."""

    required_action = VIEW
    demands = dict.fromkeys(("create", "partial_update", "destroy"), MANAGE)
    queries = {"list": PeopleQuery}

    def initial(self, request: Request, *args, **kwargs) -> None:
        super().initial(request, *args, **kwargs)
        if self.demand == MANAGE:
            demand_fresh(request)

    def listed(self, rows) -> Response:
        asked = self.asked()
        if "organisation" in asked:
            rows = rows.filter(organisation=asked["organisation"])
        return self.paged(rows, self.serializer_class)

    def organisation_meant(self, pk) -> Organisation:
        found = organisations_of(self.request.user, MANAGE).filter(pk=pk).first()
        if found is None:
            raise ValidationError({"organisation": _("There is no such organisation for you.")})
        return found

    def made(self, row) -> Response:
        there = reverse(f"api:{self.basename}-detail", args=[row.pk])
        body = self.serializer_class(row).data
        return Response(body, HTTPStatus.CREATED, headers={"Location": there})


class Memberships(People):
    serializer_class = MembershipBody

    def rows(self, action: str):
        mine = organisations_of(self.request.user, action)
        found = Membership.objects.current().of_people().filter(organisation__in=mine)
        return found.select_related("user", "organisation", "department")

    @extend_schema(parameters=[PeopleQuery], responses={200: page_of(MembershipBody), **READ})
    def list(self, request: Request) -> Response:
        """List who has which role now."""
        return self.listed(self.rows(VIEW))

    @extend_schema(responses={200: MembershipBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one role of one person."""
        return Response(MembershipBody(get_object_or_404(self.rows(VIEW), pk=pk)).data)

    @extend_schema(request=UntilRequest, responses={200: MembershipBody, **SENT, **GONE})
    def partial_update(self, request: Request, pk) -> Response:
        """Let a role run until another moment, or without an end."""
        membership = get_object_or_404(self.rows(MANAGE), pk=pk)
        until = self.sent(UntilRequest)["until"]
        membership_change(by=request.user, membership=membership, until=until)
        membership.refresh_from_db()
        return Response(MembershipBody(membership).data)

    @extend_schema(responses={204: None, **SENT, **GONE})
    def destroy(self, request: Request, pk) -> Response:
        """Take a role back; sessions and tokens of the person end with it."""
        membership_end(by=request.user, membership=get_object_or_404(self.rows(MANAGE), pk=pk))
        return Response(status=HTTPStatus.NO_CONTENT)


class Invitations(People):
    serializer_class = InvitationBody

    def rows(self, action: str):
        mine = organisations_of(self.request.user, action)
        return Invitation.objects.filter(organisation__in=mine)

    @extend_schema(parameters=[PeopleQuery], responses={200: page_of(InvitationBody), **READ})
    def list(self, request: Request) -> Response:
        """List the roles that were offered and not taken yet."""
        return self.listed(self.rows(VIEW))

    @extend_schema(responses={200: InvitationBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one offer."""
        return Response(InvitationBody(get_object_or_404(self.rows(VIEW), pk=pk)).data)

    @extend_schema(
        parameters=[KEYED], request=InvitationRequest, responses={201: InvitationBody, **SENT}
    )
    @once
    def create(self, request: Request) -> Response:
        """Offer a role to an address and write to it. Sent again, it is renewed."""
        sent = self.sent(InvitationRequest)
        organisation = self.organisation_meant(sent.pop("organisation"))
        if "department" in sent:
            sent["department"] = organisation.departments.filter(pk=sent["department"]).first()
            if sent["department"] is None:
                raise ValidationError({"department": _("There is no such department there.")})
        return self.made(invitation_send(by=request.user, organisation=organisation, **sent))

    @extend_schema(responses={204: None, **SENT, **GONE})
    def destroy(self, request: Request, pk) -> Response:
        """Take an offer back."""
        invitation_withdraw(by=request.user, invitation=get_object_or_404(self.rows(MANAGE), pk=pk))
        return Response(status=HTTPStatus.NO_CONTENT)


class Departments(People):
    serializer_class = DepartmentBody
    pagination_class = DepartmentPage
    queries = {"list": DepartmentQuery}

    def rows(self, action: str):
        mine = organisations_of(self.request.user, action)
        return Department.objects.filter(organisation__in=mine).select_related("organisation")

    @extend_schema(parameters=[DepartmentQuery], responses={200: page_of(DepartmentBody), **READ})
    def list(self, request: Request) -> Response:
        """List the departments."""
        return self.listed(self.rows(VIEW))

    @extend_schema(responses={200: DepartmentBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one department."""
        return Response(DepartmentBody(get_object_or_404(self.rows(VIEW), pk=pk)).data)

    @extend_schema(
        parameters=[KEYED], request=DepartmentRequest, responses={201: DepartmentBody, **SENT}
    )
    @once
    def create(self, request: Request) -> Response:
        """Add a department."""
        sent = self.sent(DepartmentRequest)
        organisation = self.organisation_meant(sent["organisation"])
        made = department_create(by=request.user, organisation=organisation, name=sent["name"])
        return self.made(made)

    @extend_schema(request=NameRequest, responses={200: DepartmentBody, **SENT, **GONE})
    def partial_update(self, request: Request, pk) -> Response:
        """Call a department otherwise."""
        department = get_object_or_404(self.rows(MANAGE), pk=pk)
        name = self.sent(NameRequest)["name"]
        department_rename(by=request.user, department=department, name=name)
        return Response(DepartmentBody(department).data)
