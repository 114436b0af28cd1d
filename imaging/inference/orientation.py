"""Turn a volume's axes (Z, Y, X) into a network's, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from imaging.inference.grids import FloatArray

# patient axis (x, y, z of LPS) and the sign with which an index grows along it
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
