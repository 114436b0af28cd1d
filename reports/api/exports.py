"""Exports by API: files made of results, each its maker's alone."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import refusal
from accounts.api.once import once
from accounts.api.pages import ListQuery
from accounts.api.permissions import demand_fresh
from accounts.api.rooms import AnyAnswer, Listing
from accounts.api.schema import FILE, GONE, KEYED, READ, SENT, page_of
from accounts.selectors import user_may
from imaging.ranges import blob_response
from reports.choosing import choose
from reports.files import CLOSED, FILES
from reports.models import BULK, KINDS, Export, ExportStatus, action_of
from reports.selectors import exports_visible_to
from reports.services import export_create, export_taken

CONTENTS = sorted({kind for kind, _name in FILES.values()})


class ExportBody(serializers.ModelSerializer):
    """A file in the making, or made; `done` of `total` results are in it, `skipped` are not."""

    total = serializers.IntegerField()
    done = serializers.IntegerField()
    skipped = serializers.IntegerField()

    class Meta:
        model = Export
        fields = ("id", "organisation", "kind", "status", "error", "total", "done", "skipped",
                  "created_at", "finished_at", "expires_at")  # fmt: skip


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A report",
            {"kind": "pdf", "results": ["6c1f0d52-6a3b-4d0e-9a57-0d4c1c2b7a11"]},
            request_only=True,
        )
    ]
)
class ExportRequest(serializers.Serializer):
    """Results by id, all of a run, or the newest of each image of a study; signed ones if asked.

    Of one image and one ensemble chosen twice by runs or studies, one stands in the file.
    """

    kind = serializers.ChoiceField(choices=[(kind.value, kind.label) for kind in KINDS])
    results = serializers.ListField(child=serializers.UUIDField(), max_length=2000, default=list)
    studies = serializers.ListField(child=serializers.UUIDField(), max_length=2000, default=list)
    runs = serializers.ListField(child=serializers.UUIDField(), max_length=100, default=list)
    signed_only = serializers.BooleanField(default=False)


class Exports(Listing):
    required_action = "export.create"
    scopes = {"create": "export"}

    @extend_schema(parameters=[ListQuery], responses={200: page_of(ExportBody), **READ})
    def list(self, request: Request) -> Response:
        """List the files that you asked for, newest first."""
        return self.paged(exports_visible_to(request.user), ExportBody)

    @extend_schema(parameters=[KEYED], request=ExportRequest, responses={202: ExportBody, **SENT})
    @once
    def create(self, request: Request) -> Response:
        """Ask for a file; it is made in the background. Many in one take a sign-in just made."""
        sent = self.sent(ExportRequest)
        kind = sent.pop("kind")
        wanted = action_of(kind)
        if not user_may(request.user, wanted):
            raise PermissionDenied(refusal(wanted))
        if wanted == BULK:
            demand_fresh(request)
        chosen = choose(request.user, action=wanted, **sent)
        export = export_create(
            user=request.user, kind=kind, results=chosen.results, signed_only=sent["signed_only"]
        )
        there = reverse("api:export-detail", args=[export.pk])
        headers = {"Location": there, "Retry-After": "2"}
        return Response(ExportBody(self._export(export.pk)).data, 202, headers=headers)

    @extend_schema(responses={200: ExportBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read how far a file is."""
        return Response(ExportBody(self._export(pk)).data)

    @extend_schema(responses={**{(200, kind): FILE for kind in CONTENTS}, **READ, **GONE})
    @action(detail=True, content_negotiation_class=AnyAnswer)
    def content(self, request: Request, pk) -> HttpResponse:
        """Answer the file; takes one `Range`. 404 until it is made, and once it has expired."""
        export = self._export(pk)
        if export.status != ExportStatus.SUCCEEDED or export.blob is None:
            raise Http404
        if export.is_closed:
            raise PermissionDenied(CLOSED)
        kind, name = FILES[export.kind]
        whole = "Range" not in request.headers
        export_taken(user=request.user, export=export, whole=whole)
        return blob_response(
            request._request, export.blob, content_type=kind, filename=name.format(str(pk)[:8])
        )

    def _export(self, pk) -> Export:
        rows = exports_visible_to(self.request.user).select_related("blob")
        return get_object_or_404(rows, pk=pk)
