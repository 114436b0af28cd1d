"""Patients by API: one by id, or by the exact record number in a body, never in an address."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.problems import Problem
from accounts.api.schema import GONE, READ, SENT
from imaging.api.corrections import IdentityRequest, identity_meant
from imaging.api.rooms import Room
from imaging.models import Patient
from imaging.selectors import patients_found, patients_within
from imaging.services.identities import Overtaken, patient_change

CHANGE = "patient.change"


class PatientBody(serializers.ModelSerializer):
    """An identity, decrypted for whoever may see it; "" where no file said it."""

    class Meta:
        model = Patient
        fields = ("id", "organisation", "name", "record_number", "birth_date", "sex", "version",
                  "created_at")  # fmt: skip


@extend_schema_serializer(
    examples=[OpenApiExample("A number", {"record_number": "MRN-4711"}, request_only=True)]
)
class SearchRequest(serializers.Serializer):
    record_number = serializers.CharField(max_length=64)


class FoundPart(serializers.Serializer):
    id = serializers.UUIDField(source="pk")
    organisation = serializers.UUIDField(source="organisation_id")
    is_open = serializers.BooleanField(help_text="Whether you may read this patient.")


class FoundBody(serializers.Serializer):
    found = FoundPart(many=True)


class Patients(Room):
    required_action = "study.view"
    demands = {"partial_update": CHANGE}

    @extend_schema(responses={200: PatientBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one patient's identity; the trail notes it, as of the page."""
        patient = get_object_or_404(patients_within(request.user, "study.view"), pk=pk)
        audit.record(request.user, "patient.view", patient)
        return Response(PatientBody(patient).data)

    @extend_schema(request=IdentityRequest, responses={200: PatientBody, **SENT, **GONE})
    def partial_update(self, request: Request, pk) -> Response:
        """Correct an identity. What was signed keeps who it was; 409 when another was faster."""
        patient = get_object_or_404(patients_within(request.user, CHANGE), pk=pk)
        audit.record_once(request.user, "patient.view", patient)
        meant = identity_meant(patient, self.sent(IdentityRequest))
        try:
            patient_change(by=request.user, patient=patient, **meant)
        except Overtaken as other:
            latest = PatientBody(other.latest).data
            said = _("Somebody corrected it meanwhile: see latest.")
            raise Problem(409, "overtaken", said, more={"latest": latest}) from None
        return Response(PatientBody(Patient.objects.get(pk=patient.pk)).data)

    @extend_schema(request=SearchRequest, responses={200: FoundBody, **SENT})
    @action(detail=False, methods=["post"], required_action="patient.find")
    def search(self, request: Request) -> Response:
        """Say whether there is a record with exactly this number; each search is written down."""
        found = list(patients_found(request.user, self.sent(SearchRequest)["record_number"]))
        open_to = patients_within(request.user, "study.view").filter(pk__in=[p.pk for p in found])
        mine = set(open_to.values_list("pk", flat=True))
        for patient in found:
            patient.is_open = patient.pk in mine
        audit.record(request.user, "record.search", reason=f"found {len(found)}")
        return Response(FoundBody({"found": found}).data)
