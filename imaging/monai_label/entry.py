"""/auth/: whether a client must sign in, and how a machine gets a token by its API key."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.parsers import FormParser
from rest_framework.request import Request

from accounts.access import PUBLIC, refusal
from accounts.api.permissions import SignedIn
from accounts.roles import may
from accounts.selectors import roles_of
from accounts.services.api_keys import api_key_use
from accounts.services.label_tokens import label_token_create
from accounts.throttle import client_ip
from accounts.tokens.reading import TokenRefused
from imaging.monai_label.rooms import SEE, LabelRoom, wrong


class Enabled(LabelRoom):
    """Whoever comes with a token in the address need not sign in; others get one by their key."""

    permission_classes = ()
    required_action = PUBLIC

    def get(self, request: Request, **kwargs: str) -> HttpResponse:
        told = {"enabled": request.auth is None, "client_id": "", "realm": ""}
        return JsonResponse(told)


class Token(LabelRoom):
    """POST `username` and, as `password`, an API key."""

    permission_classes = ()
    required_action = PUBLIC
    throttle_scope = "write"
    parser_classes = (FormParser,)

    @sensitive_variables("text")
    def post(self, request: Request, **kwargs: str) -> HttpResponse:
        text = request.data.get("password", "")
        if not text:
            raise wrong(
                "invalid", _("password: send an API key. People make an address on the site.")
            )
        try:
            key = api_key_use(text=text, ip=client_ip(request))
        except TokenRefused as refused:
            raise AuthenticationFailed(str(refused), refused.code) from None
        user = key.account.user
        if SEE not in key.scopes:
            raise PermissionDenied(_("This key lacks the scope %s.") % SEE)
        if not may(roles_of(user), SEE):
            raise PermissionDenied(refusal(SEE))
        _token, secret = label_token_create(
            user=user, organisation=key.account.organisation, api_key=key
        )
        left = 60 * settings.LABEL_TOKEN_MINUTES
        told = {"access_token": secret, "token_type": "Bearer", "expires_in": left}
        return JsonResponse(told | {"address": address_of(secret)})


class Valid(LabelRoom):
    permission_classes = (SignedIn,)

    def get(self, request: Request, **kwargs: str) -> HttpResponse:
        user = request.user
        return JsonResponse({"username": user.name, "roles": sorted(roles_of(user))})


def address_of(secret: str) -> str:
    """Return the server address that a client is given."""
    return f"{settings.PUBLIC_BASE_URL.rstrip('/')}/ml/{secret}"
