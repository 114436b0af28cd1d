"""Signed reports by API: each version that was signed, and its PDF by way of an export."""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit
from accounts.api.once import once
from accounts.api.pages import ListQuery
from accounts.api.rooms import AnyAnswer
from accounts.api.schema import GONE, KEYED, READ, SENT, page_of
from imaging.api.queries import narrowed
from imaging.api.rooms import Listing
from imaging.models import Review
from imaging.selectors import results_within, reviews_visible_to
from reports.api.exports import ExportBody
from reports.fhir import bundle
from reports.fhir_sources import report_of
from reports.selectors import exports_visible_to
from reports.services import export_create

FHIR = "application/fhir+json"
READ_SIGNED = "export.read_signed"  # who may ask for a PDF, and the machine that asked for the run


class ReportQuery(ListQuery):
    result = serializers.UUIDField(required=False)
    study = serializers.UUIDField(required=False)


class ReportBody(serializers.ModelSerializer):
    """One signed version of a decision; it stays as it was signed, whatever follows it."""

    study = serializers.UUIDField(source="result.image.study_id")
    image = serializers.UUIDField(source="result.image_id")
    signed_by_name = serializers.CharField(source="signed_by.name")
    sha256 = serializers.CharField(source="digest", help_text="Of what was signed.")
    superseded_by = serializers.UUIDField(
        allow_null=True, help_text="The signed version that counts instead; null: this one counts."
    )

    class Meta:
        model = Review
        fields = ("id", "result", "study", "image", "number", "decision", "amendment", "signed_by",
                  "signed_by_name", "signed_at", "meaning", "sha256", "superseded_by",
                  "created_at")  # fmt: skip


class BundleBody(serializers.Serializer):
    """A FHIR R4 Bundle of the type `collection`; its entries are FHIR's own resources."""

    resourceType = serializers.ChoiceField(choices=["Bundle"])  # noqa: N815  FHIR names it so
    id = serializers.UUIDField()
    meta = serializers.DictField()
    type = serializers.ChoiceField(choices=["collection"])
    timestamp = serializers.DateTimeField()
    entry = serializers.ListField(child=serializers.DictField())


class FhirRenderer(JSONRenderer):
    media_type = FHIR


def reports_visible_to(user) -> QuerySet[Review]:
    """Return the signed versions of decisions that `user` reads."""
    later = Review.objects.filter(
        result=OuterRef("result"), number__gt=OuterRef("number"), signed_at__isnull=False
    )
    signed = reviews_visible_to(user).filter(signed_at__isnull=False)
    newest = later.order_by("-number").values("pk")[:1]
    return signed.select_related("result__image", "signed_by").annotate(
        superseded_by=Subquery(newest)
    )


class Reports(Listing):
    required_action = "result.view"
    queries = {"list": ReportQuery}
    scopes = {"pdf": "export"}

    @extend_schema(parameters=[ReportQuery], responses={200: page_of(ReportBody), **READ})
    def list(self, request: Request) -> Response:
        """List the signed versions of decisions on results that you may see, newest first."""
        rows = reports_visible_to(request.user)
        chosen = narrowed(rows, self.asked(), study="result__image__study")
        return self.paged(chosen, ReportBody)

    @extend_schema(responses={200: ReportBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read who signed what, when and in which sense."""
        report = get_object_or_404(reports_visible_to(request.user), pk=pk)
        audit.record_view(request.user, "result.view", report.result)
        return Response(ReportBody(report).data)

    @extend_schema(responses={(200, FHIR): BundleBody, **READ, **GONE})
    @action(
        detail=True, required_action=READ_SIGNED, content_negotiation_class=AnyAnswer,
        renderer_classes=[FhirRenderer],
    )  # fmt: skip
    def fhir(self, request: Request, pk) -> Response:
        """Answer the report as a FHIR R4 Bundle, with the patient's identity as it was signed.

        DiagnosticReport (final, or appended where it amends one), Patient, ImagingStudy, an
        Observation per measure in UCUM, a Device for the ensemble and one per model version.
        """
        report = self._leaving(pk, READ_SIGNED)
        audit.record(request.user, "export.download", report.result, reason="fhir")
        return Response(bundle(report_of(report)))

    @extend_schema(parameters=[KEYED], request=None, responses={202: ExportBody, **SENT, **GONE})
    @action(detail=True, methods=["post"], required_action="export.create")
    @once
    def pdf(self, request: Request, pk) -> Response:
        """Ask for the PDF of exactly this version; follow the export until it is made."""
        report = self._leaving(pk, "export.create")
        export = export_create(
            user=request.user, kind="pdf", results=[report.result], version=report.number
        )
        headers = {"Location": reverse("api:export-detail", args=[export.pk]), "Retry-After": "2"}
        body = ExportBody(exports_visible_to(request.user).get(pk=export.pk)).data
        return Response(body, 202, headers=headers)

    def _leaving(self, pk, by: str) -> Review:
        """Return the signed version, where whoever asks may take it out of the house by `by`."""
        theirs = results_within(self.request.user, by).values("pk")
        rows = reports_visible_to(self.request.user).filter(result__in=theirs)
        return get_object_or_404(rows, pk=pk)
