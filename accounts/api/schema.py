"""How the three ways to show who one is stand in the OpenAPI description; imported by urls."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework.serializers import Serializer, URLField

from accounts.api.problems import CONTENT_TYPE
from accounts.api.serializers import ProblemBody


def refusals(*statuses: int) -> dict:
    """Describe answers with these statuses as problems."""
    return {(status, CONTENT_TYPE): ProblemBody for status in statuses}


READ = refusals(400, 401, 403, 429, 503)  # of whatever is only read
GONE = refusals(404)
SENT = refusals(400, 401, 403, 409, 413, 415, 422, 429, 503, 507)  # of what changes something
KEYED = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Yours, for one act: sent again with the same body it answers the first act, with"
    " another body 422.",
)
FILE = OpenApiTypes.BINARY


def page_of(body: type[Serializer]) -> Serializer:
    """Describe a page of rows."""
    name = body.__name__.removesuffix("Body")
    page = inline_serializer(
        f"{name}Page",
        {
            "next": URLField(allow_null=True, help_text="null: this is the last page"),
            "previous": URLField(allow_null=True),
            "results": body(many=True),
        },
    )
    extend_schema_serializer(many=False)(type(page))  # else a list of pages is described
    return page


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema) -> dict:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The access token of POST /api/v1/token/, good for five minutes.",
        }


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema) -> dict:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Api-Key <prefix>.<secret>`, made by an administrator for a machine.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.authentication.PageSession"
    name = "session"

    def get_security_definition(self, auto_schema) -> dict:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of the site's own pages, with its CSRF token.",
        }
