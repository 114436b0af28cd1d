"""Chunks, mirrored copies and windows: the network sees what it was promised."""

import numpy as np
import pytest

from imaging.inference.forward import probabilities
from imaging.inference.thrift import Thrift
from tests.inference.factories import FakePredictor, card

RNG = np.random.default_rng(5)


def batch(count=3, *spatial):
    return RNG.random((count, 1, *(spatial or (16, 16))), dtype=np.float32)


def test_many_slices_go_in_small_batches(tmp_path):
    fake, items = FakePredictor(), batch(10)
    p = probabilities(items, card(tmp_path), fake.predict)
    assert (p == items).all()
    assert fake.calls == 3  # 4 + 4 + 2


def test_sparing_goes_one_by_one(tmp_path):
    fake = FakePredictor()
    probabilities(batch(3), card(tmp_path), fake.predict, thrift=Thrift(one_by_one=True))
    assert fake.calls == 3


def test_a_fixed_batch_is_filled_up(tmp_path):
    sizes = []
    shape = [2, 1, 16, 16]
    metadata = card(tmp_path, input_shape=shape, output_shape=shape)

    def run(items):
        sizes.append(len(items))
        return items

    items = batch(3)
    assert (probabilities(items, metadata, run) == items).all()
    assert sizes == [2, 2]


def test_grey_is_repeated_over_three_channels(tmp_path):
    metadata = card(tmp_path, input_shape=[None, 3, 16, 16])
    items = batch(1)

    def run(given):
        assert given.shape == (1, 3, 16, 16)
        return given.mean(axis=1, keepdims=True)

    assert probabilities(items, metadata, run) == pytest.approx(items)


def test_mirrored_copies_are_turned_back_and_averaged(tmp_path):
    metadata = card(tmp_path, tta=["identity", "flip_x"])
    ramp = np.linspace(0, 1, 16, dtype=np.float32)  # a network that prefers the right side
    p = probabilities(batch(1) * 0, metadata, lambda given: given * 0 + ramp)
    assert p == pytest.approx(0.5)
    same = batch(1)
    assert probabilities(same, metadata, lambda given: given) == pytest.approx(same)


def test_windows_cover_a_grid_larger_than_the_network(tmp_path):
    shape = [None, 1, 8, 8, 8]
    metadata = card(
        tmp_path,
        size=(8, 8, 8),
        input_shape=shape,
        output_shape=shape,
        tiling={"roi_size": [8, 8, 8], "overlap": 0.25, "batch": 4},
    )
    items, seen = batch(1, 12, 9, 20), []

    def run(given):
        seen.append(given.shape)
        return given

    assert probabilities(items, metadata, run) == pytest.approx(items, abs=1e-6)
    assert {shape[2:] for shape in seen} == {(8, 8, 8)}
    assert max(shape[0] for shape in seen) == 4
    probabilities(items, metadata, run, thrift=Thrift(one_by_one=True))
    assert seen[-1][0] == 1


def test_windows_weigh_by_a_gaussian(tmp_path):
    shape = [None, 1, 8, 8]
    metadata = card(
        tmp_path, size=(8, 8), input_shape=shape, output_shape=shape, tiling={"roi_size": [8, 8]}
    )
    number = iter([0.0, 1.0])
    p = probabilities(batch(1, 8, 14), metadata, lambda given: given * 0 + next(number))
    row = p[0, 0, 4]
    assert row[0] == 0
    assert row[-1] == 1
    assert (np.diff(row) >= 0).all()
    assert 0 < row[6] < 0.5 < row[7] < 1
