"""One table of colours, and one rule for how strongly they cover the picture."""

import numpy as np
import pytest

from imaging.palettes import PALETTES, heat_alpha, heat_over, palette


@pytest.mark.parametrize("name", PALETTES)
def test_a_palette_is_256_colours_from_one_end_to_another(name):
    table = palette(name)
    assert (table.shape, table.dtype) == ((256, 3), np.uint8)
    steps = np.abs(np.diff(table.astype(int), axis=0)).max()
    assert steps <= 12  # no jump that would draw an edge where there is none
    assert np.abs(table[0].astype(int) - table[255]).max() > 100


def test_red_means_likely_and_green_means_unlikely():
    low, high = palette("redgreen")[0].astype(int), palette("redgreen")[255].astype(int)
    assert low[1] > max(low[0], low[2])
    assert high[0] > max(high[1], high[2])


def test_an_unknown_palette_is_named():
    with pytest.raises(ValueError, match="rainbow"):
        palette("rainbow")


def test_the_cover_begins_at_a_tenth_and_is_full_at_024():
    levels = np.array([0, 25, 43, 62, 255], dtype=np.uint8)  # 0.098, 0.169, 0.243
    alpha = heat_alpha(levels, opacity=0.5)
    np.testing.assert_allclose(alpha, [0, 0, 0.2465, 0.5, 0.5], atol=0.005)


def test_no_finding_leaves_the_picture_and_full_opacity_hides_it():
    grey = np.array([[10, 200]], dtype=np.uint8)
    untouched = heat_over(grey, np.zeros_like(grey))
    np.testing.assert_array_equal(untouched, [[[10] * 3, [200] * 3]])
    covered = heat_over(grey, np.full_like(grey, 255), opacity=1.0)
    np.testing.assert_array_equal(covered, np.tile(palette()[255], (1, 2, 1)))


def test_pictures_of_two_shapes_are_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        heat_over(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))
