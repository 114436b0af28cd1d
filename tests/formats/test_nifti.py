"""NIfTI-1: geometry, types, scaling; and headers that lie."""

import gzip
import math

import nibabel
import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Image

from imaging.formats.budgets import Budgets
from imaging.formats.describing import describe
from tests.formats import factories as make

VALUES = np.arange(2 * 3 * 20).reshape(2, 3, 20)


@pytest.mark.parametrize("packed", [False, True])
def test_a_volume_keeps_its_slices_rows_and_columns(decode, packed):
    data = make.nifti_file(VALUES.astype(np.int16), packed=packed)
    decoded = decode(data, "a.nii.gz" if packed else "a.nii")
    assert decoded.format == ("nifti.gz" if packed else "nifti")
    assert np.array_equal(decoded.volume.array, VALUES)
    assert decoded.volume.array.dtype == np.int16
    assert decoded.volume.spacing_mm == (4, 3, 2)
    assert decoded.volume.spacing_kind == "calibrated"
    assert not decoded.volume.raster
    assert decoded.warnings == ()


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ("u1", "uint8"),
        ("i1", "int16"),
        ("i2", "int16"),
        (">i2", "int16"),
        ("u2", "uint16"),
        ("i4", "int32"),
        ("u4", "int32"),
        ("i8", "int32"),
        ("f4", "float32"),
        (">f4", "float32"),
        ("f8", "float32"),
    ],
)
def test_every_type_becomes_an_allowed_one(decode, stored, kept):
    array = (VALUES % 100).astype(stored)
    image = Nifti1Image(array.T, np.eye(4), dtype=array.dtype)
    if stored[0] == ">":
        header = nibabel.Nifti1Header(endianness=">")
        image = Nifti1Image(array.T, np.eye(4), header, dtype=array.dtype)
    volume = decode(image.to_bytes(), "a.nii").volume
    assert volume.array.dtype == kept
    assert np.array_equal(volume.array, VALUES % 100)


def test_the_affine_leads_from_voxels_to_lps(decode):
    affine = np.array([[0, -2, 0, 5], [3, 0, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1.0]])
    volume = decode(make.nifti_file(affine=affine), "a.nii").volume
    assert np.allclose(volume.affine, np.diag([-1, -1, 1, 1]) @ affine)
    assert volume.spacing_mm == (4, 2, 3)


def test_axes_are_named(decode):
    decoded = decode(make.nifti_file(), "a.nii")
    assert describe(decoded)["orientation"] == "RAS axial"
    sagittal = np.array([[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])
    assert describe(decode(make.nifti_file(affine=sagittal), "a.nii"))["orientation"] == (
        "PIR sagittal"
    )


def test_the_quaternion_counts_where_there_is_no_matrix(decode):
    image = Nifti1Image(VALUES.astype(np.uint8).T, None)
    image.set_qform(np.array([[0, -2, 0, 5], [3, 0, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1.0]]), 1)
    image.set_sform(None, 0)
    volume = decode(image.to_bytes(), "a.nii").volume
    assert np.allclose(volume.affine[0], (0, 2, 0, -5), atol=1e-5)


def test_without_a_position_the_side_is_unknown(decode):
    decoded = decode(make.nifti_header(qform_code=0, sform_code=0), "a.nii")
    assert decoded.volume.affine is None
    assert decoded.volume.spacing_mm == (4, 3, 2)
    assert "left and right are not known" in decoded.warnings[0]


@pytest.mark.parametrize(("unit", "factor"), [(1, 1000), (2, 1), (3, 0.001)])
def test_units_of_length(decode, unit, factor):
    volume = decode(make.nifti_header(xyzt_units=unit), "a.nii").volume
    expected = (4 * factor, 3 * factor, 2 * factor)
    if unit == 1:  # metres: no scanner has such voxels
        assert volume.spacing_mm is None
    else:
        assert volume.spacing_mm == pytest.approx(expected)


def test_an_unknown_unit_is_assumed_and_said(decode):
    decoded = decode(make.nifti_header(xyzt_units=0), "a.nii")
    assert "millimetres are assumed" in decoded.warnings[0]


@pytest.mark.parametrize(
    ("slope", "inter", "kept"),
    [(2.0, -1024.0, (2.0, -1024.0)), (0.0, 5.0, (1.0, 0.0)), (math.nan, 0.0, (1.0, 0.0))],
)
def test_scaling_is_kept_beside_the_stored_values(decode, slope, inter, kept):
    volume = decode(make.nifti_header(scl_slope=slope, scl_inter=inter), "a.nii").volume
    assert (volume.slope, volume.intercept) == kept
    assert volume.array.dtype == np.uint8


def test_two_dimensions_are_one_slice(decode):
    volume = decode(make.nifti_header(dim=(2, 20, 6, 1, 1, 1, 1, 1)), "a.nii").volume
    assert volume.array.shape == (1, 6, 20)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"dim": (4, 20, 3, 1, 2, 1, 1, 1)}, "nifti-4d"),
        ({"dim": (5, 20, 3, 1, 1, 2, 1, 1)}, "nifti-4d"),
        ({"dim": (3, 30_000, 30_000, 30_000, 1, 1, 1, 1)}, "too-many-voxels"),
        ({"dim": (3, -20, 3, 2, 1, 1, 1, 1)}, "nifti-broken"),
        ({"dim": (0, 20, 3, 2, 1, 1, 1, 1)}, "nifti-broken"),
        ({"dim": (9, 20, 3, 2, 1, 1, 1, 1)}, "nifti-broken"),
        ({"dim": (3, 400, 300, 2, 1, 1, 1, 1)}, "nifti-truncated"),
        ({"datatype": 32}, "nifti-type"),
        ({"datatype": 128}, "nifti-type"),
        ({"datatype": 7}, "nifti-type"),
        ({"vox_offset": 1e30}, "nifti-broken"),
        ({"vox_offset": math.nan}, "nifti-broken"),
        ({"vox_offset": -5.0}, "nifti-broken"),
        ({"vox_offset": 1e8}, "nifti-truncated"),
        ({"scl_slope": math.inf}, "nifti-broken"),
        ({"scl_slope": 1.0, "scl_inter": math.nan}, "nifti-broken"),
        ({"srow_x": (math.nan, 0.0, 0.0, 0.0)}, "nifti-broken"),
    ],
)
def test_a_header_that_lies_is_refused(refusal, fields, code):
    assert refusal(make.nifti_header(**fields), "a.nii").code == code
    assert refusal(gzip.compress(make.nifti_header(**fields)), "a.nii.gz").code == code


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_voxels_that_are_not_numbers_are_refused(refusal, value, dtype):
    array = np.zeros((2, 3, 4), dtype)
    with np.errstate(over="ignore"):
        array[1, 1, 1] = value
    assert refusal(make.nifti_file(array), "a.nii").code == "not-finite"


def test_voxels_above_31_bits_are_refused(refusal):
    image = Nifti1Image(np.full((3, 3, 3), 2**40), np.eye(4), dtype=np.int64)
    assert refusal(image.to_bytes(), "a.nii").code == "nifti-range"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_cut_volume_is_refused(refusal, share):
    array = np.random.default_rng(6).integers(0, 255, (20, 30, 40), dtype=np.uint8)
    for name, packed in (("a.nii", False), ("a.nii.gz", True)):
        data = make.nifti_file(array, packed=packed)
        answer = refusal(data[: int(len(data) * share)], name)
        assert answer.code.startswith(("nifti", "content-gzip"))


def test_a_flipped_bit_in_a_packed_volume_is_found(refusal):
    data = bytearray(make.nifti_file(np.zeros((20, 30, 40), np.int16), packed=True))
    data[-6] ^= 1  # in the checksum
    assert refusal(bytes(data), "a.nii.gz").code == "nifti.gz-damaged"


def test_a_bomb_is_refused_by_its_dimensions_before_it_is_inflated(refusal):
    bomb = make.nifti_header(dim=(3, 1024, 1024, 256, 1, 1, 1, 1), datatype=64)
    answer = refusal(gzip.compress(bomb), "a.nii.gz")
    assert answer.code == "inflates-too-far"
    assert "1,024 MiB" in answer.sentence


def test_data_without_end_behind_the_voxels_is_counted(refusal):
    data = gzip.compress(make.nifti_file() + bytes(9 << 20))
    assert refusal(data, "a.nii.gz", Budgets(inflated_bytes=8 << 20)).code == "nifti-broken"
