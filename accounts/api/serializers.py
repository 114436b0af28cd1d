"""The bodies of the account endpoints, in and out."""

from __future__ import annotations

from rest_framework import serializers


class FieldProblem(serializers.Serializer):
    field = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemBody(serializers.Serializer):
    """RFC 9457: why not, for programs by `code`, for people by `detail`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    request_id = serializers.CharField()
    errors = FieldProblem(many=True, required=False)


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
