"""PURE: what a sealed backup holds: files in a tar, then a list that vouches for each."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from accounts.vault.cipher import DamagedBlob

LIST = "manifest.json"
PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup: its place, its bytes, their SHA-256."""

    name: str
    size: int
    sha256: str


class Archive:
    """Writes files one behind another; `finish` adds the list."""

    def __init__(self, sealing: BinaryIO) -> None:
        self._tar = tarfile.open(fileobj=sealing, mode="w|", bufsize=PIECE_BYTES)  # noqa: SIM115
        self.members: list[Member] = []

    def add(self, name: str, path: Path) -> bool:
        """Take the file up as `name`; False when it is gone. Its length is that of this moment."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            self._take(name, _Hashed(file), _size(file))
        return True

    def finish(self, facts: dict[str, Any]) -> None:
        said = facts | {"members": [asdict(one) for one in self.members]}
        text = json.dumps(said, sort_keys=True).encode()
        self._take(LIST, _Hashed(io.BytesIO(text)), len(text))
        self._tar.close()

    def _take(self, name: str, hashed: _Hashed, size: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = size
        self._tar.addfile(entry, hashed)  # type: ignore[arg-type]  # it reads, and no more
        self.members.append(Member(name, size, hashed.sha256))


def archive_read(opened: BinaryIO, keep: Callable[[str, Iterator[bytes]], None]) -> dict[str, Any]:
    """Hand each file to `keep`, compare all with the list, return the list.

    `keep` takes a name and the pieces, and must take them all. Raises DamagedBlob
    where a file is missing, is another, or is too much.
    """
    seen, facts = {}, None
    with tarfile.open(fileobj=opened, mode="r|", bufsize=PIECE_BYTES) as tar:
        for entry in tar:
            if not entry.isfile() or not is_inside(entry.name):
                raise DamagedBlob(f"{entry.name!r} has no place in a backup")
            file = _Hashed(tar.extractfile(entry))
            if entry.name == LIST:
                facts = json.loads(file.read(-1))
                continue
            keep(entry.name, _pieces(file))
            seen[entry.name] = Member(entry.name, entry.size, file.sha256)
    if facts is None:
        raise DamagedBlob("the list of files is missing")
    listed = {one["name"]: Member(**one) for one in facts["members"]}
    if listed != seen:
        odd = sorted(
            name for name in listed.keys() | seen.keys() if listed.get(name) != seen.get(name)
        )
        raise DamagedBlob(f"{len(odd)} files differ from the list, the first is {odd[0]}")
    return facts


def is_inside(name: str) -> bool:
    """Whether a name is a plain way down."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts


def files_below(folder: Path) -> Iterable[Path]:
    """Every file below `folder`, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


class _Hashed:
    """A file that is read once, and the SHA-256 of what was read."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size) if self._file else b""
        self._hash.update(data)
        return data

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


def _pieces(file: _Hashed) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece


def _size(file: BinaryIO) -> int:
    file.seek(0, io.SEEK_END)
    size = file.tell()
    file.seek(0)
    return size
