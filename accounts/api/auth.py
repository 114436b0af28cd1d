"""The requirement's own endpoints below /api/auth/: register, and set up the second factor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import PUBLIC
from accounts.api.authentication import TokenAuthentication
from accounts.api.door import person_known
from accounts.api.permissions import demand_fresh
from accounts.api.problems import Problem
from accounts.api.schema import refusals
from accounts.api.second_factor import factor_offer, factor_take
from accounts.api.views import TokenView
from accounts.forms import SignupForm
from accounts.models import User

DOOR = refusals(400, 401, 403, 409, 415, 422, 429, 503)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A new account",
            {"email": "kim@example.org", "password": "a long sentence of words", "name": "Kim"},
            request_only=True,
        )
    ]
)
class RegisterRequest(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=128, trim_whitespace=False, write_only=True)
    name = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class Told(serializers.Serializer):
    detail = serializers.CharField()


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "By credentials",
            {"email": "kim@example.org", "password": "a long sentence of words"},
            request_only=True,
        )
    ]
)
class Whose(serializers.Serializer):
    """Nothing beside an access token; else the credentials, for whoever gets no token yet."""

    email = serializers.EmailField(max_length=254, required=False)
    password = serializers.CharField(
        max_length=128, trim_whitespace=False, write_only=True, required=False
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Its first code",
            {"setup": "as setup-2fa answered", "code": "123456"},
            request_only=True,
        )
    ]
)
class SetupVerify(Whose):
    setup = serializers.CharField(max_length=4096, help_text="As setup-2fa answered it.")
    code = serializers.CharField(max_length=16, help_text="Six digits, as the app shows them.")


class SetupOffer(serializers.Serializer):
    secret = serializers.CharField(help_text="For an app that takes it typed.")
    uri = serializers.CharField(help_text="otpauth://, for an app that takes a link.")
    qr_svg = serializers.CharField(help_text="The same as a picture.")
    setup = serializers.CharField(help_text="Send it back with the first code, in ten minutes.")


class RecoveryCodes(serializers.Serializer):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Shown this once; each opens once."
    )


class Register(TokenView):
    throttle_scope = "register"

    @extend_schema(request=RegisterRequest, responses={202: Told, **DOOR}, auth=[])
    def post(self, request: Request) -> Response:
        """Ask for an account. The answer is the same whether the address is known or not."""
        if not get_adapter().is_open_for_signup(request._request):
            raise Problem(403, "signup_closed", _("Accounts are made by invitation here."))
        sent = self.read(RegisterRequest)
        password = sent.pop("password")
        form = SignupForm(data=sent | {"password1": password, "password2": password})
        if not form.is_valid():
            raise ValidationError(_as_sent(form.errors))
        with _without_session(request._request):
            form.try_save(request._request)
        told = _("Sign in on the site once: a code goes to this address to confirm it.")
        return Response({"detail": told}, HTTPStatus.ACCEPTED)


class SetupFactor(TokenView):
    """Open to a sign-in that was just made, by token or by password: it adds a way in."""

    authentication_classes = (TokenAuthentication,)
    required_action = PUBLIC

    @extend_schema(request=Whose, responses={200: SetupOffer, **DOOR})
    def post(self, request: Request) -> Response:
        """Begin a second factor: a secret for the authenticator app."""
        return Response(SetupOffer(factor_offer(_person(request, self.read(Whose)))).data)


class VerifyFactor(SetupFactor):
    @extend_schema(request=SetupVerify, responses={200: RecoveryCodes, **DOOR})
    def post(self, request: Request) -> Response:
        """End it with the app's first code. All tokens end: sign in anew, with a code."""
        sent = self.read(SetupVerify)
        person = _person(request, sent)
        codes = factor_take(person, setup=sent["setup"], code=sent["code"].strip())
        return Response({"recovery_codes": codes})


@contextmanager
def _without_session(request: HttpRequest) -> Iterator[None]:
    """Let what is remembered of a sign-up in a browser be forgotten: a program has no session."""
    kept = request.session
    request.session = type(kept)()
    try:
        yield
    finally:
        request.session = kept


@sensitive_variables("sent")
def _person(request: Request, sent: dict) -> User:
    """Return who asks: by a token that is five minutes old at most, or by their credentials."""
    if request.user.is_authenticated:
        demand_fresh(request)
        return request.user
    if not sent.get("email") or not sent.get("password"):
        raise Problem(401, "not_authenticated", _("Send an access token, or email and password."))
    return person_known(request._request, email=sent["email"], password=sent["password"])


def _as_sent(errors) -> dict:
    """Return a form's errors under the names of the body."""
    names = {"password1": "password", "password2": "password"}
    return {names.get(field, field): list(said) for field, said in errors.items()}
