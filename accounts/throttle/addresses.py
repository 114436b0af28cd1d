"""Who the client is: the one function that says which address a request came from."""

from __future__ import annotations

import ipaddress

from django.conf import settings

V6_PREFIX = 64  # what one subscriber is given: a shorter part of it costs nothing to change
UNKNOWN = "0.0.0.0"  # nosec B104  nobody listens there: it stands for no address


def client_ip(request) -> str:
    """Return the client's address: REMOTE_ADDR, or the hop that TRUSTED_PROXIES counts to.

    With fewer hops than proxies the request did not come through them, so what
    the header says is the client's own word: REMOTE_ADDR stands.
    """
    count = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if count > 0 else []
    named = _address(hops[-count]) if len(hops) >= count > 0 else None
    return named or _address(request.META.get("REMOTE_ADDR", "")) or UNKNOWN


def network_of(ip: str) -> str:
    """Return what is counted as one client: an IPv4 address, or the /64 of an IPv6 one."""
    address = ipaddress.ip_address(ip)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, V6_PREFIX), strict=False))


def _address(text: str) -> str | None:
    """Return the address in `text`, without zone; an IPv4 one in IPv6 clothes as IPv4."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
