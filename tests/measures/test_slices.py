"""Where the finding lies along each axis."""

import numpy as np

from imaging.measures.slices import slice_profile


def test_each_axis_counts_its_slices_and_keeps_their_highest_value():
    q = np.zeros((2, 3, 4), np.uint8)
    q[1, 0, 1:3] = 200
    q[1, 2, 3] = 90
    assert slice_profile(q, 128) == {
        "px": [[0, 2], [2, 0, 0], [0, 1, 1, 0]],
        "top": [[0, 200], [200, 0, 90], [0, 200, 200, 90]],
    }


def test_the_axes_agree_on_the_whole():
    q = np.random.default_rng(2).integers(0, 256, (5, 7, 6), dtype=np.uint8)
    found = slice_profile(q, 100)
    assert {sum(axis) for axis in found["px"]} == {int((q >= 100).sum())}
    assert {max(axis) for axis in found["top"]} == {int(q.max())}


def test_a_picture_has_no_slices():
    assert slice_profile(np.zeros((1, 3, 3), np.uint8), 128) is None
