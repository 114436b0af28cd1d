"""PURE: who may send by DIMSE: a file of AE titles, each with its house, department, addresses."""

from __future__ import annotations

import ipaddress
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEYS = frozenset({"ae_title", "organisation", "department", "addresses"})
MOST_AE = 16  # characters (DICOM PS3.5, AE)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class WrongPeers(ValueError):
    """The file cannot be used; `str(error)` names the entry and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One AE title; `networks`: where it may come from, empty is from anywhere."""

    ae_title: str
    organisation: uuid.UUID
    department: uuid.UUID | None
    networks: tuple[Network, ...] = ()

    def comes_from(self, address: str) -> bool:
        return not self.networks or any(
            ipaddress.ip_address(address) in network for network in self.networks
        )


def read_peers(path: Path) -> dict[str, Peer]:
    """Return by AE title who may send. Raises: WrongPeers."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongPeers(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise WrongPeers(f"{path} is no JSON: {error}.") from None
    if not isinstance(rows, list) or not rows:
        raise WrongPeers(f"{path} must hold a list with at least one entry.")
    peers = [_peer(row, f"Entry {number} of {path}") for number, row in enumerate(rows, start=1)]
    found = {peer.ae_title: peer for peer in peers}
    if len(found) < len(peers):
        raise WrongPeers(f"{path} names an AE title twice.")
    return found


def may_connect(peers: Mapping[str, Peer], address: str) -> bool:
    """Whether any of `peers` may come from `address`: asked before a byte is read."""
    return any(peer.comes_from(address) for peer in peers.values())


def _peer(row: Any, where: str) -> Peer:
    if not isinstance(row, dict) or not {"ae_title", "organisation"} <= row.keys():
        raise WrongPeers(f"{where} must be an object with ae_title and organisation.")
    if unknown := sorted(row.keys() - KEYS):
        raise WrongPeers(f"{where} has a key that is not known: {unknown[0]}.")
    return Peer(
        _ae_title(row["ae_title"], where),
        _uuid(row["organisation"], f"{where}: organisation"),
        _uuid(row["department"], f"{where}: department") if row.get("department") else None,
        _networks(row.get("addresses", []), where),
    )


def _ae_title(text: Any, where: str) -> str:
    title = text.strip() if isinstance(text, str) else ""
    if not 0 < len(title) <= MOST_AE or not title.isascii() or not title.isprintable():
        raise WrongPeers(f"{where}: ae_title must have 1 to {MOST_AE} plain characters.")
    if "\\" in title:
        raise WrongPeers(f"{where}: ae_title must hold no backslash.")
    return title


def _uuid(text: Any, where: str) -> uuid.UUID:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        raise WrongPeers(f"{where} must be an id, as the API tells it.") from None


def _networks(texts: Any, where: str) -> tuple[Network, ...]:
    if not isinstance(texts, Sequence) or isinstance(texts, str):
        raise WrongPeers(f"{where}: addresses must be a list.")
    try:
        return tuple(ipaddress.ip_network(str(text), strict=False) for text in texts)
    except ValueError as error:
        raise WrongPeers(f"{where}: {error}.") from None
