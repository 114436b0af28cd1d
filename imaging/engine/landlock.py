"""Landlock: from here on this process opens what it was given, and nothing else on this machine.

Linux 5.13 and newer; by system calls, since the C library has no words for it.
Source: the kernel's userspace-api/landlock documentation.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR, _TRUNCATE, _REFER = 1 << 2, 1 << 3, 1 << 14, 1 << 13
_FIRST_RIGHTS = (1 << 13) - 1  # of version 1: execute, read, write, make and remove
_OF_A_FILE = 1 << 0 | 1 << 1 | _READ_FILE | _TRUNCATE
_EXECUTE = 1 << 0
_NO_TCP, _SCOPES = 0b11, 0b11  # bind and connect; abstract sockets and signals


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("files", "network", "scoped")]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """What the kernel speaks; 0 where it has no Landlock or it is switched off."""
    return max(0, _call(_CREATE, None, 0, _VERSION_FLAG))


def confine_files(*, read: Iterable[Path], write: Iterable[Path]) -> int:
    """Leave this process reading below `read` and writing below `write`; nothing runs a program.

    Returns the version in force, 0 when the kernel knows none. Threads that were started before
    keep their rights, so it is called before any. What does not exist is left out.
    Raises: OSError when a kernel that knows Landlock refuses the rules.
    """
    known = version()
    if not known:
        return 0
    handled = _FIRST_RIGHTS | (_REFER if known >= 2 else 0) | (_TRUNCATE if known >= 3 else 0)
    rules = _Ruleset(handled, _NO_TCP if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = _checked(_call(_CREATE, ctypes.byref(rules), size, 0))
    try:
        for path in read:
            _allow(ruleset, path, _READ_FILE | _READ_DIR)
        for path in write:
            _allow(ruleset, path, handled & ~_EXECUTE)
        _checked(_call(_RESTRICT, ruleset, 0))
    finally:
        os.close(ruleset)
    return known


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _OF_A_FILE
        rule = _Beneath(rights, handle)
        _checked(_call(_ADD, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0))
    finally:
        os.close(handle)


def _checked(answer: int) -> int:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "the kernel refused a Landlock rule")
    return answer


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc.syscall(ctypes.c_long(number), *map(_word, arguments))


def _word(argument: object) -> object:
    return ctypes.c_long(argument) if isinstance(argument, int) else argument
