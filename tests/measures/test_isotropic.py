import numpy as np
import pytest

from imaging.measures.isotropic import is_isotropic, to_isotropic
from tests.measures.factories import box_mask, ellipsoid


def test_one_percent_is_where_oblong_begins():
    assert is_isotropic((1.0, 1.009, 1.0))
    assert not is_isotropic((1.0, 1.011))


@pytest.mark.parametrize(
    ("shape", "spacing", "radius"),
    [((60, 120), (1.0, 0.5), 22.0), ((20, 60, 60), (3.0, 1.0, 1.0), 22.0)],
)
def test_a_ball_keeps_its_size_in_millimetres(shape, spacing, radius):
    centre = [n * s / 2 for n, s in zip(shape, spacing, strict=True)]
    mask = ellipsoid(shape, centre, [radius] * len(shape), spacing)
    fine = to_isotropic(mask, spacing)
    expected = mask.sum() * np.prod(spacing)
    assert fine.sum() * min(spacing) ** len(shape) == pytest.approx(expected, rel=0.02)


def test_equal_spacings_leave_the_mask_as_it_was():
    mask = ellipsoid((30, 30), (15, 15), (9, 6))
    changed = to_isotropic(mask, (0.7, 0.7))[2:-2, 2:-2] != mask
    assert changed.sum() <= 4


def test_a_line_one_pixel_wide_is_not_smoothed_away():
    mask = box_mask((30, 9), (5, 4), (25, 5))
    fine = to_isotropic(mask, (2.0, 1.0))
    assert fine.sum() == pytest.approx(40, abs=2)
    assert fine.any(axis=0).sum() == 1


def test_a_spacing_of_zero_is_refused():
    with pytest.raises(ValueError, match="positive"):
        to_isotropic(np.ones((3, 3), dtype=bool), (0.0, 1.0))
