"""Counting beside numpy's own, which is slower and certain."""

import numpy as np
import pytest

from imaging.measures import counting
from imaging.measures.counting import counts_of, pairs_of

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("last", [1, 21, 255])
@pytest.mark.parametrize("exact_px", [1 << 24, 100])
def test_every_number_is_counted_in_all_slices(last, exact_px, monkeypatch):
    monkeypatch.setattr(counting, "_EXACT_PX", exact_px)
    numbers = RNG.integers(0, last + 1, (3, 40, 50)).astype(np.uint8)
    mask = RNG.random(numbers.shape) < 0.4
    assert (
        counts_of(numbers, last).tolist()
        == np.bincount(numbers.ravel(), minlength=last + 1).tolist()
    )
    inside = np.bincount(numbers[mask], minlength=last + 1)
    assert counts_of(numbers, last, mask).tolist() == inside.tolist()


def test_a_view_that_is_not_contiguous_is_counted_as_it_looks():
    numbers = RNG.integers(0, 5, (2, 40, 50)).astype(np.uint8)[:, ::2, ::-3]
    mask = RNG.random((2, 50, 40)).transpose(0, 2, 1)[:, ::2, ::3] < 0.5
    assert counts_of(numbers, 4, mask).tolist() == np.bincount(numbers[mask], minlength=5).tolist()


@pytest.mark.parametrize(
    ("dtype", "low", "bins"),
    [
        (np.uint8, 0, 256),
        (np.uint8, 17, 30),
        (np.int16, -1024, 2000),
        (np.int16, 0, 700),
        (np.uint16, 60_000, 5_000),
        (np.int32, -100_000, 65_536),
        (np.uint16, 0, 65_536),
    ],
)
def test_pairs_are_counted_for_every_kind_of_pixel(dtype, low, bins):
    last = 21
    stored = RNG.integers(low, low + bins, 9_000).astype(dtype)
    stored[:2] = low, low + bins - 1
    stops = RNG.integers(0, last + 1, stored.size).astype(np.uint8)
    wanted = np.zeros((last + 1, bins), dtype=np.int64)
    np.add.at(wanted, (stops, stored.astype(np.int64) - low), 1)
    assert np.array_equal(pairs_of(stops, stored, last, low, bins), wanted)


def test_counts_are_exact_beyond_what_a_float_can_add():
    """2²⁴ + 1 is no float32: such a plane is not left to OpenCV."""
    plane = np.zeros((1, 4097, 4096), dtype=np.uint8)
    assert counts_of(plane, 1).tolist() == [plane.size, 0]
