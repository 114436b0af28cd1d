import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from imaging.measures.components import (
    count,
    fill_holes,
    fill_slices,
    largest_component,
    lesion_mask,
    planes_of,
    split,
)
from tests.measures.factories import box_mask, hills, map_of

DIAGONAL = np.eye(4, dtype=bool)


def test_pixels_that_touch_at_a_corner_are_one_region():
    assert count(DIAGONAL[None]) == 1


def test_voxels_that_touch_at_a_corner_are_one_region():
    cube = np.zeros((3, 3, 3), dtype=bool)
    cube[0, 0, 0] = cube[1, 1, 1] = cube[2, 2, 2] = True
    assert count(cube) == 1


def test_a_gap_of_one_pixel_parts_them():
    assert count(np.array([[[True, False, True]]])) == 2


def test_split_lists_what_is_large_and_keeps_the_rest_as_specks():
    q = map_of(box_mask((20, 20), (2, 2), (6, 8)), 200) + map_of(
        box_mask((20, 20), (12, 12), (14, 14)), 90
    )
    found = split(q, 80, min_px=5)
    (part,) = found.parts
    assert (part.origin, part.px, part.q.shape) == ((0, 2, 2), 24, (1, 4, 6))
    assert (found.specks > 0).sum() == 4
    assert split(q, 91, min_px=5).specks is None


def test_a_part_holds_only_its_own_pixels_where_boxes_overlap():
    mask = box_mask((20, 20), (2, 2), (12, 4)) | box_mask((20, 20), (10, 2), (12, 12))
    other = box_mask((20, 20), (2, 7), (6, 12))
    parts = split(map_of(mask | other), 128, min_px=1).parts
    assert sorted(part.px for part in parts) == [20, 36]
    assert all(part.mask.sum() == part.px for part in parts)


def test_a_part_knows_its_first_voxel_and_its_place_on_the_grid():
    found = split(map_of(DIAGONAL[:, ::-1]), 1, 1, origin=(5, 10, 20)).parts[0]
    assert found.first_voxel == (5, 10, 23)
    assert found.box == (slice(5, 6), slice(10, 14), slice(20, 24))


@pytest.mark.parametrize("smooth", [0.0, 0.7, 1.5, 4.0])
@pytest.mark.parametrize("seed", range(5))
def test_regions_are_scipys_in_noise_among_many_and_among_few(smooth, seed):
    mask = hills(seed, (1, 90, 110), smooth) > 120
    wanted, number = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    parts = split(map_of(mask), 1, min_px=1).parts
    assert count(mask) == number == len(parts)
    for part in parts:
        z, y, x = part.first_voxel
        assert np.array_equal(part.mask, (wanted == wanted[z, y, x])[part.box])
        assert part.px == np.count_nonzero(wanted == wanted[z, y, x])


def test_a_region_inside_the_hole_of_another_is_one_of_its_own():
    ring = box_mask((30, 30), (2, 2), (20, 20)) & ~box_mask((30, 30), (5, 5), (17, 17))
    parts = split(map_of(ring | box_mask((30, 30), (9, 9), (12, 12))), 1, min_px=1).parts
    assert sorted(part.px for part in parts) == [9, 18 * 18 - 12 * 12]


@pytest.mark.parametrize("shape", [(1, 60, 70), (14, 30, 32)])
def test_split_agrees_with_scipy_on_the_whole_frame(shape):
    q = hills(3, shape, smooth=2.5)
    labels, n = ndimage.label(q >= 140, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    found = split(q, 140, min_px=30)
    assert n > 2
    assert sorted(part.px for part in found.parts) == sorted(s for s in sizes.tolist() if s >= 30)
    kept = np.isin(labels, np.flatnonzero(sizes >= 30) + 1)
    assert (lesion_mask(q, 140, 30) == kept).all()
    assert ((found.specks > 0) == ((labels > 0) & ~kept)).all()


def test_nothing_above_the_level_gives_no_part():
    found = split(np.zeros((1, 4, 4), np.uint8), 1, 1)
    assert (found.parts, found.specks) == ([], None)


def test_a_hole_is_filled_and_a_bay_is_not():
    ring = box_mask((7, 7), (1, 1), (6, 6)) & ~box_mask((7, 7), (3, 3), (4, 4))
    bay = box_mask((7, 7), (1, 1), (6, 6)) & ~box_mask((7, 7), (3, 0), (4, 4))
    assert fill_holes(ring).sum() == 25
    assert (fill_holes(bay) == bay).all()


def test_a_background_that_leaks_by_a_corner_only_is_a_hole():
    diamond = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    assert fill_holes(diamond).sum() == 5


@pytest.mark.parametrize("seed", range(5))
def test_filling_agrees_with_scipy(seed):
    mask = hills(seed)[0] > 120
    assert (fill_holes(mask) == ndimage.binary_fill_holes(mask)).all()


def test_slices_are_filled_one_by_one():
    cup = np.ones((3, 5, 5), dtype=bool)
    cup[1:, 2, 2] = False
    assert fill_slices(cup).all()


def test_the_largest_component_stays():
    mask = (box_mask((9, 9), (0, 0), (2, 2)) | box_mask((9, 9), (4, 4), (8, 8)))[None]
    assert (largest_component(mask)[0] == box_mask((9, 9), (4, 4), (8, 8))).all()
    assert not largest_component(np.zeros((1, 3, 3), dtype=bool)).any()


def test_the_pieces_of_a_plane_come_one_by_one():
    mask = box_mask((9, 9), (0, 0), (2, 2)) | box_mask((9, 9), (4, 4), (8, 7))
    assert sorted(int(piece.sum()) for piece in planes_of(mask)) == [4, 12]


@pytest.mark.parametrize(
    ("what", "most"),
    [(largest_component, 6.5), (lambda mask: lesion_mask(mask.view(np.uint8), 1, 5), 7.5)],
)
def test_the_regions_of_a_volume_are_counted_in_little_memory(what, most):
    """Bytes a voxel beside the mask: the labels take four, an index of all of them eight more."""
    mask = np.random.default_rng(3).random((48, 128, 128)) > 0.8
    mask[:, 40:80, 40:80] = True
    tracemalloc.start()
    found = what(mask)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[:, 40:80, 40:80].all()
    assert peak < most * mask.size
