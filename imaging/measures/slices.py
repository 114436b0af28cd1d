"""Where along each axis of a volume the finding lies: what the bar beside the slices shows."""

from __future__ import annotations

import numpy as np

from imaging.measures.probability import Map


def slice_profile(q: Map, level: int) -> dict[str, list[list[int]]] | None:
    """Return for the slices of each axis (Z, Y, X) of a map their pixels and their highest value.

    "px" counts q >= level, specks included; "top" is the largest q, by which any other threshold
    is answered with yes or no. None for a picture. A slice of the map at a time is looked at.
    """
    if q.shape[0] == 1:
        return None
    px = [np.zeros(n, dtype=np.int64) for n in q.shape]
    top = [np.zeros(n, dtype=np.uint8) for n in q.shape]
    for z, plane in enumerate(q):
        mask = plane >= level
        px[0][z], top[0][z] = np.count_nonzero(mask), plane.max()
        for axis, kept in ((1, 1), (2, 0)):
            px[axis] += np.count_nonzero(mask, axis=kept)
            np.maximum(top[axis], plane.max(axis=kept), out=top[axis])
    return {"px": [axis.tolist() for axis in px], "top": [axis.tolist() for axis in top]}
