"""Drawn disease whitens a lung and nothing else."""

import numpy as np
import pytest

from training.disease import add_disease, add_effusion, add_opacities


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.zeros((96, 96), np.float32)
    mask[20:70, 10:40] = 1
    mask[20:70, 56:86] = 1
    return mask


def test_an_effusion_whitens_the_bottom_of_one_lung_only(mask):
    image = np.full((96, 96), 0.2, np.float32)
    for seed in range(6):
        added = add_effusion(image, mask, np.random.default_rng(seed)) - image
        left, right = added[:, :48].sum(), added[:, 48:].sum()
        assert min(left, right) < 0.01 * max(left, right)
        side = slice(0, 48) if left > right else slice(48, 96)
        assert added[69, side].max() > 0.2
        assert added[20, side].max() < added[69, side].max()


def test_opacities_only_brighten_and_never_beyond_white(mask):
    image = np.random.default_rng(0).random((96, 96), dtype=np.float32)
    for seed in range(6):
        whiter = add_opacities(image, mask, np.random.default_rng(seed))
        assert (whiter >= image).all()
        assert whiter.max() <= 1
        assert (whiter - image)[mask > 0].max() > 0.01


def test_a_picture_without_lung_is_left_alone(mask):
    image = np.full((96, 96), 0.2, np.float32)
    for seed in range(20):
        assert np.array_equal(add_disease(image, mask * 0, np.random.default_rng(seed)), image)
