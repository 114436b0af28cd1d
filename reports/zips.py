"""A ZIP made while it is sent: members come one by one, none is compressed twice."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator

EPOCH = (1980, 1, 1, 0, 0, 0)  # the same for every member: the names tell no day


def zip_chunks(members: Iterable[tuple[str, int, Iterable[bytes]]]) -> Iterator[bytes]:
    """Yield a ZIP of (name, size, pieces); no more than one piece of one member is ever held."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, size, pieces in members:
            info = zipfile.ZipInfo(name, date_time=EPOCH)
            info.file_size = size  # beyond 4 GiB the member is of the larger kind
            with archive.open(info, "w") as member:
                for piece in pieces:
                    member.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def unzipped(content: bytes, folder: str) -> Iterator[tuple[str, int, Iterable[bytes]]]:
    """Yield the members of a small ZIP of ours, as `zip_chunks` takes them, below `folder`."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for info in archive.infolist():
            yield f"{folder}{info.filename}", info.file_size, [archive.read(info)]


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
