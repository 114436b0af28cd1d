"""JSON Web Tokens as this house writes and reads them: HS256, one header, nine claims."""

from __future__ import annotations

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenBackendExpiredToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts.tokens.ring import signing_key, verifying_key

ALGORITHM = "HS256"
AUDIENCE = "mediscan-api"
CLAIMS = ("aud", "iss", "sub", "tv", "fam", "jti", "exp", "iat", "nbf")
RESERVED = frozenset({*CLAIMS, "token_type"})
LONGEST = 4096
LEEWAY = timedelta(seconds=5)  # between the clocks of two web servers

_SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")
_HEADER = re.compile(rb'\{"alg":"HS256","kid":"([0-9a-f]{32})","typ":"JWT"\}')


class SealRing(TokenBackend):
    """simplejwt's backend with the vault's keys: never SECRET_KEY, never a key from outside."""

    def __init__(self) -> None:
        super().__init__(
            ALGORITHM, audience=AUDIENCE, issuer=settings.PUBLIC_BASE_URL, leeway=LEEWAY
        )

    def encode(self, payload: dict) -> str:
        kid, key = signing_key()
        claims = payload | {"aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid})

    def decode(self, token: str | bytes, verify: bool = True) -> dict:
        """Return the claims of `token`; TokenBackendError says what is wrong with it."""
        text = _canonical(token)
        key = verifying_key(_kid_of(text))
        if key is None:
            raise TokenBackendError("The key that signed it (kid) is unknown or past its time.")
        try:
            claims = jwt.decode(
                text,
                key,
                algorithms=[ALGORITHM],
                audience=self.audience,
                issuer=self.issuer,
                leeway=self.get_leeway(),
                options={"require": list(CLAIMS)},
            )
        except jwt.ExpiredSignatureError:
            raise TokenBackendExpiredToken("It has expired.") from None
        except jwt.InvalidSignatureError:
            raise TokenBackendError("The signature is wrong: it was changed.") from None
        except jwt.InvalidTokenError as error:
            raise TokenBackendError(f"{error}.") from None
        if not _is_of_our_form(claims):
            raise TokenBackendError("Its claims have not the form that this site writes.")
        return claims


class Access(AccessToken):
    """Five minutes of access, in the name of one person."""

    def get_token_backend(self) -> SealRing:
        return SealRing()


class Refresh(RefreshToken):
    """What is exchanged, once, for a new pair."""

    def get_token_backend(self) -> SealRing:
        return SealRing()


def as_written(token: str) -> tuple[dict, dict]:
    """Return header and claims as they stand, believed by nobody; empty where unreadable."""
    header, claims, *_signature = [*token.split("."), "", ""]
    return _object(header), _object(claims)


def _object(part: str) -> dict:
    try:
        found = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _canonical(token: str | bytes) -> str:
    """Return `token` as text if its spelling is the only one for its bytes.

    Base64 has spare bits and decoders skip what is no digit: without this, a changed
    character could leave a token valid.
    """
    if isinstance(token, bytes):
        token = token.decode("ascii", "replace")
    shape = _SHAPE.fullmatch(token) if len(token) <= LONGEST else None
    if shape is None or any(_spelled(part) != part for part in shape.groups()):
        raise TokenBackendError("It has not the form of a token: three parts in base64url.")
    return token


def _kid_of(token: str) -> str:
    """Return the key id; the header is ours to the letter, or the token is not."""
    header = _HEADER.fullmatch(_decoded(token.split(".")[0]))
    if header is None:
        raise TokenBackendError("Its header is not one that this site writes: HS256 and a kid.")
    return header[1].decode()


def _is_of_our_form(claims: dict) -> bool:
    """Say whether times are whole numbers in order, no longer apart than a refresh token lives."""
    numbers = [claims[name] for name in ("iat", "nbf", "exp", "tv")]
    texts = [claims[name] for name in ("sub", "fam", "jti")]
    if not (all(type(one) is int for one in numbers) and all(isinstance(t, str) for t in texts)):
        return False
    issued, begins, ends, _version = numbers
    return issued == begins <= ends <= issued + Refresh.lifetime.total_seconds()


def _decoded(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        return b""


def _spelled(part: str) -> str:
    return urlsafe_b64encode(_decoded(part)).rstrip(b"=").decode()
