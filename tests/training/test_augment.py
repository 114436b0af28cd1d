"""Augmentation: the image and its mask move together, and only the image changes its look."""

import numpy as np
import pytest

from training.appearance import STEPS, change_appearance
from training.augment import draw_bars, make_sample, move
from training.data import Pair


@pytest.fixture
def pair() -> Pair:
    """An image that equals its own mask, so that any drift between them shows."""
    mask = np.zeros((128, 128), np.uint8)
    mask[30:100, 20:55] = 255
    mask[36:96, 70:110] = 255
    return Pair("phantom.png", mask.copy(), mask)


@pytest.mark.parametrize("seed", range(8))
def test_image_and_mask_are_moved_by_the_same_map(pair, seed):
    image, mask = move(pair.image, pair.mask, np.random.default_rng(seed))
    whole = np.full_like(pair.mask, 255)
    _, frame = move(whole, whole, np.random.default_rng(seed))
    in_frame = frame == 255
    assert np.array_equal(image[in_frame], mask[in_frame])
    assert (mask[frame == 0] == 0).all()
    assert not np.array_equal(mask, pair.mask)


@pytest.mark.parametrize("seed", range(8))
def test_a_sample_has_the_network_size_and_stays_in_range(pair, seed):
    image, mask = make_sample(pair, 64, (1, 99), np.random.default_rng(seed))
    assert image.shape == mask.shape == (64, 64)
    assert image.dtype == mask.dtype == np.float32
    assert 0 <= image.min() <= image.max() <= 1
    assert 0 <= mask.min() <= mask.max() <= 1


def test_the_same_seed_makes_the_same_sample(pair):
    first, again, other = (
        make_sample(pair, 64, (1, 99), np.random.default_rng(seed))[0] for seed in (5, 5, 6)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_making_a_sample_leaves_the_pair_alone(pair):
    before = pair.image.copy(), pair.mask.copy()
    make_sample(pair, 64, (1, 99), np.random.default_rng(0))
    assert np.array_equal(pair.image, before[0])
    assert np.array_equal(pair.mask, before[1])


def test_bars_hide_the_lung_in_image_and_mask_alike():
    image, mask = np.full((64, 64), 0.5, np.float32), np.ones((64, 64), np.float32)
    for seed in range(20):
        barred, hidden = draw_bars(image, mask, np.random.default_rng(seed))
        assert (barred[hidden == 1] == 0.5).all()
        assert len(np.unique(barred[hidden == 0])) <= 1


@pytest.mark.parametrize("step", [step for step, _ in STEPS], ids=lambda step: step.__name__)
def test_every_step_changes_the_picture_and_keeps_its_shape(step):
    rows, columns = np.mgrid[0:64, 0:64]
    image = ((rows / 64 + np.sin(columns / 3) + 1) / 3).astype(np.float32)
    changed = [step(image.copy(), np.random.default_rng(seed)) for seed in range(5)]
    assert all(other.shape == image.shape for other in changed)
    assert all(np.isfinite(other).all() for other in changed)
    assert any(np.abs(other - image).max() > 0.01 for other in changed)


def test_appearance_stays_between_black_and_white():
    image = np.random.default_rng(0).random((64, 64), dtype=np.float32)
    for seed in range(20):
        changed = change_appearance(image, np.random.default_rng(seed))
        assert changed.dtype == np.float32
        assert 0 <= changed.min() <= changed.max() <= 1
