"""PURE: the pictures of a result as arrays: original, heat, mask, outline, disagreement."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imaging.palettes import SPREAD_FROM, SPREAD_FULL, heat_alpha, palette

LONGEST_SIDE = 1536
OUTLINE = (255, 214, 64)
LAYERS = ("original", "heat", "mask", "outline", "disagreement")

Grey = NDArray[np.uint8]
_EVERY_LEVEL = np.arange(256, dtype=np.uint8)


def step_for(shape: tuple[int, int]) -> int:
    """Return by which whole number a picture (Y, X) is thinned to fit LONGEST_SIDE."""
    return max(1, math.ceil(max(shape) / LONGEST_SIDE))


def shrink(picture: Grey, step: int) -> Grey:
    """Return the means of step × step blocks; what is left over at the far edges is cut."""
    if step == 1:
        return picture
    rows, columns = (side // step * step for side in picture.shape)
    blocks = picture[:rows, :columns].reshape(rows // step, step, columns // step, step)
    return np.floor(blocks.mean(axis=(1, 3)) + 0.5).astype(np.uint8)


def thin(levels: Grey, step: int) -> Grey:
    """Return every step-th pixel: a map keeps its integers."""
    rows, columns = (side // step * step for side in levels.shape)
    return levels[:rows:step, :columns:step]


def within(size: tuple[int, int], longest: int = LONGEST_SIDE) -> tuple[int, int]:
    """Return (rows, columns) in the same proportion, no side above `longest`."""
    share = min(1.0, longest / max(size))
    return max(1, round(size[0] * share)), max(1, round(size[1] * share))


def squared(picture: Grey, size: tuple[int, int] | None, *, smooth: bool = False) -> Grey:
    """Return a picture (Y, X) at `size`: the nearest pixels, so that a map keeps its integers.

    `smooth` reads a grey picture linearly between pixel centres. None: as it is.
    """
    if size is None or size == picture.shape:
        return picture
    for axis, (have, want) in enumerate(zip(picture.shape, size, strict=True)):
        at = np.clip((np.arange(want) + 0.5) * have / want - 0.5, 0, have - 1)
        if not smooth:
            picture = picture.take(np.floor(at + 0.5).astype(int), axis)
            continue
        low = np.floor(at).astype(int)
        part = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
        high = picture.take(np.minimum(low + 1, have - 1), axis)
        mixed = picture.take(low, axis) * (1 - part) + high * part
        picture = np.floor(mixed + 0.5).astype(np.uint8)
    return picture


def heat_layer(levels: Grey, *, name: str, opacity: float) -> Grey:
    """Return the colours of a probability map (Y, X) as RGBA."""
    return _table(name, heat_alpha(_EVERY_LEVEL, opacity=opacity))[levels]


def disagreement_layer(spread: Grey, *, name: str, opacity: float) -> Grey:
    """Return the colours of a disagreement map (Y, X) as RGBA; red-green is left to the heat."""
    alpha = heat_alpha(_EVERY_LEVEL, opacity=opacity, start=SPREAD_FROM, full=SPREAD_FULL)
    return _table("magma" if name == "redgreen" else name, alpha)[spread]


def mask_layer(levels: Grey, level: int) -> NDArray[np.bool_]:
    """Return where the map reaches `level`: the binary mask."""
    return levels >= level


def outline_layer(levels: Grey, level: int, width: int = 1) -> Grey:
    """Return the inner border of the mask, `width` pixels wide, as RGBA."""
    mask = mask_layer(levels, level)
    inner = mask
    for _ in range(width):
        inner = _eroded(inner)
    edge = mask & ~inner
    layer = np.zeros((*mask.shape, 4), np.uint8)
    layer[edge] = (*OUTLINE, 255)
    return layer


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    framed = np.pad(mask, 1)
    return (
        framed[1:-1, 1:-1] & framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2]
        & framed[1:-1, 2:]
    )  # fmt: skip


def _table(name: str, alpha: NDArray[np.float32]) -> Grey:
    """Return the RGBA of every level, (256, 4): a picture is one look-up, no copy in floats."""
    return np.column_stack([palette(name), np.floor(alpha * 255 + 0.5).astype(np.uint8)])
