"""Turn a volume's axes (Z, Y, X) into a network's, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from imaging.inference.grids import FloatArray, axis_weights

# patient axis (x, y, z of LPS) and the sign with which an index grows along it
_BAND = 1 << 22  # voxels
_LETTER = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "S": (2, 1), "I": (2, -1)}


@dataclass(frozen=True, slots=True)
class Turn:
    """Network axis k follows image axis `order[k]` (0 = Z), backwards where `flips[k]`."""

    order: tuple[int, ...] = (0, 1, 2)
    flips: tuple[bool, ...] = (False, False, False)

    def forward(self, array: FloatArray) -> FloatArray:
        """Return a volume (Z, Y, X) with the network's axes."""
        return np.transpose(array, self.order)[self._mirror()]

    def back(self, array: FloatArray) -> FloatArray:
        """Return a map on the network's axes as (Z, Y, X)."""
        return np.transpose(array[self._mirror()], np.argsort(self.order))

    def _mirror(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if flip else None) for flip in self.flips)


def turned_resampled(
    array: FloatArray, turn: Turn, size: Sequence[int], steps: Sequence[float]
) -> FloatArray:
    """Turn a volume (Z, Y, X) and read it by area on a grid of `size`, on the network's axes.

    The same as `turn.forward` followed by `resample`, without a turned copy of the volume.
    """
    weights = {}
    for axis in range(3):
        k = turn.order.index(axis)
        rows = axis_weights(array.shape[axis], size[k], steps[k], area=True)
        weights[axis] = rows[:, :: -1 if turn.flips[k] else 1]
    small = np.empty((len(array), *(len(weights[axis]) for axis in (1, 2))), dtype=np.float32)
    step = max(1, _BAND // (array.shape[1] * array.shape[2]))
    for start in range(0, len(array), step):
        band = np.tensordot(array[start : start + step], weights[2], axes=(2, 1))
        small[start : start + step] = np.swapaxes(np.tensordot(band, weights[1], (1, 1)), 1, 2)
    small = np.tensordot(weights[0], small, axes=(1, 0))
    return np.ascontiguousarray(np.transpose(small, turn.order), dtype=np.float32)


def resample_turned(
    array: FloatArray, turn: Turn, size: Sequence[int], steps: Sequence[float]
) -> FloatArray:
    """Read a map on the network's axes linearly on a grid of `size`, and turn it back: (Z, Y, X).

    The same as `resample` followed by `turn.back`; only a band of planes is held beside the
    result, which is written once, where it stays.
    """
    weights = {}
    for k, axis in enumerate(turn.order):
        rows = axis_weights(array.shape[k], size[k], steps[k], area=False)
        weights[axis] = rows[:: -1 if turn.flips[k] else 1]
    small = np.transpose(array, np.argsort(turn.order))
    found = np.empty([len(weights[axis]) for axis in range(3)], dtype=np.float32)
    step = max(1, _BAND // (found.shape[1] * found.shape[2]))
    for start in range(0, len(found), step):
        rows = weights[0][start : start + step]
        used = np.flatnonzero(rows.any(axis=0))
        low, high = int(used[0]), int(used[-1]) + 1
        band = np.tensordot(rows[:, low:high], small[low:high], axes=(1, 0))
        for axis in (1, 2):
            band = np.moveaxis(np.tensordot(weights[axis], band, axes=(1, axis)), 0, axis)
        found[start : start + step] = band
    return found


def turn_to(letters: str, affine: Sequence[Sequence[float]]) -> Turn:
    """Return the turn from an image's axes to `letters` ("RAS": axis 0 grows to the right).

    `affine` is 4x4, voxel (x, y, z) to patient LPS millimetres. Of an oblique volume each axis
    is taken for the patient axis it runs along most. Raises ValueError when it is singular.
    """
    cosines = _cosines(affine)
    patient_of = max(
        permutations(range(3)), key=lambda p: sum(abs(cosines[p[k], k]) for k in range(3))
    )
    order, flips = [], []
    for letter in letters:
        wanted, sign = _LETTER[letter]
        voxel = patient_of.index(wanted)
        order.append(2 - voxel)  # voxel axes are (x, y, z), array axes (Z, Y, X)
        flips.append(bool(np.sign(cosines[wanted, voxel]) != sign))
    return Turn(tuple(order), tuple(flips))


def voxel_sides(affine: Sequence[Sequence[float]]) -> tuple[float, float, float]:
    """Return the lengths in mm of a voxel's sides, (z, y, x)."""
    x, y, z = np.linalg.norm(_matrix(affine), axis=0)
    return float(z), float(y), float(x)


def _cosines(affine: Sequence[Sequence[float]]) -> np.ndarray:
    matrix = _matrix(affine)
    return np.asarray(matrix / np.linalg.norm(matrix, axis=0))


def _matrix(affine: Sequence[Sequence[float]]) -> np.ndarray:
    matrix = np.asarray(affine, dtype=np.float64)[:3, :3]
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise ValueError("The affine of this volume is singular: its axes have no direction.")
    return matrix
