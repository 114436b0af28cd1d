"""The parent's end of the line: lines in and out of a child before a deadline."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections import deque
from collections.abc import Callable

from imaging.engine.protocol import LINE_LIMIT

_TAIL_BYTES = 8192
_READ_BYTES = 1 << 16
_WAIT_S = 1.0


class DeadlinePassed(Exception):
    """The child did not answer in time."""


class HungUp(Exception):
    """The child closed its end, or sent a line without end."""


class Pipe:
    """stdin, stdout and stderr of one child, none of which can block the parent.

    stderr is kept as a tail of a few KiB, so that a talkative child fills no memory.
    """

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process
        self._lines: deque[bytes] = deque()
        self._partial = bytearray()
        self._tail = bytearray()
        self._next_wait = 0.0
        self._selector = selectors.DefaultSelector()
        for stream, action in ((process.stdout, self._take), (process.stderr, self._note)):
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, action)
        os.set_blocking(process.stdin.fileno(), False)

    @property
    def tail(self) -> str:
        """The last words of stderr."""
        return self._tail.decode("utf-8", "replace")

    def send(self, line: bytes, deadline: float) -> None:
        """Write one line; the child's own output is read meanwhile."""
        rest = memoryview(line)
        stdin = self._process.stdin

        def push() -> None:
            nonlocal rest
            rest = rest[os.write(stdin.fileno(), rest) :]

        self._selector.register(stdin, selectors.EVENT_WRITE, push)
        try:
            while rest:
                self._turn(deadline, None)
        except BrokenPipeError as error:
            raise HungUp from error
        finally:
            self._selector.unregister(stdin)

    def receive(self, deadline: float, on_wait: Callable[[], None] | None = None) -> bytes:
        """Return the next line; `on_wait` is called about every second until it comes.

        Raises: DeadlinePassed, HungUp, and whatever `on_wait` raises.
        """
        self._next_wait = time.monotonic() + _WAIT_S
        while not self._lines:
            self._turn(deadline, on_wait)
        return self._lines.popleft()

    def drain(self) -> None:
        """Read what a dead child left in stderr."""
        try:
            while chunk := os.read(self._process.stderr.fileno(), _READ_BYTES):
                self._keep_tail(chunk)
        except BlockingIOError:  # something it started still holds the other end
            return

    def close(self) -> None:
        self._selector.close()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            stream.close()

    def _turn(self, deadline: float, on_wait: Callable[[], None] | None) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise DeadlinePassed
        for key, _ in self._selector.select(min(left, _WAIT_S)):
            key.data()
        if on_wait and time.monotonic() >= self._next_wait:
            self._next_wait = time.monotonic() + _WAIT_S
            on_wait()

    def _take(self) -> None:
        chunk = os.read(self._process.stdout.fileno(), _READ_BYTES)
        if not chunk:
            raise HungUp
        self._partial += chunk
        *lines, rest = self._partial.split(b"\n")
        self._lines.extend(bytes(line) for line in lines)
        self._partial = rest
        if len(self._partial) > LINE_LIMIT:
            raise HungUp

    def _note(self) -> None:
        chunk = os.read(self._process.stderr.fileno(), _READ_BYTES)
        if not chunk:
            self._selector.unregister(self._process.stderr)
        self._keep_tail(chunk)

    def _keep_tail(self, chunk: bytes) -> None:
        self._tail += chunk
        del self._tail[:-_TAIL_BYTES]
