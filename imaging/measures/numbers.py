"""The one rounding of every stored number, so that no page needs more digits than are true."""

from __future__ import annotations

from math import isfinite
from typing import overload

DECIMALS = 6


@overload
def rounded(value: float) -> float: ...
@overload
def rounded(value: None) -> None: ...
def rounded(value: float | None) -> float | None:
    """Return a plain float with six decimals, or None.

    Raises ValueError for NaN and infinity, which are never stored (MEASURES).
    """
    if value is None:
        return None
    if not isfinite(value):
        raise ValueError(f"A measure came out as {value}, which is not a number to store.")
    return round(float(value), DECIMALS)
