"""Gives the trail the facts of each request."""

from __future__ import annotations

from typing import Any

from accounts.audit.context import RequestFacts, acting, session_hash
from accounts.selectors import roles_of
from accounts.throttle import client_ip

OPERATOR = "operator"  # a superuser without a role: no patient is visible to one


class OfRequest(RequestFacts):
    """The facts of one request; session and roles are read late: a login changes both."""

    __slots__ = ("_request",)

    def __init__(self, request) -> None:
        super().__init__(ip=client_ip(request), request_id=getattr(request, "request_id", ""))
        object.__setattr__(self, "_request", request)

    @property
    def session(self) -> str:
        return session_hash(self._request.session.session_key)

    def acting_as(self, actor: Any) -> str:
        if actor is None:
            return ""
        roles = sorted(roles_of(actor))
        return ",".join(roles) or (OPERATOR if actor.is_superuser else "")


class Facts:
    """Stands behind the authentication: whatever is recorded inside carries the request's facts."""

    def __init__(self, get_response) -> None:
        self.get_response = get_response

    def __call__(self, request):
        with acting(OfRequest(request)):
            return self.get_response(request)
