"""Uploads by API: the receipt of what was sent."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.pages import ListQuery
from accounts.api.schema import GONE, READ, page_of
from imaging.api.bodies import UploadBody, UploadDetailBody
from imaging.api.rooms import Listing
from imaging.selectors import uploads_visible_to


class Uploads(Listing):
    required_action = "upload.create"

    @extend_schema(parameters=[ListQuery], responses={200: page_of(UploadBody), **READ})
    def list(self, request: Request) -> Response:
        """List the uploads that you may see, newest first."""
        return self.paged(uploads_visible_to(request.user), UploadBody)

    @extend_schema(responses={200: UploadDetailBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read the receipt: what became of each file."""
        rows = uploads_visible_to(request.user).prefetch_related("items")
        return Response(UploadDetailBody(get_object_or_404(rows, pk=pk)).data)
