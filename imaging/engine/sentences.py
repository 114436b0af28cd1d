"""What a person reads when a child gives no answer, by the child's mode."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from imaging.engine.errors import EngineDied, EngineFailed, EngineTimeout
from imaging.types import InferenceError, Refused

logger = logging.getLogger(__name__)

DEATH = {
    "decode": "The file could not be read: the reading process stopped (too large or damaged).",
    "infer": EngineDied.sentence,
    "convert": "The model could not be read: the reading process stopped (too large or damaged).",
}
TIMEOUT = {
    "decode": "The file took too long to read. Send it uncompressed, or a smaller one.",
    "infer": EngineTimeout.sentence,
    "convert": "The model took too long to convert and was stopped. Send ONNX, or a smaller one.",
}
_SHORTAGE = {
    "memory": {
        "decode": "The file needs more memory to open than is allowed. Send a smaller image.",
        "infer": "There was not enough memory for this analysis. "
        "Choose fewer or smaller models, or a smaller image.",
        "convert": "The model needs more memory than is allowed. Send a smaller one.",
    },
    "space": {
        "decode": "The image is larger than may be stored. Send a smaller image.",
        "infer": "There is no room left for the result. Ask the administrator to free some.",
        "convert": "There is no room left for the model. Ask the administrator to free some.",
    },
}
_NOTE = re.compile(r"engine: (decode|infer) \[[0-9a-f-]{1,32}\] [a-z_]{1,40}")
_DAMAGED = "The file could not be read; it may be damaged. Export it anew and send that."


def error_of(message: Mapping[str, Any], mode: str) -> Exception:
    """The exception that an error line stands for; an unforeseen one is logged."""
    kind, sentence = str(message.get("kind")), str(message.get("sentence"))[:500]
    if kind == "refused":
        return Refused(str(message.get("code"))[:64], sentence)
    if kind == "inference":
        return InferenceError(sentence)
    if kind in _SHORTAGE:
        words = _SHORTAGE[kind][mode]
        return Refused(f"no-{kind}", words) if mode == "decode" else InferenceError(words)
    logger.error("%s engine failed:\n%s", mode, str(message.get("trace"))[:8000])
    return Refused("unreadable", _DAMAGED) if mode == "decode" else EngineFailed()


def safe_words(tail: str) -> str:
    """The lines of a decoder's stderr that cannot quote the file it was reading."""
    safe = ("Fatal Python error", '  File "', "Current thread", "MemoryError")
    lines = tail.splitlines()
    return "\n".join(line for line in lines if line.startswith(safe) or _NOTE.fullmatch(line))
