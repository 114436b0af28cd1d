"""Axes of the body: letters to axes, there and back."""

import itertools
from itertools import permutations, product
from math import ceil

import numpy as np
import pytest

from imaging.inference import orientation
from imaging.inference.grids import resample
from imaging.inference.orientation import (
    Turn,
    resample_turned,
    turn_to,
    turned_resampled,
    voxel_sides,
)

# voxel (x, y, z) -> LPS: x to the left, y to the back, z upwards, as most CT is stored
LPS = np.diag([1.0, 2.0, 3.0, 1.0])


def test_ras_of_an_lps_volume_turns_x_and_y_about():
    assert turn_to("RAS", LPS) == Turn((2, 1, 0), (True, True, False))
    assert turn_to("SPL", LPS) == Turn((0, 1, 2), (False, False, False))


def test_a_marked_voxel_lands_where_the_letters_say():
    volume = np.zeros((2, 3, 4), dtype=np.float32)
    volume[0, 0, 3] = 1  # foot end, front, leftmost
    turned = turn_to("RAS", LPS).forward(volume)
    assert turned.shape == (4, 3, 2)
    assert turned[0, 2, 0] == 1  # axis 0 grows to the right: left is 0; 1 grows forward


def test_descending_slices_and_oblique_axes_find_their_letters():
    descending = np.diag([1.0, 1.0, -1.0, 1.0])
    assert turn_to("SPL", descending).flips == (True, False, False)
    angle = np.deg2rad(30)
    oblique = np.eye(4)
    oblique[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert turn_to("SPL", oblique) == Turn()


@pytest.mark.parametrize("letters", ["".join(p) for p in itertools.permutations("RAS")] + ["LIP"])
def test_every_turn_has_its_way_back(letters):
    volume = np.random.default_rng(0).random((3, 4, 5), dtype=np.float32)
    sagittal = np.array([[0, 0, 2.0, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    for affine in (LPS, sagittal):
        turn = turn_to(letters, affine)
        assert (turn.back(turn.forward(volume)) == volume).all()


def test_sides_are_lengths_in_image_order():
    assert voxel_sides(LPS) == (3, 2, 1)


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_a_singular_affine_is_refused(bad):
    with pytest.raises(ValueError, match="singular"):
        turn_to("RAS", bad)


TURNS = [Turn(order, flips) for order in permutations(range(3))
         for flips in product([False, True], repeat=3)]  # fmt: skip


@pytest.mark.parametrize("band", [1, 200, 1 << 22])
def test_there_and_back_in_bands_is_turning_and_resampling(monkeypatch, band):
    """All 48 turns, shrinking and growing: the same numbers, without a turned copy in between."""
    monkeypatch.setattr(orientation, "_BAND", band)
    chance = np.random.default_rng(5)
    for turn in TURNS:
        volume = chance.random((19, 14, 11), dtype=np.float32)
        shape, steps = turn.forward(volume).shape, (2.7, 0.9, 1.3)
        size = [ceil(n / step) for n, step in zip(shape, steps, strict=True)]
        there = turned_resampled(volume, turn, size, steps)
        assert there == pytest.approx(resample(turn.forward(volume), size, steps, area=True))
        inverse = [1 / step for step in steps]
        back = resample_turned(there, turn, shape, inverse)
        assert back == pytest.approx(turn.back(resample(there, shape, inverse, area=False)))
        assert back.shape == volume.shape
