"""However a volume lies in its file, its slice hangs the same."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from imaging.formats.upright import hang

AXES = [np.diag(signs)[:, list(order)] for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)]  # fmt: skip
RIGHT_AND_DOWN = {0: (1, -2), 1: (0, -2), 2: (0, 1)}  # normal -> LPS axes, minus: backwards


@pytest.mark.parametrize("axes", AXES, ids=lambda a: "".join(str(int(v)) for v in a.ravel()))
def test_each_of_48_ways_to_lie_shows_the_front_or_the_head_above(axes):
    """The picture holds its own place in the patient, so that hung it must grow as hung."""
    affine = np.eye(4)
    affine[:3, :3] = axes * [2.0, 3.0, 4.0]
    y, x = np.mgrid[:3, :5]
    place = affine[:3, :3] @ np.stack([x.ravel(), y.ravel(), np.zeros(x.size)])
    normal = int(np.flatnonzero(axes[:, 2])[0])
    right, down = RIGHT_AND_DOWN[normal]
    along = hang(place[right].reshape(3, 5), affine.tolist())
    below = hang(place[abs(down)].reshape(3, 5), affine.tolist()) * (1 if down > 0 else -1)
    assert np.all(np.diff(along, axis=1) > 0)
    assert np.all(np.diff(along, axis=0) == 0)
    assert np.all(np.diff(below, axis=0) > 0)


def test_an_oblique_slice_hangs_as_the_plane_it_is_nearest_to():
    tilt = np.radians(20)
    axes = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine = np.eye(4)
    affine[:3, :3] = axes
    picture = np.arange(6).reshape(2, 3)
    assert np.array_equal(hang(picture, affine.tolist()), picture)
