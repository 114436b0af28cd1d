"""Pictures of a result against arrays made by hand."""

import numpy as np
import pytest

from imaging import layers
from imaging.palettes import palette

LEVELS = np.array([[0, 10, 127], [128, 200, 255]], np.uint8)


def test_mask_is_exactly_what_reaches_the_level():
    assert layers.mask_layer(LEVELS, 128).tolist() == [[False] * 3, [True] * 3]


def test_heat_is_clear_below_a_tenth_and_takes_the_tables_colours():
    layer = layers.heat_layer(LEVELS, name="redgreen", opacity=0.5)
    assert layer.shape == (2, 3, 4)
    assert layer[0, :2, 3].tolist() == [0, 0]
    assert layer[1, 2].tolist() == [*palette("redgreen")[255], 128]


def test_outline_is_the_inner_border():
    levels = np.zeros((7, 7), np.uint8)
    levels[1:6, 1:6] = 255
    edge = layers.outline_layer(levels, 128)[..., 3] > 0
    assert edge.sum() == 16
    assert not edge[3, 3]
    assert not edge[0].any()


@pytest.mark.parametrize(
    ("shape", "step"), [((10, 10), 1), ((1536, 20), 1), ((1537, 20), 2), ((20, 5000), 4)]
)
def test_large_pictures_are_thinned_by_whole_numbers(shape, step):
    assert layers.step_for(shape) == step


def test_shrinking_takes_means_and_thinning_keeps_integers():
    picture = np.array([[0, 2, 9], [2, 4, 9]], np.uint8)
    assert layers.shrink(picture, 2).tolist() == [[2]]
    assert layers.thin(picture, 2).tolist() == [[0]]
    assert layers.shrink(picture, 1) is picture
