"""Large files on their way in pieces: after a break they go on where the server stands."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mediscan_client.errors import Refused
from mediscan_client.wire import Wire

MOST_FAULTS = 3  # pieces of one file that arrive broken, one after the other
Sent = Callable[[str, int, int], None]


def send_large(
    wire: Wire,
    uploads: str,
    paths: Iterable[str | os.PathLike[str]],
    fields: dict[str, Any],
    told: Sent | None,
) -> Any:
    """Announce the files, send what is not there yet, close; return the upload.

    Raises Refused, and ValueError for a file that became shorter meanwhile.
    """
    places = [Path(path) for path in paths]
    coming = [
        {"name": one.name, "size": one.stat().st_size, "sha256": _hash_of(one)} for one in places
    ]
    opened = wire.post(f"{uploads}open/", json=fields | {"files": coming})
    address = f"{uploads}{opened['id']}/"
    for place, state in zip(places, opened["files"], strict=True):
        _send(wire, f"{address}pieces/", place, state, opened["piece_bytes"], told)
    return wire.post(f"{address}close/")


def _send(
    wire: Wire, address: str, place: Path, state: dict[str, Any], most: int, told: Sent | None
) -> None:
    faults = 0
    with place.open("rb") as file:
        while state["status"] == "coming" and state["received"] < state["size"]:
            file.seek(state["received"])
            piece = file.read(most)
            if not piece:
                raise ValueError(f"{place} became shorter while it was sent: send it again")
            fields = {
                "item": state["item"],
                "offset": state["received"],
                "sha256": hashlib.sha256(piece).hexdigest(),
            }
            try:
                state, faults = wire.send_piece(address, fields, piece), 0
            except Refused as refused:
                faults += 1
                if refused.file is None or faults == MOST_FAULTS:
                    raise
                state = refused.file  # where the server really stands
            if told is not None:
                told(place.name, state["received"], state["size"])


def _hash_of(place: Path) -> str:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
