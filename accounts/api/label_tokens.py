"""Who asks, by the token in the address of a MONAI Label client."""

from __future__ import annotations

from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.api.authentication import credentials
from accounts.models import LabelToken, User
from accounts.selectors import stand_in
from accounts.services.label_tokens import label_token_use
from accounts.throttle import client_ip
from accounts.tokens.reading import TokenRefused


class LabelTokenAuthentication(authentication.BaseAuthentication):
    """`/ml/<token>/…`, or `Authorization: Bearer <token>` at `/ml/…`; nothing else opens them."""

    def authenticate(self, request: Request) -> tuple[User, LabelToken] | None:
        raw = request.parser_context["kwargs"].get("token") or credentials(request, "bearer")
        if raw is None:
            return None
        try:
            token = label_token_use(text=raw, ip=client_ip(request))
        except TokenRefused as refused:
            raise AuthenticationFailed(str(refused), refused.code) from None
        user = token.user
        user.scopes, user.otp_device = frozenset(token.scopes), None
        stand_in(user, token.organisation_id, token.department_id)
        return user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="ml"'
