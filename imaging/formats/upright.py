"""The middle slice of a volume as people hang it: the patient's right on the left, front up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

# normal of the slice -> what its columns and its rows should run along: LPS axis and sign
_HUNG = {0: ((1, 1), (2, -1)), 1: ((0, 1), (2, -1)), 2: ((0, 1), (1, 1))}


def hang(picture: NDArray[Any], affine: Sequence[Sequence[float]]) -> NDArray[Any]:
    """Return a slice (Y, X) of a volume with `affine`, voxel (x, y, z) -> LPS mm, as it is hung.

    An axial slice shows the front above, coronal and sagittal ones the head; an oblique one is
    taken for the plane that it is nearest to.
    """
    runs_along = _patient_axes(affine)
    (right, right_sign), (down, down_sign) = _HUNG[runs_along[2]]
    if runs_along[0] == down:
        picture = picture.T
    signs = {axis: affine[axis][voxel] for voxel, axis in enumerate(runs_along)}
    if signs[down] * down_sign < 0:
        picture = picture[::-1]
    return picture[:, ::-1] if signs[right] * right_sign < 0 else picture


def _patient_axes(affine: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """Return for voxel x, y and z the patient axis that each runs along most, each once."""
    matrix = np.asarray(affine, dtype=np.float64)[:3, :3]
    cosines = np.abs(matrix) / np.linalg.norm(matrix, axis=0)
    return max(permutations(range(3)), key=lambda p: sum(cosines[p[k], k] for k in range(3)))
