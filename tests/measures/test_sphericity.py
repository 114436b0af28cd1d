import numpy as np
import pytest

from imaging.measures import sphericity as module
from imaging.measures.sphericity import sphericity, surface
from tests.measures.factories import box_mask, ellipsoid

CUBES = (1.0, 1.0, 1.0)


def ball(r, spacing=CUBES):
    shape = [int(2 * r / s) + 5 for s in spacing]
    centre = [n // 2 * s for n, s in zip(shape, spacing, strict=True)]
    return ellipsoid(shape, centre, (r, r, r), spacing)


def test_thirteen_directions_weigh_one_together():
    weights = [module._WEIGHTS[sum(abs(s) for s in step)] for step in module._directions()]
    assert len(weights) == 13
    assert sum(weights) == pytest.approx(1, abs=1e-5)


def test_the_surface_of_one_voxel_worked_by_hand():
    # 2 changes along each direction: 2 Σ w·2/L
    expected = 4 * (3 * 0.091556 + 6 * 0.073961 / 2**0.5 + 4 * 0.070391 / 3**0.5)
    assert surface(np.ones((1, 1, 1), dtype=bool)) == pytest.approx(expected)


@pytest.mark.parametrize("radius", [10, 20])
def test_the_surface_of_a_ball_is_that_of_geometry(radius):
    assert surface(ball(radius)) == pytest.approx(4 * np.pi * radius**2, rel=0.01)


@pytest.mark.parametrize("radius", [6, 10, 20])
def test_a_ball_is_a_ball(radius):
    assert sphericity(ball(radius), CUBES) == pytest.approx(1, abs=0.015)


def test_an_ellipsoid_is_as_round_as_geometry_says():  # 3:1:1 prolate, surface by its formula
    a, c = 10.0, 30.0
    e = (1 - a**2 / c**2) ** 0.5
    area = 2 * np.pi * a**2 * (1 + c / (a * e) * np.arcsin(e))
    truth = np.pi ** (1 / 3) * (6 * 4 / 3 * np.pi * a * a * c) ** (2 / 3) / area
    mask = ellipsoid((70, 30, 30), (35, 15, 15), (c, a, a))
    assert sphericity(mask, CUBES) == pytest.approx(truth, abs=0.015)


@pytest.mark.parametrize("spacing", [(2.0, 1.0, 1.0), (3.0, 0.8, 0.8), (1.0, 1.0, 2.0)])
def test_a_ball_of_oblong_voxels_is_a_ball(spacing):
    mask = ball(15, spacing)
    assert sphericity(mask, CUBES) < 0.95
    assert sphericity(mask, spacing) == pytest.approx(1, abs=0.02)


def test_a_large_lesion_is_read_on_coarser_cubes_with_the_same_answer(monkeypatch):
    mask = ball(30, (2.0, 1.0, 1.0))
    whole = sphericity(mask, (2.0, 1.0, 1.0))
    monkeypatch.setattr(module, "MOST_CUBES", 20_000)
    coarse = module._cubes(mask, (2.0, 1.0, 1.0))
    assert coarse.size < 60_000
    assert sphericity(mask, (2.0, 1.0, 1.0)) == pytest.approx(whole, abs=0.02)


def test_ninety_nine_voxels_are_too_few():
    assert sphericity(box_mask((9, 9, 13), (0, 0, 0), (3, 3, 11)), CUBES) is None
    assert sphericity(box_mask((9, 9, 13), (0, 0, 0), (4, 5, 5)), CUBES) is not None


def test_a_plate_is_less_of_a_ball_than_a_cube():
    cube = box_mask((20, 20, 20), (2, 2, 2), (12, 12, 12))
    plate = box_mask((20, 40, 40), (2, 2, 2), (4, 24, 24))
    assert sphericity(plate, CUBES) < sphericity(cube, CUBES) < 0.95
