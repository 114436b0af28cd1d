"""What GDCM's JPEG library says of a damaged picture, which it then returns all the same.

It writes to the process's standard error and nowhere else, so that this is where it is heard.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from imaging.types import Refused

# libjpeg's words for coded data that ends early or is none; stray bytes are harmless
_DAMAGE = (b"premature end of data segment", b"bad Huffman code")
_STDERR = 2


@contextmanager
def refuse_complaints() -> Iterator[None]:
    """Raise Refused if the decoder inside complains of damage, even where it goes on."""
    heard = os.memfd_create("complaints")
    kept = os.dup(_STDERR)
    os.dup2(heard, _STDERR)
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        said = os.pread(heard, 1 << 20, 0)
        os.close(heard)
    if any(words in said for words in _DAMAGE):
        raise Refused(
            "dicom-pixels-damaged",
            "This file is damaged: its compressed picture has gaps. "
            "Send it again, or export it again.",
        )
