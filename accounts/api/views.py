"""Sign in, refresh, sign out, and who am I."""

from __future__ import annotations

from http import HTTPStatus

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import PUBLIC, SIGNED_IN
from accounts.api.door import person_admit
from accounts.api.permissions import SignedIn
from accounts.api.schema import READ, refusals
from accounts.api.serializers import Me, RefreshRequest, TokenPair, TokenRequest
from accounts.models import ApiKey
from accounts.selectors import memberships_by_organisation
from accounts.services.factors import is_verified
from accounts.services.tokens import family_revoke, tokens_issue, tokens_refresh
from accounts.tokens.reading import family_of_refresh

DOOR = refusals(400, 401, 403, 415, 429, 503)


class TokenView(APIView):
    """A door without a lock of its own: open to all, never cached."""

    authentication_classes = ()
    permission_classes = ()
    required_action = PUBLIC

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'  # else a refusal would be 403 instead of 401

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def read(self, serializer_class) -> dict:
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data


class TokenObtain(TokenView):
    @extend_schema(request=TokenRequest, responses={200: TokenPair, **DOOR}, auth=[])
    def post(self, request: Request) -> Response:
        """Sign in with e-mail, password and code: a pair of tokens."""
        admission = person_admit(request._request, **self.read(TokenRequest))
        pair = tokens_issue(
            user=admission.user,
            second_factor=admission.second_factor,
            request_id=request._request.request_id,
        )
        return Response(TokenPair(pair).data)


class TokenRefresh(TokenView):
    @extend_schema(request=RefreshRequest, responses={200: TokenPair, **DOOR}, auth=[])
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair; each can be exchanged once."""
        raw = self.read(RefreshRequest)["refresh"]
        pair = tokens_refresh(raw=raw, request_id=request._request.request_id)
        return Response(TokenPair(pair).data)


class TokenRevoke(TokenView):
    @extend_schema(request=RefreshRequest, responses={204: None, **DOOR}, auth=[])
    def post(self, request: Request) -> Response:
        """Sign out: every token of this sign-in is refused from the next request on."""
        family, _jti = family_of_refresh(self.read(RefreshRequest)["refresh"])
        family_revoke(family=family, by=family.user, request_id=request._request.request_id)
        return Response(status=HTTPStatus.NO_CONTENT)


class MeView(APIView):
    permission_classes = (SignedIn,)
    required_action = SIGNED_IN

    @extend_schema(responses={200: Me, **READ})
    def get(self, request: Request) -> Response:
        """Say who the credentials are, where they belong and what their plan allows."""
        user, auth = request.user, request.auth
        key = auth if isinstance(auth, ApiKey) else None
        return Response(
            Me(
                {
                    "id": user.pk,
                    "email": None if key else user.email,
                    "name": user.name,
                    "key": key,
                    "second_factor": is_verified(request),
                    "organisations": memberships_by_organisation(user),
                }
            ).data
        )
