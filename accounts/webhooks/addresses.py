"""PURE: where a message may go: https, a public address, or one that the operator listed."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

MOST_URL = 500
PORT = 443
_INSIDE = tuple(  # an address of these carries another one inside; the last is a site's own
    map(
        ipaddress.ip_network,
        ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10"),
    )
)
_PRINTABLE = re.compile(r"[!-~]+")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class WrongAddress(ValueError):
    """Nothing is sent there; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL in its parts: where to connect, and what to ask for there."""

    host: str
    port: int
    path: str


def target_of(url: str, allowed: Sequence[Network] = ()) -> Target:
    """Return the parts of `url`. Raises WrongAddress; no name is looked up yet."""
    if len(url) > MOST_URL or not _PRINTABLE.fullmatch(url):
        raise WrongAddress("url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WrongAddress("url") from None
    if parts.scheme != "https":
        raise WrongAddress("https")
    if not parts.hostname or "@" in parts.netloc or parts.fragment or port == 0 or "\\" in url:
        raise WrongAddress("url")
    literal = _literal(parts.hostname)
    if literal is not None and not may_connect(literal, allowed):
        raise WrongAddress("private")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.hostname, port or PORT, path)


def addresses_of(target: Target, allowed: Sequence[Network] = ()) -> list[str]:
    """Look the host up once; return its addresses, of which each one may be connected to.

    Raises WrongAddress: "unknown" where there is no such host, "private" where any one of the
    addresses is neither public nor listed.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise WrongAddress("unknown") from None
    texts = list(dict.fromkeys(str(place[0]).partition("%")[0] for *_kind, place in found))
    if not texts:
        raise WrongAddress("unknown")
    if not all(may_connect(ipaddress.ip_address(text), allowed) for text in texts):
        raise WrongAddress("private")
    return texts


def may_connect(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Say whether the address is public, or in one of the operator's networks."""
    plain = getattr(address, "ipv4_mapped", None) or address
    if any(plain in network for network in allowed if network.version == plain.version):
        return True
    if plain.version == 6 and any(plain in network for network in _INSIDE):
        return False
    return plain.is_global and not (plain.is_multicast or plain.is_reserved)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
