"""The description of the API: as OpenAPI for programs, as two pages for people; all offline."""

from __future__ import annotations

import functools

from csp.constants import NONCE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SIGNED_IN, signed_in
from accounts.api.permissions import SignedIn
from accounts.api.rooms import Room
from accounts.api.schema import READ


@functools.cache
def described() -> dict:
    """Return the whole description; made once for each process: a quarter of a second."""
    return SchemaGenerator().get_schema(request=None, public=True)


class Schema(Room):
    permission_classes = (SignedIn,)
    required_action = SIGNED_IN
    renderer_classes = (OpenApiJsonRenderer,)
    pagination_class = None

    @extend_schema(responses={(200, OpenApiJsonRenderer.media_type): OpenApiTypes.OBJECT, **READ})
    def retrieve(self, request: Request) -> Response:
        """Describe every address of the API as OpenAPI 3.1."""
        return Response(described())


@csp_update({"img-src": "data:"})  # the arrows of Swagger UI lie in its style sheet
@require_GET
@signed_in
def swagger(request: HttpRequest) -> HttpResponse:
    """Show the API by Swagger UI, where each call can be tried."""
    return render(request, "docs/swagger.html")


@csp_update({"img-src": "data:", "style-src": NONCE})  # docs/adr/0019
@require_GET
@signed_in
def redoc(request: HttpRequest) -> HttpResponse:
    """Show the API by ReDoc, to read."""
    return render(request, "docs/redoc.html")
