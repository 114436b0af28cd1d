"""Who asks: a machine with a key, or a person who signs in."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from mediscan_client.errors import refused

EARLY_S = 30.0  # a token is renewed so long before it ends
Flow = Generator[httpx.Request, httpx.Response, None]


class ApiKey(httpx.Auth):
    """A machine's key, as the site showed it once."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Send the key with each request."""
        request.headers["Authorization"] = f"Api-Key {self._key}"
        yield request


class SignIn(httpx.Auth):
    """A person's e-mail and password, with a code where a second factor is kept.

    otp   the six digits of the authenticator app or a recovery code; a function is asked for
          them at each sign-in, which lasts 24 hours.
    """

    requires_response_body = True

    def __init__(self, email: str, password: str, otp: str | Callable[[], str] = "") -> None:
        self._email, self._password, self._otp = email, password, otp
        self._access = self._refresh = ""
        self._ends = 0.0  # by the clock of this machine that never turns back

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Send the access token, renewed first where it is about to end. Raises Refused."""
        if time.monotonic() > self._ends - EARLY_S:
            yield from self._renew(request.url)
        request.headers["Authorization"] = f"Bearer {self._access}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:  # ended elsewhere, or a slow clock
            yield from self._renew(request.url)
            request.headers["Authorization"] = f"Bearer {self._access}"
            yield request

    def _renew(self, url: httpx.URL) -> Flow:
        if self._refresh:
            given = {"refresh": self._refresh}
            response = yield self._ask(url, "/api/v1/token/refresh/", given)
            if response.is_success:
                self._keep(response)
                return
        otp = self._otp() if callable(self._otp) else self._otp
        given = {"email": self._email, "password": self._password, "otp": otp}
        response = yield self._ask(url, "/api/v1/token/", given)
        if not response.is_success:
            self._refresh = ""
            raise refused(response)
        self._keep(response)

    def _ask(self, url: httpx.URL, path: str, given: dict[str, Any]) -> httpx.Request:
        return httpx.Request("POST", url.copy_with(raw_path=path.encode()), json=given)

    def _keep(self, response: httpx.Response) -> None:
        pair = response.json()
        self._access, self._refresh = pair["access"], pair["refresh"]
        ends = datetime.fromisoformat(pair["access_expires_at"])
        said = response.headers.get("Date")
        here = parsedate_to_datetime(said) if said else datetime.now(UTC)  # the server's own clock
        self._ends = time.monotonic() + (ends - here).total_seconds()
