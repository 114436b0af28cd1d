import json

import numpy as np
import pytest
from scipy import ndimage

from imaging.measures.reference import (
    compare,
    dice,
    hd95,
    iou,
    nsd,
    ppv,
    require_same_affine,
    sensitivity,
    specificity,
)
from tests.measures.factories import box_mask, ellipsoid, hills

EMPTY = np.zeros((10, 10), dtype=bool)
FULL = ~EMPTY
A = box_mask((10, 10), (2, 2), (6, 6))  # 16 px
B = box_mask((10, 10), (2, 4), (6, 8))  # 16 px, 8 of them in A


def test_overlaps_worked_by_hand():
    assert (dice(A, B), iou(A, B)) == (0.5, 8 / 24)
    assert (sensitivity(A, B), ppv(A, B)) == (0.5, 0.5)
    assert specificity(A, B) == (100 - 24) / (100 - 16)


@pytest.mark.parametrize(
    ("metric", "both", "no_prediction", "no_reference"),
    [
        (dice, None, 0, 0),
        (iou, None, 0, 0),
        (nsd, None, 0, 0),
        (hd95, None, 200**0.5, 200**0.5),
        (sensitivity, None, 0, None),
        (ppv, None, None, 0),
        (specificity, 1, 1, 84 / 100),
    ],
)
def test_empty_masks(metric, both, no_prediction, no_reference):
    assert metric(EMPTY, EMPTY) == both
    assert metric(EMPTY, A) == no_prediction
    assert metric(A, EMPTY) == no_reference


def test_a_reference_that_fills_the_image_has_no_specificity():
    assert specificity(A, FULL) is None


def test_equal_masks_are_perfect():
    found = compare(A, A)
    assert [found[name] for name in ("dice", "iou", "nsd", "sensitivity", "ppv")] == [1] * 5
    assert (found["hd95"], found["note"], found["unit"]) == (0, "", "px")


def test_a_shift_is_the_distance():
    shifted = box_mask((40, 40), (10, 17), (20, 27))
    assert hd95(box_mask((40, 40), (10, 10), (20, 20)), shifted) == pytest.approx(7)


def test_distances_are_in_millimetres_of_each_axis():
    one = box_mask((9, 20, 20), (2, 4, 4), (5, 9, 9))
    up, aside = (
        box_mask(one.shape, (4, 4, 4), (7, 9, 9)),
        box_mask(one.shape, (2, 4, 6), (5, 9, 11)),
    )
    assert hd95(one, up, (3.0, 1.0, 0.5)) == pytest.approx(6)
    assert hd95(one, aside, (3.0, 1.0, 0.5)) == pytest.approx(1)


def naive_distances(one, other, spacing):
    """Both directed boundary distances by a whole-image distance transform."""

    def edge(mask):
        return mask & ~ndimage.binary_erosion(mask, ndimage.generate_binary_structure(mask.ndim, 1))

    to_other = ndimage.distance_transform_edt(~edge(other), sampling=spacing)
    to_one = ndimage.distance_transform_edt(~edge(one), sampling=spacing)
    return to_other[edge(one)], to_one[edge(other)]


@pytest.mark.parametrize("shape", [(40, 50), (8, 24, 26)])
@pytest.mark.parametrize("seed", range(3))
def test_they_agree_with_a_distance_transform(shape, seed):
    wide = shape if len(shape) == 3 else (1, *shape)
    one, other = (hills(s, wide, 2.5).reshape(shape) > 150 for s in (seed, seed + 100))
    spacing = (2.0, 0.7, 0.9)[-len(shape) :]
    there, back = naive_distances(one, other, spacing)
    expected = max(np.percentile(there, 95), np.percentile(back, 95))
    assert hd95(one, other, spacing) == pytest.approx(expected)
    near = np.concatenate([there, back]) <= 2 + 1e-9
    assert nsd(one, other, spacing) == pytest.approx(near.mean())
    assert hd95(one, other, spacing) == hd95(other, one, spacing)


def test_five_percent_of_the_boundary_may_lie_anywhere():
    one = ellipsoid((80, 120), (40, 40), (30, 30))
    other = one.copy()
    other[40, 110:112] = True
    assert hd95(one, other) < 1


def test_a_mask_at_the_edge_of_the_image_ends_there():
    assert nsd(FULL, box_mask((10, 10), (3, 3), (7, 7))) < 1
    assert hd95(FULL, box_mask((10, 10), (3, 3), (7, 7))) == pytest.approx(18**0.5, abs=0.6)


def test_a_single_slice_is_measured_as_a_picture():
    assert hd95(A[None], B[None]) == hd95(A, B)
    assert nsd(A[None], B[None], (9.0, 0.5, 0.5)) == nsd(A, B, (0.5, 0.5))
    assert hd95(A[None], EMPTY[None]) == pytest.approx(200**0.5)


def test_the_diagonal_is_in_millimetres():
    assert hd95(A, EMPTY, (0.3, 0.4)) == pytest.approx(5)


def test_a_distance_of_just_the_tolerance_is_within_it():
    one, other = box_mask((1, 60), (0, 5), (1, 6)), box_mask((1, 60), (0, 25), (1, 26))
    assert nsd(one, other, (1.0, 0.1)) == 1
    assert nsd(one, other, (1.0, 0.1), tolerance=1.9) == 0


@pytest.mark.parametrize(
    ("prediction", "reference", "note"),
    [
        (EMPTY, EMPTY, "agreed empty"),
        (EMPTY, A, "prediction empty: HD95 is the image's diagonal"),
        (A, EMPTY, "reference empty: HD95 is the image's diagonal"),
        (A, B, ""),
    ],
)
def test_a_case_says_what_is_odd_and_is_ready_for_json(prediction, reference, note):
    found = compare(prediction, reference, (1.0, 1.0))
    assert (found["note"], found["unit"]) == (note, "mm")
    assert (found["n_pred"], found["n_ref"]) == (prediction.sum(), reference.sum())
    json.dumps(found, allow_nan=False)


def test_dice_and_iou_tell_the_same_story():
    for seed in range(5):
        one, other = hills(seed) > 120, hills(seed + 50) > 140
        assert dice(one, other) == pytest.approx(2 * iou(one, other) / (1 + iou(one, other)))
        assert dice(one, other) == dice(other, one)
        assert sensitivity(one, other) == ppv(other, one)


@pytest.mark.parametrize("metric", [dice, iou, hd95, nsd, sensitivity, specificity, ppv, compare])
def test_masks_that_cannot_be_compared_are_refused(metric):
    with pytest.raises(ValueError, match="differ in shape"):
        metric(A, A[1:])
    with pytest.raises(ValueError, match="boolean"):
        metric(A.astype(np.uint8), A)


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, -1.0), (1.0, float("nan"))])
def test_spacings_that_mean_nothing_are_refused(spacing):
    with pytest.raises(ValueError, match="positive spacings"):
        hd95(A, B, spacing)


def test_masks_at_different_places_are_refused():
    here, there = np.eye(4), np.eye(4)
    require_same_affine(here, there)
    require_same_affine(None, there)
    there[0, 3] = 0.1
    with pytest.raises(ValueError, match="same place"):
        require_same_affine(here, there)
