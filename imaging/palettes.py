"""The colours of a probability: one table of 256 for the server's pictures and the browser's."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PALETTES = ("redgreen", "cividis", "viridis", "magma")
DEFAULT_PALETTE = "redgreen"
HEAT_FROM, HEAT_FULL = 0.10, 0.24  # probability: below invisible, above at full opacity
SPREAD_FROM, SPREAD_FULL = 0.06, 0.18  # the same for disagreement, as a share of its scale
_TABLES = Path(__file__).resolve().parent.parent / "static" / "luts.json"  # served as it is


@cache
def palette(name: str = DEFAULT_PALETTE) -> NDArray[np.uint8]:
    """Return the table of `name`: uint8, shape (256, 3), red, green and blue by 255·p.

    Raises: ValueError for a name that is not in PALETTES.
    """
    if name not in PALETTES:
        raise ValueError(f"there is no palette “{name}”; choose {', '.join(PALETTES)}")
    packed = base64.b64decode(json.loads(_TABLES.read_text(encoding="ascii"))[name])
    return np.frombuffer(packed, dtype=np.uint8).reshape(256, 3)


def heat_alpha(
    levels: NDArray[np.uint8], *, opacity: float, start: float = HEAT_FROM, full: float = HEAT_FULL
) -> NDArray[np.float32]:
    """Return how much of the colour covers the picture: opacity × smoothstep(start, full, p).

    levels   uint8 map, p = levels / 255.
    opacity  0-1.
    """
    p = np.arange(256, dtype=np.float32) / 255
    t = np.clip((p - start) / (full - start), 0, 1)
    return (opacity * t * t * (3 - 2 * t)).astype(np.float32)[levels]


def heat_over(
    grey: NDArray[np.uint8],
    levels: NDArray[np.uint8],
    *,
    name: str = DEFAULT_PALETTE,
    opacity: float = 0.55,
    start: float = HEAT_FROM,
    full: float = HEAT_FULL,
) -> NDArray[np.uint8]:
    """Lay the colours of a uint8 map over an 8-bit picture of the same shape (Y, X).

    Returns: uint8, shape (Y, X, 3).
    Raises: ValueError when the shapes differ or the palette is unknown.
    """
    if grey.shape != levels.shape:
        raise ValueError(f"picture {grey.shape} and map {levels.shape} differ in shape")
    alpha = heat_alpha(levels, opacity=opacity, start=start, full=full)[..., None]
    colours = palette(name)[levels].astype(np.float32)
    mixed = grey[..., None] * (1 - alpha) + colours * alpha
    return np.floor(mixed + 0.5).astype(np.uint8)
