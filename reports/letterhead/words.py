"""What a letterhead says on a report."""

from __future__ import annotations

from accounts.vault.storage import blob_open
from reports.content import Head
from reports.models import Letterhead


def head_of(letterhead: Letterhead, logo: bytes) -> Head:
    """Return what stands at the top and the foot of a report."""
    return Head(
        heading=letterhead.heading,
        address=tuple(letterhead.address.splitlines()),
        closing=letterhead.closing,
        logo=logo,
    )


def logo_of(letterhead: Letterhead) -> bytes:
    """Return the PNG that is printed; b"" where there is none."""
    if letterhead.logo is None:
        return b""
    with blob_open(letterhead.logo) as content:
        return content.read()
