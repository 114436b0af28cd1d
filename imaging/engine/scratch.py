"""Private folders in memory for the arrays that travel between a worker and its engine.

Each process has a yard, locked while it lives; what it leaves behind is swept.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "mediscan-scratch-"
# memory, not disk; each folder made in it is private
_TMPFS = Path("/dev/shm")  # nosec B108
_LOCK = ".lock"


_yards: dict[tuple[int, str], Path] = {}


@contextlib.contextmanager
def scratch_folder(*, room_bytes: int = 256 << 20) -> Iterator[Path]:
    """Give a folder that only this user can read, removed on every way out.

    It lies in memory where there is room for `room_bytes`, else in the folder for temporary
    files; each time in this process's yard, which is all that its engine children may enter.
    """
    folder = Path(tempfile.mkdtemp(dir=_yard(_base(room_bytes))))
    owner = os.getpid()
    try:
        yield folder
    finally:
        if os.getpid() == owner:  # not a fork that merely forgets its parent's folder
            with contextlib.suppress(FileNotFoundError):  # at the end its yard may go first
                shutil.rmtree(folder)


def yards() -> tuple[Path, ...]:
    """This process's own folders, one in memory and one for what is larger."""
    return tuple(_yard(base) for base in dict.fromkeys((_base(0), tempfile.gettempdir())))


def yard_of(folder: Path) -> Path:
    """The yard that `folder` lies in, or `folder` itself."""
    return folder.parent if folder.parent.name.startswith(PREFIX) else folder


def _yard(base: str) -> Path:
    """This process's folder in `base`, locked while it lives: a sweep removes what is not."""
    place = (os.getpid(), base)
    if place not in _yards or not _yards[place].exists():
        made = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}", dir=base))
        _lock(made)
        # renamed when it is locked, so that a sweep never sees it open
        _yards[place] = made.rename(made.with_name(made.name.removeprefix("new-")))
        atexit.register(_leave, place)
    return _yards[place]


def _leave(place: tuple[int, str]) -> None:
    if place[0] == os.getpid() and place in _yards:
        shutil.rmtree(_yards.pop(place), ignore_errors=True)


def scratch_sweep() -> int:
    """Remove the folders whose owner is gone; return how many."""
    abandoned = [
        folder
        for base in {_TMPFS, Path(tempfile.gettempdir())}
        for folder in base.glob(f"{PREFIX}*")
        if _is_abandoned(folder)
    ]
    for folder in abandoned:
        shutil.rmtree(folder, ignore_errors=True)  # two sweeps may meet
    return len(abandoned)


def _base(room_bytes: int) -> str:
    # a container often gives /dev/shm no more than 64 MB
    if os.access(_TMPFS, os.W_OK) and shutil.disk_usage(_TMPFS).free >= room_bytes:
        return str(_TMPFS)
    return tempfile.gettempdir()


def _lock(folder: Path) -> int:
    handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _is_abandoned(folder: Path) -> bool:
    """Whether nobody holds the folder's lock; what has none is not ours."""
    try:
        if folder.stat().st_uid != os.getuid():
            return False
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
