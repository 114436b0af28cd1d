"""The audit trail by API: one's own rows, and those of the organisations one oversees."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.pages import CursorPage
from accounts.api.rooms import Room
from accounts.api.schema import READ, page_of
from accounts.audit.actions import GROUPS, OUTCOMES
from accounts.audit.page import Line, events_chosen, lines_for


class TrailQuery(serializers.Serializer):
    """What the audit page may be asked, under the same names."""

    cursor = serializers.CharField(required=False, max_length=400)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=200, default=50)
    who = serializers.UUIDField(required=False, help_text="Of whom: the person's id.")
    group = serializers.ChoiceField(choices=list(GROUPS), required=False)
    outcome = serializers.ChoiceField(choices=list(OUTCOMES), required=False)
    object = serializers.CharField(
        required=False, max_length=128, help_text="study:…, or an id alone, of a patient too."
    )
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


class TrailPage(CursorPage):
    """Newest first by the clock of the row."""

    def get_ordering(self, request, queryset, view) -> tuple[str, ...]:
        return ("-at", "-id")


class EventBody(serializers.Serializer):
    """One row; `is_full` false: an administrator sees that it was, not on whom or why."""

    id = serializers.UUIDField(source="event.pk")
    at = serializers.DateTimeField(source="event.at")
    actor = serializers.UUIDField(source="event.actor_id", allow_null=True)
    role = serializers.CharField(source="event.role")
    organisation = serializers.UUIDField(source="event.organisation_id", allow_null=True)
    action = serializers.CharField(source="event.action")
    dicom = serializers.CharField(source="event.dicom", help_text="PS3.15 A.5, event:type")
    outcome = serializers.CharField(source="event.outcome")
    request_id = serializers.CharField(source="event.request_id")
    is_full = serializers.BooleanField()
    ip = serializers.SerializerMethodField()
    target = serializers.SerializerMethodField()
    patient = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()

    def get_ip(self, line: Line) -> str:
        return line.event.ip if line.is_full else ""

    def get_target(self, line: Line) -> str:
        return line.event.target if line.is_full else ""

    def get_patient(self, line: Line) -> str:
        return str(line.event.patient or "") if line.is_full else ""

    def get_reason(self, line: Line) -> str:
        return line.event.reason if line.is_full else ""


class AuditEvents(Room):
    required_action = "audit.view_own"
    pagination_class = TrailPage
    queries = {"list": TrailQuery}

    @extend_schema(parameters=[TrailQuery], responses={200: page_of(EventBody), **READ})
    def list(self, request: Request) -> Response:
        """List what was done, newest first; that it was read is written down as well."""
        asked = self.asked()
        chosen = ", ".join(sorted(set(asked) - {"cursor", "limit"}))
        audit.record(request.user, "audit.view", reason=chosen)
        shown = self.paginate_queryset(events_chosen(request.user, asked))
        lines = list(lines_for(request.user, shown))
        return self.get_paginated_response(EventBody(lines, many=True).data)
