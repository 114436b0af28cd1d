"""Where a classifier looked: Grad-CAM where there are gradients, else occlusion. Never measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from time import perf_counter

import numpy as np

from imaging.inference.grids import FloatArray, resize_map
from imaging.inference.members import Watch
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.preprocess import prepare
from imaging.inference.scoring import AT_ONCE, class_probabilities, fed
from imaging.types import Volume

BUDGET_S = 2.0  # for all the patches of one member on one image
# (a patch is this part of a side, so many begin on its length), by axes of the network, from the
# finest to the coarsest, whose four or eight passes are made whatever they take
LADDERS = {
    2: ((8, 2), (8, 1), (4, 2), (4, 1), (2, 2), (2, 1)),
    3: ((4, 2), (4, 1), (2, 2), (2, 1)),
}
Looked = dict[str, FloatArray]
Place = tuple[slice, ...]


def looked_at(
    volume: Volume, metadata: ModelMetadata, predict: Watch, spare: object, labels: Sequence[str]
) -> Looked:
    """Return a map (Z, Y, X) in 0..1 for each of `labels` (label_key) that the model knows.

    Each map is divided by its own maximum. A label whose map is zero everywhere is left out:
    the model points at no place. Source: MEASURES §10.
    """
    channels = {
        label_key(name): channel
        for channel, name in enumerate(metadata.channel_labels)
        if label_key(name) in labels
    }
    if not channels:
        return {}
    prepared = prepare(volume, metadata)
    budget_s = BUDGET_S / len(prepared.batch)
    grids = [_on_grid(item[None], metadata, predict, list(channels.values()), spare, budget_s)
             for item in prepared.batch]  # fmt: skip
    found = {}
    for number, key in enumerate(channels):
        content = prepared.unpadded(np.stack([grid[number] for grid in grids]))
        on_image = prepared.to_image_grid(content)
        highest = float(on_image.max())
        if highest > 0:
            found[key] = np.clip(on_image / np.float32(highest), 0, 1)
    return found


def _on_grid(
    item: FloatArray,
    metadata: ModelMetadata,
    predict: Watch,
    channels: list[int],
    spare: object,
    budget_s: float,
) -> list[FloatArray]:
    """Return one map per channel for one item (1, C, *grid), on the network's grid."""
    if maps := predict.gradcam(fed(item, metadata), channels):
        return [resize_map(one, item.shape[2:]) for one in maps]
    at_once = 1 if spare else AT_ONCE
    return occlusion(item, metadata, predict, channels, at_once=at_once, budget_s=budget_s)


def occlusion(
    item: FloatArray,
    metadata: ModelMetadata,
    predict: Watch,
    channels: Sequence[int],
    *,
    at_once: int = AT_ONCE,
    budget_s: float = BUDGET_S,
) -> list[FloatArray]:
    """Return by how much p falls where a grey patch hides the picture, mean over the patches.

    Patches are an eighth of a side (of volumes a quarter), half of it apart, filled with the
    item's mean; a rise counts as zero. Where the picture's own pass says that this would take
    longer than `budget_s`, or the first patches do, they are coarser. Source: Zeiler, Fergus 2014.
    """
    started = perf_counter()
    whole = class_probabilities(item, metadata, predict)[0]
    a_pass = perf_counter() - started

    def falls_of(some: Sequence[Place]) -> FloatArray:
        p = class_probabilities(_hidden(item, some), metadata, predict, at_once=at_once)
        return np.maximum(whole - p, 0.0)[:, list(channels)]

    grid, ends = item.shape[2:], started + budget_s
    maps = None
    while maps is None:
        places = patches_within(grid, most=(ends - perf_counter()) / a_pass)
        maps, a_pass = _maps(grid, places, falls_of, at_once, ends)
    return maps


def _maps(
    grid: Sequence[int],
    places: Sequence[Place],
    falls_of: Callable[[Sequence[Place]], FloatArray],
    at_once: int,
    ends: float,
) -> tuple[list[FloatArray] | None, float]:
    """Return one map per channel, None where coarser patches would end in time; and a pass's s."""
    fall: FloatArray | None = None
    covered = np.zeros(grid, dtype=np.float32)
    begun = perf_counter()
    for start in range(0, len(places), at_once):
        some = places[start : start + at_once]
        falls = falls_of(some)
        if fall is None:
            fall = np.zeros((falls.shape[1], *grid), dtype=np.float32)
        for place, row in zip(some, falls, strict=True):
            covered[place] += 1
            fall[(slice(None), *place)] += row.reshape(-1, *[1] * len(grid))
        now, done = perf_counter(), start + len(some)
        a_pass = (now - begun) / done
        is_late = now + (len(places) - done) * a_pass > ends
        if is_late and len(places) > len(patches_within(grid, most=0)):
            return None, a_pass
    assert fall is not None  # there is a patch at least
    return list(fall / covered), a_pass


def _hidden(item: FloatArray, places: Sequence[Place]) -> FloatArray:
    """Return a copy of the item for each place, grey there."""
    hidden = np.repeat(item, len(places), axis=0)
    for number, place in enumerate(places):
        hidden[number][(slice(None), *place)] = np.float32(item.mean())
    return hidden


def patches_within(grid: Sequence[int], most: float) -> list[Place]:
    """Return the finest patches that are at most `most`; the coarsest where none are so few."""
    for part, overlap in LADDERS[len(grid)]:
        places = list(_patches(grid, part, overlap))
        if len(places) <= most:
            break
    return places


def _patches(grid: Sequence[int], part: int, overlap: int) -> Iterator[Place]:
    """Yield patches that cover the grid, each a `part` of its sides; the last flush with the edge.

    `overlap` 2: half a patch apart; 1: side by side.
    """
    sides = [max(1, side // part) for side in grid]
    starts = [
        sorted({*range(0, max(n - side, 0) + 1, max(1, side // overlap)), max(n - side, 0)})
        for n, side in zip(grid, sides, strict=True)
    ]
    for corner in product(*starts):
        yield tuple(slice(at, at + side) for at, side in zip(corner, sides, strict=True))
