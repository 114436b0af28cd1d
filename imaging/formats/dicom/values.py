"""Single values of a DICOM header, read so that nonsense in the file becomes "not there"."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

MAX_TEXT = 1024


def value(dataset: Dataset, keyword: str) -> Any:
    """Return the converted value, or None where it is absent or cannot be converted."""
    try:
        return dataset.get(keyword)
    except MemoryError:
        raise
    except Exception:
        # whatever a hostile value makes of the converter, it is not a value
        return None


def text(dataset: Dataset, keyword: str) -> str:
    """Return the value as one line without control characters; "" where there is none."""
    found = value(dataset, keyword)
    if found is None or isinstance(found, bytes | Dataset):
        return ""
    parts = found if isinstance(found, MultiValue | list) else [found]
    joined = "\\".join(str(part) for part in parts)[: 4 * MAX_TEXT]
    visible = "".join(
        c for c in joined if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    return visible.strip()[:MAX_TEXT]


def uid(dataset: Dataset, keyword: str) -> str:
    """Return a well-formed UID, or ""."""
    found = text(dataset, keyword)
    return found if len(found) <= 64 and all(c in "0123456789." for c in found) else ""


def integer(dataset: Dataset, keyword: str) -> int | None:
    found = value(dataset, keyword)
    if isinstance(found, MultiValue | list):
        found = found[0] if found else None
    try:
        return None if found is None or isinstance(found, bytes) else int(found)
    except (ValueError, TypeError, OverflowError):
        return None


def numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """Return the first `count` finite numbers, or None if there are fewer."""
    found = value(dataset, keyword)
    if found is None or isinstance(found, str | bytes):
        return None
    parts = found if isinstance(found, Sequence) else [found]
    try:
        first = tuple(float(part) for part in parts[:count])
    except (ValueError, TypeError, OverflowError):
        return None
    return first if len(first) == count and all(map(math.isfinite, first)) else None


def number(dataset: Dataset, keyword: str) -> float | None:
    found = numbers(dataset, keyword, 1)
    return None if found is None else found[0]


def items(dataset: Dataset, keyword: str) -> Sequence[Dataset]:
    """Return the items of a sequence; none where it is absent or something else."""
    found = value(dataset, keyword)
    if isinstance(found, Sequence) and not isinstance(found, str | bytes) and len(found):
        return found if isinstance(found[0], Dataset) else ()
    return ()


def first_item(dataset: Dataset, keyword: str) -> Dataset | None:
    """Return the first item of a sequence, or None."""
    found = items(dataset, keyword)
    return found[0] if found else None
