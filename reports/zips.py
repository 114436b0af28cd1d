"""A ZIP made while it is sent: members come one by one, none is compressed twice."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator


def zip_chunks(members: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """Yield a ZIP of (name, content) pairs; at no time is more than one member held."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)
            yield sink.take()
    yield sink.take()


class _Sink:
    """A file that can only be written, whose bytes are taken away in between."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken
