"""The one rounding of every stored number, and what pages count of it; no heavy library here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Any, overload

DECIMALS = 6
_LARGE = 1e15  # from here on a float has no decimals


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


def half_up(value: float, digits: int = 2) -> str:
    """Return a number as people read it, rounded half up: 0.825 is 0.83 (MEASURES)."""
    value = float(value)
    if abs(value) >= _LARGE:
        return f"{value:.{digits}f}"
    return str(Decimal(repr(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def mask_px(row: Mapping[str, Any]) -> int:
    """Return |M|, the pixels or voxels whose volume stands beside it: the denominator's and others.

    `area_px` of a ROW is |M ∩ R| alone, the numerator of the share (MEASURES §5).
    """
    return int(row["area_px"] + row["outside_px"])
