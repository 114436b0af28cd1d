import numpy as np
import pytest

from imaging.measures.region import otsu, region_of, without_borders
from imaging.types import Volume
from tests.measures.factories import box_mask, ellipsoid, picture


def noisy(shape, seed=0):
    return np.random.default_rng(seed).integers(30, 220, shape).astype(np.uint8)


def bordered(top=0, bottom=0, left=0, right=0, value=0):
    array = noisy((1, 40, 50))
    array[:, :top] = array[:, 40 - bottom :] = value
    array[:, :, :left] = array[:, :, 50 - right :] = value
    return array


def test_an_organ_mask_comes_first_with_its_holes_filled():
    organ = box_mask((1, 64, 64), (0, 10, 10), (1, 30, 30))
    organ[0, 20, 20] = False
    found = region_of(picture(modality="DX"), organ)
    assert (found.name, found.px) == ("organ", 400)
    assert found.mask[0, 20, 20]


def test_an_empty_organ_mask_counts_as_none():
    found = region_of(picture(), np.zeros((1, 64, 64), dtype=bool))
    assert found.name == "whole image"


@pytest.mark.parametrize(
    ("organ", "said"),
    [(np.ones((1, 9, 9), dtype=bool), "another grid"), (np.ones((1, 64, 64)), "boolean")],
)
def test_organ_masks_that_are_refused(organ, said):
    with pytest.raises(ValueError, match=said):
        region_of(picture(), organ)


def test_an_unknown_picture_is_counted_whole():
    found = region_of(picture(array=noisy((1, 64, 64))))
    assert (found.name, found.mask, found.px) == ("whole image", None, 64 * 64)


def test_padding_is_not_part_of_the_image():
    array = noisy((1, 20, 20)).astype(np.int16)
    array[:, :5] = -2000
    found = region_of(Volume(array, padding=-2000))
    assert (found.name, found.px) == ("whole image", 300)
    assert not found.mask[0, :5].any()


def test_an_image_of_nothing_but_padding_is_refused():
    with pytest.raises(ValueError, match="padding"):
        region_of(Volume(np.full((1, 9, 9), -2000, np.int16), padding=-2000))


@pytest.mark.parametrize("modality", ["DX", "CR", "dx", "xray", "X-ray"])
def test_an_xray_is_counted_without_its_constant_borders(modality):
    found = region_of(picture(array=bordered(top=4, bottom=6, left=5, right=3), modality=modality))
    assert (found.name, found.px) == ("foreground", 30 * 42)


def test_an_xray_without_borders_is_all_foreground():
    found = region_of(picture(array=noisy((1, 40, 50)), modality="DX"))
    assert (found.name, found.mask, found.px) == ("foreground", None, 2000)


@pytest.mark.parametrize(
    ("sides", "kept"),
    [
        ({}, 2000),
        ({"top": 1}, 1950),
        ({"left": 10, "right": 10}, 1200),
        ({"top": 4, "bottom": 4, "left": 3, "right": 3, "value": 255}, 32 * 44),
    ],
)
def test_borders(sides, kept):
    assert without_borders(bordered(**sides)).sum() == kept


def test_a_border_that_another_hides_is_found():
    array = bordered(top=4, value=0)
    array[:, :, :6] = 255  # a white stripe down to the corner: no row is constant any more
    assert without_borders(array).sum() == 36 * 44


def test_a_gradient_is_not_a_border():
    ramp = np.repeat(np.arange(40, dtype=np.uint8)[None, :, None], 50, axis=2)
    assert without_borders(ramp).sum() >= 36 * 50


def test_a_flat_xray_falls_back_to_the_whole_image_and_says_why():
    found = region_of(picture(modality="DX"))
    assert (found.name, found.px) == ("whole image", 64 * 64)
    assert "under 5 %" in found.note


def body_ct():
    hu = np.full((3, 60, 60), -1000, np.int16)
    hu[:, ellipsoid((60, 60), (30, 30), (22, 27))] = -500  # on the cut is outside
    hu[:, ellipsoid((60, 60), (30, 30), (20, 25))] = -499
    hu[:, ellipsoid((60, 60), (30, 30), (18, 23))] = 40
    hu[:, ellipsoid((60, 60), (30, 25), (8, 6))] = -800  # a lung
    hu[:, 2:4, 2:4] = 100  # the table
    return hu


@pytest.mark.parametrize("rescaled", [False, True])
def test_the_body_of_a_ct_is_its_largest_part_above_minus_500_with_holes_filled(rescaled):
    hu = body_ct()
    array = (hu + 1024).astype(np.uint16) if rescaled else hu
    intercept = -1024.0 if rescaled else 0.0
    found = region_of(Volume(array, modality="CT", unit="HU", intercept=intercept))
    body = ellipsoid((60, 60), (30, 30), (20, 25))
    assert found.name == "foreground"
    assert (found.mask == body[None]).all()


def test_a_ct_picture_without_hounsfield_units_is_counted_whole():
    assert region_of(picture(array=noisy((1, 64, 64)), modality="CT")).name == "whole image"


@pytest.mark.parametrize("slope", [1.0, 0.25])
@pytest.mark.parametrize("modality", ["MR", "mri"])
def test_the_head_of_an_mr_is_above_otsus_cut(modality, slope):
    array = np.random.default_rng(0).integers(0, 40, (4, 60, 60)).astype(np.int16)
    head = ellipsoid((60, 60), (30, 30), (20, 25))
    array[:, head] += 400
    found = region_of(Volume(array, modality=modality, slope=slope))
    assert found.name == "foreground"
    assert (found.mask == head[None]).all()


def test_a_body_under_five_percent_gives_the_whole_image():
    hu = np.full((1, 100, 100), -1000, np.int16)
    hu[:, :20, :20] = 40
    found = region_of(Volume(hu, modality="CT", unit="HU"))
    assert (found.name, found.px) == ("whole image", 10_000)


def test_otsus_cut_parts_two_heaps():
    values = np.concatenate([np.full(900, 10.0), np.full(100, 200.0)])
    cut = otsu(values)
    assert 10 < cut < 200


def test_otsus_cut_is_that_of_skimage():
    from skimage.filters import threshold_otsu

    values = np.random.default_rng(3).normal(0, 1, 4000) + np.repeat([0, 6], 2000)
    width = np.ptp(values) / 256
    assert otsu(values) == pytest.approx(threshold_otsu(values), abs=1.01 * width)


def test_one_value_has_no_cut():
    assert otsu(np.full(9, 3.0)) == float("inf")
