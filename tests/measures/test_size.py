from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.measures.size import (
    AT_DETECTOR,
    GAPS,
    NO_SPACING,
    UNEVEN,
    area_hundredths,
    area_text,
    min_size_px,
    pixel_mm2,
    pixel_mm2_reason,
    voxel_ml,
    voxel_ml_reason,
    voxel_sides,
)
from imaging.types import Volume
from tests.measures.factories import calibrated, picture


@pytest.mark.parametrize(
    ("px", "reference_px", "expected"),
    [(0, 10, 0), (10, 10, 10_000), (1, 3, 3333), (2, 3, 6667), (1, 20_000, 1), (1, 20_001, 0)],
)
def test_hundredths_worked_by_hand(px, reference_px, expected):
    assert area_hundredths(px, reference_px) == expected


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_hundredths_are_the_share_rounded_half_up(pair):
    px, reference_px = pair
    exact = Decimal(px) * 10_000 / Decimal(reference_px)
    assert area_hundredths(px, reference_px) == int(exact.to_integral_value(ROUND_HALF_UP))


@pytest.mark.parametrize(("px", "reference_px"), [(1, 0), (0, 0), (-1, 5), (6, 5)])
def test_what_is_no_share_is_refused(px, reference_px):
    with pytest.raises(ValueError, match="share"):
        area_hundredths(px, reference_px)


@pytest.mark.parametrize(
    ("hundredths", "px", "text"),
    [(2731, 5, "27.31 %"), (0, 1, "<0.01 %"), (0, 0, "0.00 %"), (5, 1, "0.05 %"),
     (10_000, 9, "100.00 %")],
)  # fmt: skip
def test_text(hundredths, px, text):
    assert area_text(hundredths, px) == text


def test_square_millimetres_are_row_times_column():
    assert pixel_mm2(calibrated(np.zeros((1, 2, 2)), (3.0, 0.5, 0.25))) == 0.125


def test_the_detector_plane_gives_no_square_millimetres():
    volume = picture(spacing_mm=(1, 0.1, 0.1), spacing_kind="detector")
    assert pixel_mm2(volume) is None
    assert pixel_mm2_reason(volume) == AT_DETECTOR
    assert voxel_sides(volume) == ((1, 1, 1), "px")


def test_a_plain_picture_gives_no_square_millimetres():
    assert pixel_mm2(picture()) is None
    assert pixel_mm2_reason(picture()) == NO_SPACING


def test_millilitres_come_from_the_affine_and_never_from_the_slice_thickness():
    oblique = ((0.6, -0.8, 0.0, 7.0), (0.8, 0.6, 0.0, 7.0), (0.0, 0.0, -2.0, 7.0), (0, 0, 0, 1))
    volume = Volume(
        np.zeros((4, 4, 4)),
        spacing_mm=(5.0, 1.0, 1.0),
        spacing_kind="calibrated",
        affine=oblique,
    )
    assert voxel_ml(volume) == pytest.approx(0.002)


def test_without_an_affine_there_are_no_millilitres():
    volume = Volume(np.zeros((4, 4, 4)), spacing_mm=(1, 1, 1), spacing_kind="calibrated")
    assert voxel_ml(volume) is None


@pytest.mark.parametrize(
    ("facts", "why"), [({"uneven": True}, UNEVEN), ({"missing": (2,)}, GAPS), ({}, "")]
)
def test_uneven_or_missing_slices_give_no_millilitres_and_say_why(facts, why):
    upright = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
    volume = calibrated(np.zeros((4, 4, 4)), affine=upright, **facts)
    assert (voxel_ml(volume) is None) == bool(why)
    assert voxel_ml_reason(volume) == why


def test_a_singular_affine_is_refused():
    flat = ((1, 0, 0, 0), (2, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
    with pytest.raises(ValueError, match="singular"):
        voxel_ml(calibrated(np.zeros((4, 4, 4)), affine=flat))


@pytest.mark.parametrize(
    ("shape", "min_size", "expected"),
    [
        ((1, 256, 256), None, 12),
        ((1, 1024, 1024), None, 53),
        ((1, 2000, 2000), None, 200),
        ((60, 512, 512), None, 27),
        ((1, 100, 100), 0.01, 100),
        ((1, 100, 100), 0.00012, 2),
        ((1, 100, 100), 40, 40),
        ((1, 100, 100), 0, 1),
    ],
)
def test_smallest_lesion(shape, min_size, expected):
    assert min_size_px(shape, min_size) == expected


@pytest.mark.parametrize("min_size", [-1, -0.5, 2.5, float("nan"), True])
def test_a_smallest_lesion_that_means_nothing_is_refused(min_size):
    with pytest.raises(ValueError, match="smallest lesion"):
        min_size_px((1, 10, 10), min_size)
