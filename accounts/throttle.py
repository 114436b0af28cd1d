"""Flood limits: the one file that imports django-ratelimit, and the one way to tell a client."""

from __future__ import annotations

from allauth.account.adapter import get_adapter
from django_ratelimit.decorators import ratelimit


def client_ip(request) -> str:
    """Return the client's address: REMOTE_ADDR, or the hop that TRUSTED_PROXIES counts to."""
    return get_adapter(request).get_client_ip(request)


def limited(group: str, rate: str):
    """Let each person POST at most `rate` (for instance "60/m") to the views of `group`."""
    return ratelimit(group=group, key="user", rate=rate, method="POST", block=True)
