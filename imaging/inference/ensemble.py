"""Many models, one opinion: weighted means that hold sums, never all the maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imaging.inference.grids import FloatArray
from imaging.measures.probability import pieces

SPREAD_SCALE = 510  # sigma lies in 0..0.5 and is stored in 0..255


class Tally:
    """The weighted mean and the disagreement of probability maps that arrive one by one.

    mean          sum of w p over the sum of w, float32 in 0..1, as a running mean: where all
                  members say the same number the mean is that number, to the last bit.
    disagreement  floor(510 sigma + ½) of sigma = sqrt(sum of w (p - mean)²), uint8, by the
                  running update of West (1979), doi:10.1145/359146.359153; None for one map.
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean: FloatArray | None = None
        self._squares: FloatArray | None = None
        self._share = 0.0

    def add(self, p: FloatArray, share: float, *, give: bool = False) -> None:
        """Take one map of any shape with its weight, above zero.

        give   the map may be kept and changed: nobody else reads it once another one is added.

        Raises ValueError for another weight or a map of another shape.
        """
        if not share > 0:
            raise ValueError(f"a weight must be above zero, not {share}")
        if self._mean is None:
            self._mean = p.astype(np.float32, copy=not give)
        elif p.shape != self._mean.shape:
            raise ValueError(f"maps differ in shape: {p.shape} and {self._mean.shape}")
        else:
            if self._squares is None:  # one map has no spread: nothing is kept for it
                self._squares = np.zeros(p.shape, dtype=np.float32)
            whole = self._share + share
            for piece in pieces(p.shape):
                change = p[piece] - self._mean[piece]
                self._mean[piece] += np.float32(share / whole) * change
                change *= change
                self._squares[piece] += np.float32(self._share * share / whole) * change
        self._share += share
        self.count += 1

    @property
    def mean(self) -> FloatArray:
        if self._mean is None:
            raise ValueError("no map was added: nothing to average")
        return np.clip(self._mean, 0, 1, out=self._mean)

    @property
    def sigma(self) -> FloatArray | None:
        if self.count < 2 or self._squares is None:
            return None
        return np.sqrt(self._squares / np.float32(self._share))

    @property
    def disagreement(self) -> NDArray[np.uint8] | None:
        if self.count < 2 or self._squares is None:
            return None
        spread = np.empty(self._squares.shape, dtype=np.uint8)
        for piece in pieces(spread.shape):
            spread[piece] = spread_map(np.sqrt(self._squares[piece] / np.float32(self._share)))
        return spread


def spread_map(sigma: FloatArray) -> NDArray[np.uint8]:
    """Return floor(510 sigma + ½) as it is stored; sigma lies in 0..0.5."""
    return np.floor(SPREAD_SCALE * sigma + 0.5).clip(0, 255).astype(np.uint8)
