"""An operator's own list of stolen passwords, searched where it lies, without a network.

The format is that of Pwned Passwords "ordered by hash": one line per password,
its SHA-1 in hexadecimal, a colon, a count. No line of it is shipped with this
project: the list is 40 GB, and newer each month than we could be.
"""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path

DIGITS = 40  # of a SHA-1


def is_breached(password: str, path: Path) -> bool:
    """Say whether `password` is in the sorted list at `path`, by about 30 looks at it."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with path.open("rb") as file:
        if not path.stat().st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
            return _found(lines, wanted)


def _found(lines: mmap.mmap, wanted: bytes) -> bool:
    low, high = 0, len(lines)  # the line that begins first at or after low, and before high
    while low < high:
        middle = lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
        end = lines.find(b"\n", middle)
        digest = lines[middle : middle + DIGITS].upper()
        if digest == wanted:
            return True
        if digest < wanted:
            low = len(lines) if end < 0 else end + 1
        else:
            high = middle
    return False
