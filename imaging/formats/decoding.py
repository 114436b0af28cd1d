"""The line behind which other people's decoders run: whatever they raise becomes a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from imaging.types import Refused


@contextmanager
def decoding(code: str, noun: str) -> Iterator[None]:
    """Turn any error of a decoder but lack of memory into Refused(`code`-damaged).

    Decoders meet hostile bytes here and raise what they like; a defect of our own code outside
    this line stays an error.
    """
    try:
        yield
    except (Refused, MemoryError):
        raise
    except Exception as error:
        raise Refused(
            f"{code}-damaged",
            f"This file is damaged: its {noun} picture cannot be decoded. "
            "Send it again, or export it again.",
        ) from error
