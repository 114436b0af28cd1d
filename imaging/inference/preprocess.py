"""Bring a picture to a network's grid, and its probability map exactly back."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from imaging.inference.grids import FloatArray, resize_image, resize_map
from imaging.inference.intensity import apply_intensity
from imaging.inference.metadata import ModelMetadata
from imaging.inference.model_files import titled
from imaging.inference.orientation import (
    Turn,
    resample_turned,
    turn_to,
    turned_resampled,
    voxel_sides,
)
from imaging.types import InferenceError, Volume

MIN_SLICES = 3
SAME_STEP = 1e-6  # of a voxel: over a thousand of them, a thousandth of one


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a picture of `size` lies on a network grid of `grid` pixels.

    content  size to which the picture is resized.
    offset   first grid pixel of the content; negative where it is cropped.
    """

    size: tuple[int, ...]
    content: tuple[int, ...]
    grid: tuple[int, ...]
    offset: tuple[int, ...]

    def resized(self, array: FloatArray) -> FloatArray:
        """Return what of the picture reaches the grid, resized and cropped, not yet padded."""
        return resize_image(array, self.content)[self._kept()]

    def padded(self, array: FloatArray) -> FloatArray:
        """Return (C, *content) on the whole grid, zeros around it."""
        sides = [
            (max(o, 0), g - max(o, 0) - n)
            for o, g, n in zip(self.offset, self.grid, array.shape[1:], strict=True)
        ]
        return np.pad(array, [(0, 0), *sides]) if any(map(any, sides)) else array

    def unpadded(self, array: FloatArray) -> FloatArray:
        """Return the part of a map on the grid that holds picture."""
        kept = [k.stop - k.start for k in self._kept()]
        starts = [max(o, 0) for o in self.offset]
        return array[tuple(slice(s, s + n) for s, n in zip(starts, kept, strict=True))]

    def back(self, array: FloatArray) -> FloatArray:
        """Return an unpadded map at the picture's own size; what was cropped away is 0."""
        if array.shape != self.content:
            whole = np.zeros(self.content, dtype=np.float32)
            whole[self._kept()] = array
            array = whole
        return resize_map(array, self.size)

    def _kept(self) -> tuple[slice, ...]:
        return tuple(
            slice(max(-o, 0), max(-o, 0) + min(c, g))
            for o, c, g in zip(self.offset, self.content, self.grid, strict=True)
        )


def fit(size: tuple[int, ...], grid: tuple[int, ...], how: str) -> Fit:
    """Return how a picture of `size` meets `grid`: stretch, letterbox or crop (MEASURES §2)."""
    if how == "stretch":
        return Fit(size, grid, grid, (0,) * len(grid))
    ratios = [g / n for g, n in zip(grid, size, strict=True)]
    scale = min(ratios) if how == "letterbox" else max(ratios)
    content = tuple(max(1, floor(n * scale + 0.5)) for n in size)
    offset = tuple(
        (g - c) // 2 if g >= c else -((c - g) // 2) for g, c in zip(grid, content, strict=True)
    )
    return Fit(size, content, grid, offset)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A picture on the network's grid and the way back.

    batch  float32 (B, C, *spatial): the slices for a network of two dimensions, else one volume.
           C is 1 where one grey channel is repeated.
    """

    batch: FloatArray
    shape: tuple[int, int, int]
    fit: Fit
    turn: Turn | None = None
    turned: tuple[int, ...] = ()
    steps: tuple[float, ...] | None = None

    def unpadded(self, maps: FloatArray) -> FloatArray:
        """Return maps (B, *grid) without the padding, still on the network's pixels."""
        return np.stack([self.fit.unpadded(one) for one in maps])

    def to_image_grid(self, maps: FloatArray) -> FloatArray:
        """Return probability maps (B, *content), unpadded, as one map (Z, Y, X), linearly."""
        if self.turn is None:
            return np.stack([self.fit.back(one) for one in maps])
        volume = self.fit.back(maps[0])
        if self.steps is None:
            return np.ascontiguousarray(self.turn.back(volume))
        inverse = [1 / step for step in self.steps]
        return resample_turned(volume, self.turn, self.turned, inverse)


def prepare(volume: Volume, metadata: ModelMetadata) -> Prepared:
    """Return `volume` ready for the model: orientation, spacing, resize, intensity, in this order.

    Letterbox padding is zero after the intensity step, so that it enters no statistic. A model
    with tiling is not resized: its windows slide over the whole grid. Raises InferenceError
    when the picture lacks what the model needs.
    """
    values = _real_values(volume)
    if metadata.spatial_dims == 2:
        return _prepare_slices(values, volume, metadata)
    return _prepare_volume(values, volume, metadata)


def network_input(volume: Volume, metadata: ModelMetadata) -> FloatArray:
    """Return what of the picture the network sees, (B, *content): its input without padding."""
    prepared = prepare(volume, metadata)
    return prepared.unpadded(prepared.batch[:, 0])


def _prepare_slices(values: FloatArray, volume: Volume, metadata: ModelMetadata) -> Prepared:
    size = values.shape[1:]
    plan = fit(size, size if metadata.tiling else metadata.target_size, metadata.resize)
    planes = [_on_grid(plane, plan, volume, metadata) for plane in values]
    return Prepared(np.stack(planes), values.shape, plan)


def _prepare_volume(values: FloatArray, volume: Volume, metadata: ModelMetadata) -> Prepared:
    if values.shape[0] < MIN_SLICES:
        raise InferenceError(
            f"{titled(metadata)} reads volumes; this image has {values.shape[0]} slice(s), "
            f"at least {MIN_SLICES} are needed."
        )
    turn = _turn(volume, metadata)
    turned = turn.forward(values)
    shape, steps = turned.shape, _steps(volume, metadata, turn)
    if steps is not None:
        size = [max(1, ceil(n / step - 1e-6)) for n, step in zip(shape, steps, strict=True)]
        turned = turned_resampled(values, turn, size, steps)
    plan = fit(
        turned.shape, turned.shape if metadata.tiling else metadata.target_size, metadata.resize
    )
    batch = _on_grid(turned, plan, volume, metadata)[None]
    return Prepared(batch, values.shape, plan, turn, shape, steps)


def _on_grid(array: FloatArray, plan: Fit, volume: Volume, metadata: ModelMetadata) -> FloatArray:
    content = plan.resized(array)[None]
    ready = apply_intensity(
        content,
        metadata.intensity,
        normalize=metadata.normalize,
        eight_bit=_is_eight_bit(volume),
    )
    return plan.padded(ready)


def _turn(volume: Volume, metadata: ModelMetadata) -> Turn:
    if not metadata.orientation:
        return Turn()
    if volume.affine is None:
        raise InferenceError(
            f"{titled(metadata)} needs the sides of the body ({metadata.orientation}); "
            "this image does not say which side is which."
        )
    try:
        return turn_to(metadata.orientation, volume.affine)
    except ValueError as error:
        raise InferenceError(f"{titled(metadata)}: {error}") from None


def _steps(volume: Volume, metadata: ModelMetadata, turn: Turn) -> tuple[float, ...] | None:
    """Return the width of a wanted voxel in voxels of the image, by network axis.

    None where none is wanted, or the image has them already: nothing is resampled then.
    """
    if metadata.spacing is None:
        return None
    sides = volume.spacing_mm or (voxel_sides(volume.affine) if volume.affine else None)
    if sides is None or min(sides) <= 0:
        raise InferenceError(
            f"{titled(metadata)} needs the voxel size in millimetres; this image has none."
        )
    steps = tuple(
        want / sides[axis] for want, axis in zip(metadata.spacing, turn.order, strict=True)
    )
    return None if all(abs(step - 1) < SAME_STEP for step in steps) else steps


def _is_eight_bit(volume: Volume) -> bool:
    return bool(volume.array.dtype == np.uint8 and (volume.slope, volume.intercept) == (1, 0))


def _real_values(volume: Volume) -> FloatArray:
    """Return float32 (Z, Y, X) after rescale; padding and what is not finite takes the minimum."""
    stored = np.asarray(volume.array)
    values = stored.astype(np.float32)
    bad = ~np.isfinite(values) if stored.dtype.kind == "f" else np.zeros(1, dtype=bool)
    if volume.padding is not None:
        bad = bad | (stored == volume.padding)
    if bad.any():
        if bad.all():
            raise InferenceError("This image holds no valid pixel: all of it is padding.")
        values[bad] = values[~bad].min()
    if (volume.slope, volume.intercept) != (1, 0):
        values *= np.float32(volume.slope)  # in place: a volume is large
        values += np.float32(volume.intercept)
    return values
