"""One request after another: run its operation, answer with a value or with what went wrong."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from imaging.engine.channel import Channel
from imaging.engine.limits import allow_cpu_seconds
from imaging.engine.protocol import Message, ProtocolError
from imaging.types import InferenceError, Refused

Progress = Callable[[str, int, int], None]
Op = Callable[[Mapping[str, Any], Progress], dict[str, Any]]
Ops = Mapping[str, Op]

# how torch, onnxruntime and OpenCV say that an allocation failed
_MEMORY_WORDS = ("can't allocate memory", "out of memory", "bad allocation", "insufficient memory")


def serve(channel: Channel, ops: Ops, *, mode: str) -> None:
    """Answer requests until the parent hangs up."""
    for request in channel.requests():
        if mode == "decode":
            allow_cpu_seconds(float(request["timeout_s"]))
        channel.note(f"{mode} [{request['asked_by']}] {request['op']}")
        ends = {"id": request["id"], "asked_by": request["asked_by"]}
        reply = _answer(channel, request, ops, mode)
        try:
            channel.send({**reply, **ends})
        except ProtocolError as error:
            channel.send({**_failure(error, mode), **ends})


def _answer(channel: Channel, request: Message, ops: Ops, mode: str) -> Message:
    def progress(stage: str, done: int, total: int) -> None:
        channel.send(
            {"type": "progress", "id": request["id"], "stage": stage, "done": done, "total": total}
        )

    try:
        value = ops[request["op"]](request["args"], progress)
        return {"type": "answer", "value": value}
    except Exception as error:
        return _failure(error, mode)


def _failure(error: Exception, mode: str) -> Message:
    if isinstance(error, Refused):
        return _error("refused", code=error.code, sentence=error.sentence)
    if isinstance(error, InferenceError):
        return _error("inference", sentence=str(error))
    if _is_memory(error):
        return _error("memory")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return _error("space")
    return _error("unexpected", trace=_trace(error, mode))


def _error(kind: str, **more: str) -> Message:
    return {"type": "error", "kind": kind, **more}


def _is_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    return any(word in str(error).lower() for word in _MEMORY_WORDS)


def _trace(error: Exception, mode: str) -> str:
    """Frames and kind of error; a decoder's message is left out, since it may quote the file."""
    frames = traceback.format_tb(error.__traceback__, limit=-12)
    frames = [line.split("\n", 1)[0] for line in frames]
    message = "" if mode == "decode" else f": {error}"[:2000]
    return "\n".join([*frames, f"{type(error).__name__}{message}"])
