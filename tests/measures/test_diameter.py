from math import hypot, sqrt

import numpy as np
import pytest

from imaging.measures import diameter as module
from imaging.measures.diameter import equivalent_diameter, maximum_diameter
from tests.measures.factories import box_mask, ellipsoid, hills

PX = (1.0, 1.0, 1.0)


def test_a_disc_has_its_own_diameter():
    mask = ellipsoid((101, 101), (50, 50), (40, 40))
    assert equivalent_diameter(int(mask.sum()), PX, solid=False) == pytest.approx(80, abs=0.2)


def test_a_ball_has_its_own_diameter_in_millimetres():
    mask = ellipsoid((40, 81, 81), (40, 40, 40), (30, 30, 30), (2, 1, 1))
    found = equivalent_diameter(int(mask.sum()), (2.0, 1.0, 1.0), solid=True)
    assert found == pytest.approx(60, abs=0.2)


def test_the_longest_way_is_from_centre_to_centre():
    assert maximum_diameter(box_mask((1, 9, 9), (0, 1, 1), (1, 5, 4)), PX) == hypot(3, 2)


def test_it_is_measured_in_millimetres():
    mask = box_mask((3, 9, 9), (0, 1, 1), (3, 5, 4))
    assert maximum_diameter(mask, (5.0, 0.5, 2.0)) == pytest.approx(sqrt(100 + 1.5**2 + 16))


def test_a_single_pixel_has_none():
    assert maximum_diameter(box_mask((1, 4, 4), (0, 1, 1), (1, 2, 2)), PX) is None


@pytest.mark.parametrize("shape", [(1, 40, 50), (9, 20, 22)])
@pytest.mark.parametrize("most_corners", [4000, 8])
def test_it_is_the_farthest_pair_of_all(shape, most_corners, monkeypatch):
    monkeypatch.setattr(module, "_MANY_CORNERS", most_corners if shape[0] > 1 else 4000)
    mask = hills(6, shape, smooth=2) > 170
    points = np.argwhere(mask) * (2.0, 1.0, 0.5)
    farthest = max(float(np.linalg.norm(points - point, axis=1).max()) for point in points)
    assert maximum_diameter(mask, (2.0, 1.0, 0.5)) == pytest.approx(farthest)
