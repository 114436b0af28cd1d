"""A Siemens mosaic becomes the volume of its slices where they lie, or a plain refusal."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from imaging.formats.describing import describe
from imaging.formats.dicom.series import read_series
from imaging.formats.reading import read
from imaging.types import Decoded, Refused, Volume
from tests.formats.mosaics import GAP, mosaic_file
from tests.formats.mutations import mutate
from tests.formats.series import voxels, written
from tests.formats.test_real_files import DATA, needs_data

REAL = Path(nibabel.__file__).parent / "nicom" / "tests" / "data" / "siemens_dwi_0.dcm.gz"
ORIENTATION = DATA / "dicom" / "orientation"
SLICES = voxels(5, 6, 4).astype(np.uint16) + 1


def place(volume: Volume, z: int, y: int, x: int) -> np.ndarray:
    return (np.array(volume.affine) @ [x, y, z, 1])[:3]


def test_the_slices_come_apart_in_their_order_and_lie_where_the_scanner_put_them(decode):
    decoded = decode(mosaic_file(SLICES))
    volume = decoded.volume
    assert np.array_equal(volume.array, SLICES)
    assert volume.spacing_mm == (GAP, 3.0, 2.0)
    assert (volume.spacing_kind, volume.modality, decoded.warnings) == ("calibrated", "MR", ())
    # the header names the corner of a board of 18 x 12 pixels around the same middle: 6 x 4 px less
    corner = np.array([10 + 2.0 * (12 - 4) / 2, 20 + 3.0 * (18 - 6) / 2, 30])
    assert place(volume, 0, 0, 0) == pytest.approx(corner)
    assert place(volume, 4, 5, 3) == pytest.approx(corner + np.array([6, 15, 4 * GAP]))


def test_slices_that_lead_against_the_normal_are_turned_and_stay_in_their_place(decode):
    plain, turned = (
        decode(mosaic_file(SLICES, normal=(0.0, 0.0, side))).volume for side in (1.0, -1.0)
    )
    assert np.array_equal(turned.array, SLICES[::-1])
    assert place(turned, 4, 2, 1) == pytest.approx(place(plain, 0, 2, 1))
    assert place(turned, 0, 2, 1) == pytest.approx(place(plain, 0, 2, 1) - [0, 0, 4 * GAP])
    assert np.linalg.det(np.array(turned.affine)[:3, :3]) > 0


@pytest.mark.parametrize(
    "missing", ["SpacingBetweenSlices", "PixelSpacing", "ImagePositionPatient"]
)
def test_without_a_place_nothing_is_measured_in_millimetres(decode, missing):
    """SliceThickness is no distance: slices may lie apart or overlap."""
    decoded = decode(mosaic_file(SLICES, **{missing: None, "SliceThickness": 3}))
    assert np.array_equal(decoded.volume.array, SLICES)
    assert (decoded.volume.spacing_mm, decoded.volume.affine) == (None, None)
    assert decoded.warnings == (
        "The mosaic does not say where its slices lie: left and right are not known, and nothing "
        "is measured in millimetres.",
    )


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"count": 0}, "dicom-mosaic"),
        ({"count": -4}, "dicom-mosaic-damaged"),
        ({"count": 3}, "dicom-mosaic"),
        ({"count": 10}, "dicom-mosaic"),  # 18 x 12 pixels do not part into 4 x 4
        ({"count": 10**9}, "dicom-mosaic"),
        ({"normal": None}, "dicom-mosaic"),
        ({"normal": (0.0, 1.0, 0.0)}, "dicom-mosaic-damaged"),
        ({"private": b""}, "dicom-mosaic-damaged"),
        ({"private": b"SV10" + bytes(200)}, "dicom-mosaic-damaged"),
        ({"board": np.ones((18, 12), np.uint16)}, "dicom-mosaic"),  # nothing is left blank
    ],
)
def test_a_private_header_that_cannot_be_is_refused(refusal, lie, code):
    assert refusal(mosaic_file(SLICES, **lie)).code == code


def test_each_mosaic_of_a_series_is_a_volume_of_its_own(tmp_path):
    files = [mosaic_file(SLICES + n, SOPInstanceUID=f"1.2.{n}") for n in range(3)]
    found = list(read_series(written(tmp_path, files)))
    assert [(one.files, one.uids) for one in found] == [((n,), (f"1.2.{n}",)) for n in range(3)]
    assert all(np.array_equal(one.decoded.volume.array, SLICES + n) for n, one in enumerate(found))


def test_more_mosaics_than_one_answer_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("imaging.formats.dicom.series.MAX_STACKS", 2)
    found = list(read_series(written(tmp_path, [mosaic_file(SLICES + n) for n in range(3)])))
    assert [one.refused and one.refused.code for one in found] == [None, None, "series-too-mixed"]


def test_a_damaged_mosaic_ends_in_a_volume_or_a_refusal(decode):
    ends = set()
    data = mosaic_file(SLICES)
    for seed in range(300):
        try:
            describe(decode(mutate(data, seed)))
            ends.add("decoded")
        except Refused as refused:
            ends.add(refused.code)
    assert {"decoded", "dicom-mosaic"} <= ends


@pytest.mark.skipif(not REAL.is_file(), reason="nibabel came without its test data")
def test_a_real_diffusion_mosaic_lies_where_spm_puts_it(decode):
    """Its pixels were blanked before it was published; the place is what it proves.

    The numbers: SPM's conversion of this file, from nibabel's own tests; RAS turned to LPS.
    """
    volume = decode(gzip.decompress(REAL.read_bytes()), "dwi.dcm").volume
    assert volume.array.shape == (48, 128, 128)
    assert volume.spacing_mm == (3.0, 1.796875, 1.796875)
    expected = [
        [1.796875, 0, 0, -115],
        [0, 1.79684984, 0.01570896, -135.028779],
        [0, -0.00940843750, 2.99995887, -78.710481],
        [0, 0, 0, 1],
    ]
    assert np.allclose(volume.affine, expected, atol=1e-5)


def orientation(name: str) -> Decoded:
    (path,) = (one for one in (ORIENTATION / name).iterdir() if one.suffix != ".nii")
    return read(path, path.name)


@needs_data
@pytest.mark.data
def test_a_real_mosaic_agrees_voxel_for_voxel_with_another_converter():
    volume = orientation("ax/axasc35").volume
    other = nibabel.load(ORIENTATION / "ax" / "axasc35" / "6_ax_asc_35sl.nii")
    affine = np.diag([-1, -1, 1, 1]) @ other.affine
    there = np.linalg.inv(affine) @ np.array(volume.affine)  # our voxel -> theirs
    assert np.allclose(there, np.rint(there), atol=1e-3)
    z, y, x = np.indices(volume.array.shape)
    index = np.rint(there @ np.stack([x, y, z, np.ones_like(x)]).reshape(4, -1)).astype(int)
    moments = np.asarray(other.dataobj)[tuple(index[:3])].T.reshape(-1, *volume.array.shape)
    # the file is one of the two moments that the other converter joined
    assert [np.array_equal(one, volume.array) for one in moments] == [False, True]


@needs_data
@pytest.mark.data
@pytest.mark.parametrize("order", ["asc35", "asc36", "desc35", "desc36", "int35", "int36"])
def test_three_planes_of_one_head_meet_in_the_patient(order):
    """Turned about, a head in coronal slices looks back; in sagittal ones it is its own mirror."""
    axial = orientation(f"ax/ax{order}").volume
    for plane, apart in (("cor", 0.1), ("sag", None)):
        other = orientation(f"{plane}/{plane}{order}").volume
        right = likeness(axial, other.array, other)
        assert right > 0.6
        if apart:
            assert right > likeness(axial, other.array[::-1], other) + apart


def likeness(volume: Volume, array: np.ndarray, other: Volume) -> float:
    """The correlation of a volume with another one's values at the same places."""
    z, y, x = np.indices(volume.array.shape)
    index = np.stack([x, y, z, np.ones_like(x)]).reshape(4, -1)
    place = np.linalg.inv(np.array(other.affine)) @ np.array(volume.affine) @ index
    values = map_coordinates(array.astype(float), place[[2, 1, 0]], order=1, cval=np.nan)
    known = ~np.isnan(values)
    return float(np.corrcoef(volume.array.ravel()[known], values[known])[0, 1])
