import numpy as np
import pytest
from skimage.measure import perimeter_crofton

from imaging.measures.circularity import circularity, part_circularity, perimeter, weighted
from imaging.measures.components import split
from tests.measures.factories import box_mask, ellipsoid, hills, map_of


def disc(r, size=None):
    """A disc about a point off the grid: one centred on a pixel has four blunt tips."""
    size = size or 2 * int(r) + 9
    return ellipsoid((size, size), (size // 2 + 0.3, size // 2 - 0.4), (r, r))


def turned_rectangle(height, width, degrees):
    y, x = np.mgrid[-80:81, -80:81]
    a = np.deg2rad(degrees)
    along, across = x * np.cos(a) + y * np.sin(a), y * np.cos(a) - x * np.sin(a)
    return (abs(along) <= width / 2) & (abs(across) <= height / 2)


@pytest.mark.parametrize("seed", range(6))
def test_the_perimeter_is_croftons_in_four_directions(seed):
    mask = hills(seed)[0] > 130
    assert perimeter(mask) == pytest.approx(perimeter_crofton(mask, directions=4))


def test_the_perimeter_of_one_pixel_worked_by_hand():
    # 2 changes in each of four directions: (π/8)(2 + 2 + 4/√2)
    assert perimeter(np.ones((1, 1), dtype=bool)) == pytest.approx(np.pi / 8 * (4 + 4 / 2**0.5))


def test_a_lesion_at_the_edge_of_the_array_is_closed_there():
    mask = np.ones((4, 5), dtype=bool)
    assert perimeter(mask) == pytest.approx(perimeter(np.pad(mask, 3)))


@pytest.mark.parametrize(("radius", "tolerance"), [(4, 0.05), (10, 0.02), (20, 0.02), (100, 0.01)])
def test_a_disc_is_round(radius, tolerance):
    assert circularity(disc(radius)) == pytest.approx(1, abs=tolerance)


def test_discs_are_round_on_average_wherever_their_centre_lies():
    rng = np.random.default_rng(0)
    ratios = []
    for y, x in rng.uniform(14, 15, (200, 2)):
        mask = ellipsoid((29, 29), (y, x), (10, 10))
        ratios.append(4 * np.pi * mask.sum() / perimeter(mask) ** 2)
    assert np.mean(ratios) == pytest.approx(1, abs=0.005)
    assert np.std(ratios) < 0.02


def test_an_ellipse_of_three_to_one_is_as_round_as_geometry_says():
    assert circularity(ellipsoid((60, 140), (30, 70), (20, 60))) == pytest.approx(0.663, abs=0.01)


def test_the_cuts_of_severity_are_ellipses_of_five_and_of_two_and_a_half_to_one():
    assert circularity(ellipsoid((60, 240), (30, 120), (20, 100))) == pytest.approx(0.45, abs=0.02)
    assert circularity(ellipsoid((60, 140), (30, 70), (20, 50))) == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("degrees", [0, 45])
def test_a_square_along_the_grid_or_its_diagonal_reads_somewhat_round(degrees):
    assert 0.85 <= circularity(turned_rectangle(60, 60, degrees)) <= 0.92


def test_squares_at_all_angles_read_080_on_average():
    found = [circularity(turned_rectangle(60, 60, degrees)) for degrees in range(0, 90, 3)]
    assert np.mean(found) == pytest.approx(0.80, abs=0.02)


def test_a_line_is_not_round():
    assert circularity(np.ones((1, 20), dtype=bool)) == pytest.approx(0.17, abs=0.01)


def test_a_hole_does_not_change_it():
    pierced = disc(20)
    whole = circularity(pierced)
    pierced[24, 24] = False
    assert pierced.sum() == disc(20).sum() - 1
    assert circularity(pierced) == whole


def test_eleven_pixels_are_too_few_and_twelve_are_enough():
    assert circularity(box_mask((9, 20), (2, 2), (3, 13))) is None
    assert circularity(box_mask((9, 20), (2, 2), (3, 14))) is not None


@pytest.mark.parametrize("ratio", [1.2, 1.5, 2, 3, 5])
@pytest.mark.parametrize("turned", [False, True])
def test_a_disc_on_oblong_pixels_is_round(ratio, turned):
    mask = ellipsoid((101, 301), (50.3, 150.4), (20, 20 * ratio))
    spacing = (0.4 * ratio, 0.4)
    found = circularity(mask.T, spacing[::-1]) if turned else circularity(mask, spacing)
    assert found == pytest.approx(1, abs=0.02)
    assert ratio < 1.5 or circularity(mask) < 0.96


def test_a_line_one_pixel_wide_keeps_a_shape_on_oblong_pixels():
    assert circularity(box_mask((40, 9), (5, 4), (35, 5)), (2.0, 1.0)) < 0.2


def test_spacings_within_one_percent_leave_the_mask_alone():
    mask = turned_rectangle(60, 20, 30)
    assert circularity(mask, (1.0, 1.009)) == circularity(mask)
    assert circularity(mask, (1.0, 1.02)) != circularity(mask)


def test_it_stays_within_bounds_for_any_region():
    rng = np.random.default_rng(5)
    for _ in range(50):
        found = circularity(rng.random((9, 9)) > 0.3)
        assert found is None or 0 < found <= 1


def test_two_discs_are_two_round_things():
    q = map_of(np.hstack([disc(12), disc(12)]))
    parts = split(q, 128, 12).parts
    total = weighted((part.px, part_circularity(part, (1, 1))) for part in parts)
    assert total == pytest.approx(1, abs=0.02)
    assert circularity(q[0] > 0) == pytest.approx(0.5, abs=0.04)  # what must not be shown


def test_the_total_weighs_by_area_and_leaves_out_what_has_none():
    assert weighted([(30, 0.5), (10, 1.0), (5, None)]) == pytest.approx(0.625)
    assert weighted([(5, None)]) is None
    assert weighted([]) is None


def test_a_volume_is_read_at_its_largest_slice():
    mask = np.zeros((3, 40, 40), dtype=bool)
    mask[0, 20, 5:35] = True
    mask[1] = disc(12, 40)
    (part,) = split(map_of(mask), 1, 1).parts
    assert part_circularity(part, (1, 1)) == pytest.approx(1, abs=0.02)


def test_a_largest_slice_in_two_pieces_is_not_taken_as_one():
    two = np.hstack([disc(12, 34), disc(12, 34)])
    mask = np.stack([two, box_mask(two.shape, (17, 10), (18, 58))])
    (part,) = split(map_of(mask), 1, 1).parts
    assert part_circularity(part, (1, 1)) == pytest.approx(1, abs=0.02)
