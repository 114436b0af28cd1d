"""The child's end of the line: its real stdin and stdout, out of reach of chatty libraries."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from imaging.engine.protocol import LINE_LIMIT, Message, ProtocolError, decode, encode


class Channel:
    def __init__(self, requests: BinaryIO, answers: BinaryIO) -> None:
        self._requests = requests
        self._answers = answers

    @classmethod
    def claim(cls) -> Channel:
        """Take fds 0 and 1 for the protocol; what prints from now on goes to stderr."""
        requests, answers = os.dup(0), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.dup2(2, 1)
        return cls(os.fdopen(requests, "rb"), os.fdopen(answers, "wb", buffering=0))

    def requests(self) -> Iterator[Message]:
        """Yield requests until the parent hangs up."""
        while line := self._requests.readline(LINE_LIMIT + 1):
            if not line.endswith(b"\n"):
                raise ProtocolError("a request is cut or too long")
            yield decode(line)

    def note(self, line: str) -> None:
        """Say on stderr what is being done; the parent logs it when this process dies of it."""
        os.write(2, f"engine: {line}\n".encode())

    def send(self, message: Mapping[str, Any]) -> None:
        line = memoryview(encode(message))
        while line:
            line = line[self._answers.write(line) or 0 :]
