"""Flood limits of the API, by account and scope; with Redis exact, otherwise approximate."""

from __future__ import annotations

from django.conf import settings
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle

from accounts.throttle.addresses import client_ip, network_of


class PerAccount(ScopedRateThrottle):
    """Count by the view's `throttle_scope`, else by reading and writing; the anonymous by address.

    The rates stand in settings; a scope that is not there is an error of ours.
    """

    def allow_request(self, request: Request, view) -> bool:
        kind = "read" if request.method in SAFE_METHODS else "write"
        self.scope = getattr(view, self.scope_attr, None) or kind
        self.rate = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"][self.scope]
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return SimpleRateThrottle.allow_request(self, request, view)

    def get_ident(self, request: Request) -> str:
        """Name the client as the whole house does: DRF believes any X-Forwarded-For."""
        return network_of(client_ip(request))
