"""The bodies of the account endpoints, in and out."""

from __future__ import annotations

from http import HTTPStatus

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from accounts.api.problems import CONTENT_TYPE


class FieldProblem(serializers.Serializer):
    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


REFUSALS = {  # status -> (code, what it says), one example for each
    400: ("invalid", "The request is not right: see errors."),
    401: ("token_expired", "The token has expired. Refresh it."),
    403: ("permission_denied", "This needs the role Radiologist."),
    404: ("not_found", "There is nothing here that you may see."),
    409: ("overtaken", "A later version counts: see latest."),
    413: ("too_large", "The body is larger than this site takes."),
    415: ("unsupported_media_type", "Unsupported media type in request."),
    422: ("not_possible", "There is no active model named “lungs”."),
    429: ("throttled", "Request was throttled. Expected available in 12 seconds."),
    503: ("unavailable", "The database does not answer. Ask again in a few seconds."),
    507: ("no_space", "There is no room left to keep this. Nothing of it was kept."),
}


def _refused(status: int) -> OpenApiExample:
    code, detail = REFUSALS[status]
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": "f3a1c09d52e84b76",
    }
    if status == HTTPStatus.BAD_REQUEST:
        wrong = {"field": "limit", "code": "max_value", "detail": "At most 200 rows are a page."}
        body["errors"] = [wrong]
    return OpenApiExample(
        str(status), body, response_only=True, media_type=CONTENT_TYPE, status_codes=[str(status)]
    )


@extend_schema_serializer(examples=[_refused(status) for status in REFUSALS])
class ProblemBody(serializers.Serializer):
    """RFC 9457: why not, for programs by `code`, for people by `detail`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    request_id = serializers.CharField()
    errors = FieldProblem(many=True, required=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "With a second factor",
            {"email": "kim@example.org", "password": "a long sentence of words", "otp": "123456"},
            request_only=True,
        )
    ]
)
class TokenRequest(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)
    otp = serializers.CharField(
        max_length=16,
        required=False,
        allow_blank=True,
        default="",
        help_text="The six digits of the authenticator app, or a recovery code; needed by"
        " whoever has a second factor.",
    )


@extend_schema_serializer(
    examples=[OpenApiExample("A refresh", {"refresh": "eyJhbGciOi…"}, request_only=True)]
)
class RefreshRequest(serializers.Serializer):
    refresh = serializers.CharField(max_length=4096)


class TokenPair(serializers.Serializer):
    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`.")
    refresh = serializers.CharField(help_text="Good for one exchange.")
    token_type = serializers.CharField(default="Bearer")
    access_expires_at = serializers.DateTimeField()
    refresh_expires_at = serializers.DateTimeField()


class PlanPart(serializers.Serializer):
    name = serializers.CharField()
    slug = serializers.CharField()
    runs_per_month = serializers.IntegerField(allow_null=True)
    storage_bytes = serializers.IntegerField(allow_null=True)
    members = serializers.IntegerField(allow_null=True)


class RolePart(serializers.Serializer):
    role = serializers.CharField()
    department = serializers.CharField(allow_null=True, help_text="null: the whole organisation")
    until = serializers.DateTimeField(allow_null=True)


class OrganisationPart(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    plan = PlanPart()
    roles = RolePart(many=True)


class KeyPart(serializers.Serializer):
    prefix = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField()


class Me(serializers.Serializer):
    id = serializers.UUIDField()
    email = serializers.EmailField(allow_null=True, help_text="null: a machine has none")
    name = serializers.CharField()
    key = KeyPart(allow_null=True, help_text="the API key that asks; null for a person")
    second_factor = serializers.BooleanField(help_text="Whether this sign-in showed one.")
    organisations = OrganisationPart(many=True)
