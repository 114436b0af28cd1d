"""Ties a process to the life of its parent, by the kernel: what is left alone ends by itself."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int, number: int = signal.SIGTERM) -> None:
    """Let the kernel send `number` to this process when `parent` dies, even of SIGKILL.

    Called in the child. It follows the thread that started the child, so only a
    thread that lives as long as its process may start one.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before we asked
        os._exit(0)


def forks_end_with_us() -> None:
    """Let every process that this one forks from now on, and theirs, die with its parent."""
    parent = os.getpid()

    def remember() -> None:
        nonlocal parent
        parent = os.getpid()

    os.register_at_fork(before=remember, after_in_child=lambda: end_with(parent, signal.SIGKILL))
