"""Files of one series become the volumes that they are, on the grid where they lie."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from imaging.formats.budgets import Budgets
from imaging.formats.dicom.series import Found, read_series
from imaging.formats.sniffing import named
from imaging.types import Volume
from tests.formats.conftest import assert_plain
from tests.formats.factories import dicom_file, radiograph_dataset
from tests.formats.series import ct_series, voxels, written


@pytest.fixture
def found(tmp_path):
    def read(files: list[bytes], budgets: Budgets | None = None) -> list[Found]:
        paths = written(tmp_path, files)
        results = list(read_series(paths, budgets))
        for one in results:
            assert (one.decoded is None) != (one.refused is None)
            if one.refused is not None:
                assert_plain(named(one.refused, "slice.dcm"))
        assert {file for one in results for file in one.files} == set(range(len(files)))
        return results

    return read


def only(results: list[Found]) -> tuple[Found, Volume]:
    (one,) = results
    assert one.decoded is not None, one.refused
    return one, one.decoded.volume


def place(volume: Volume, z: int, y: int, x: int) -> np.ndarray:
    return (np.array(volume.affine) @ [x, y, z, 1])[:3]


def test_slices_in_any_order_become_one_volume_in_hounsfield_units(found):
    files = ct_series()
    order = random.Random(3).sample(range(6), 6)
    one, volume = only(found([files[n] for n in order]))
    assert np.array_equal(volume.array, voxels())
    assert [order[file] for file in one.files] == [0, 1, 2, 3, 4, 5]
    assert one.uids == tuple(f"1.2.3.4.{n}" for n in range(1, 7))
    assert volume.spacing_mm == (2.5, 0.8, 0.6)
    assert (volume.unit, volume.intercept, volume.missing) == ("HU", -1024, ())
    assert place(volume, 2, 3, 4) == pytest.approx([-10 + 4 * 0.6, -20 + 3 * 0.8, 30 + 2 * 2.5])
    assert one.decoded.warnings == ()


def test_slices_sent_from_head_to_foot_lie_from_foot_to_head(found):
    _, volume = only(found(ct_series(step=(0, 0, -2.5))))
    assert np.array_equal(volume.array, voxels()[::-1])
    assert place(volume, 0, 0, 0) == pytest.approx([-10, -20, 30 - 5 * 2.5])
    assert np.linalg.det(np.array(volume.affine)[:3, :3]) > 0


def test_a_tilted_gantry_stays_tilted_and_its_voxels_keep_their_volume(found):
    tilt = np.radians(20)
    orientation = (1, 0, 0, 0, np.cos(tilt), np.sin(tilt))
    one, volume = only(found(ct_series(step=(0, 0, 5.0), orientation=orientation)))
    assert place(volume, 5, 0, 0) == pytest.approx([-10, -20, 55])
    assert volume.spacing_mm == pytest.approx((5 * np.cos(tilt), 0.8, 0.6))
    matrix = np.array(volume.affine)[:3, :3]
    assert np.prod(volume.spacing_mm) == pytest.approx(np.linalg.det(matrix))
    assert "slant of 20.0°" in one.decoded.warnings[0]


def test_missing_slices_are_named_and_left_empty(found):
    array = voxels(depth=22)
    files = ct_series(array)
    one, volume = only(found(files[:8] + files[9:14] + files[15:]))
    assert one.decoded.warnings == (
        "1 slice is missing between 8 and 10 and left empty.",
        "1 slice is missing between 14 and 16 and left empty.",
    )
    assert (volume.array.shape[0], volume.missing) == (22, (8, 14))
    there = [z for z in range(22) if z not in volume.missing]
    assert np.array_equal(volume.array[there], array[there])
    assert (volume.array[[8, 14]] == volume.padding).all()
    assert volume.padding < volume.array[there].min()
    assert place(volume, 21, 0, 0) == pytest.approx([-10, -20, 30 + 21 * 2.5])


@pytest.mark.parametrize(("dtype", "wider"), [(np.uint8, "int16"), (np.uint16, "int32")])
def test_an_empty_slice_is_never_taken_for_tissue(found, dtype, wider):
    array = np.zeros((5, 4, 6), dtype)
    files = ct_series(array)
    _, volume = only(found(files[:2] + files[3:]))
    assert (volume.array.dtype.name, volume.padding) == (wider, -1)


def test_too_many_missing_slices_are_refused_with_their_number(found):
    files = ct_series(voxels(depth=12))
    (one,) = found(files[:4] + files[8:])
    assert one.refused.code == "series-gaps"
    assert "lacks 4 of 12 slices" in one.refused.sentence


@pytest.mark.parametrize(
    ("off", "code", "words"),
    [(0.1, "", ""), (0.5, "", "spaced unevenly"), (1.2, "series-uneven", "")],
)
def test_uneven_distances_are_borne_said_or_refused(found, off, code, words):
    heights = [0.0, 2.5, 5.0 + off, 7.5, 10.0, 12.5]
    places = [[0.0, 0.0, height] for height in heights]
    (one,) = found(ct_series(ImagePositionPatient=places))
    assert (one.refused.code if one.refused else "") == code
    if not code:
        assert any(words in remark for remark in one.decoded.warnings) == bool(words)
        assert one.decoded.volume.uneven


@pytest.mark.parametrize(
    ("heights", "uneven"),
    [
        ([0.63, 1.25, 1.88, 2.5, 3.13, 3.75], False),  # 0.625 mm, written with two decimals
        ([0.0, 5.0, 10.0, 15.04, 20.0, 25.0], False),
        ([0.0, 5.0, 10.0, 15.06, 20.0, 25.0], True),
        ([0.0, 5.0, 10.0, 20.0, 25.0, 30.0], False),  # one is missing, the others lie evenly
    ],
)
def test_gaps_a_hundredth_off_the_median_are_uneven(found, heights, uneven):
    _, volume = only(found(ct_series(ImagePositionPatient=[[0.0, 0.0, h] for h in heights])))
    assert volume.uneven == uneven


def test_a_long_series_does_not_drift_off_its_grid(found):
    heights = [[0.0, 0.0, round(0.7 * n, 1)] for n in range(60)]  # the file rounds
    _, volume = only(found(ct_series(voxels(60, 2, 2), ImagePositionPatient=heights)))
    assert volume.array.shape[0] == 60
    assert volume.spacing_mm[0] == pytest.approx(0.7, abs=0.002)


def test_two_different_slices_in_one_place_are_refused(found):
    places = [[0.0, 0.0, 2.5 * n] for n in (0, 1, 1, 2, 3, 4)]
    (one,) = found(ct_series(ImagePositionPatient=places))
    assert one.refused.code == "series-one-place"
    assert "(numbers 2 and 3)" in one.refused.sentence


@pytest.mark.parametrize(
    "keyword", ["EchoNumbers", "TemporalPositionIdentifier", "AcquisitionNumber"]
)
def test_echo_moment_and_acquisition_tell_apart_what_lies_in_one_place(found, keyword):
    places = [[0.0, 0.0, 2.5 * (n % 3)] for n in range(6)]
    results = found(ct_series(ImagePositionPatient=places, **{keyword: [1, 1, 1, 2, 2, 2]}))
    assert [one.files for one in results] == [(0, 1, 2), (3, 4, 5)]
    assert np.array_equal(results[1].decoded.volume.array, voxels()[3:])


def test_a_scanner_that_counts_each_turn_as_an_acquisition_gives_one_volume(found):
    _, volume = only(found(ct_series(AcquisitionNumber=[1, 2, 3, 4, 5, 6])))
    assert volume.array.shape[0] == 6


def test_a_localizer_and_other_sizes_are_told_apart(found):
    kind = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout = ct_series(voxels(1), orientation=(0, 1, 0, 0, 0, -1), ImageType=kind)
    small = ct_series(voxels(2, 6, 6))
    results = found(scout + ct_series() + small)
    shapes = [one.decoded.volume.array.shape for one in results]
    assert shapes == [(1, 12, 10), (6, 12, 10), (2, 6, 6)]
    assert "This is a localizer (scout) image." in results[0].decoded.warnings


def test_orientations_apart_by_more_than_a_thousandth_are_two_stacks(found):
    turned = (1, 0, 0, 0, np.cos(0.01), np.sin(0.01))
    results = found(ct_series(voxels(3)) + ct_series(voxels(3), orientation=turned))
    assert [len(one.files) for one in results] == [3, 3]
    nearly = (1, 0, 0, 0, np.cos(5e-4), np.sin(5e-4))
    heights = [[0.0, 0.0, 7.5 + 2.5 * n] for n in range(3)]
    close = ct_series(voxels(3), orientation=nearly, ImagePositionPatient=heights)
    start = ct_series(voxels(3), start=(0, 0, 0))
    assert [len(one.files) for one in found(start + close)] == [6]


def test_without_places_the_numbers_give_the_order_and_nothing_is_measured(found):
    files = ct_series(ImagePositionPatient=None, InstanceNumber=[6, 5, 4, 3, 2, 1])
    one, volume = only(found(files))
    assert np.array_equal(volume.array, voxels()[::-1])
    assert (volume.spacing_mm, volume.affine, volume.spacing_kind) == (None, None, "none")
    assert "order of their numbers" in one.decoded.warnings[0]


def test_without_places_and_numbers_each_stays_a_picture(found):
    results = found(ct_series(ImagePositionPatient=None, InstanceNumber=None))
    assert [one.decoded.volume.array.shape[0] for one in results] == [1] * 6


def test_slices_with_scales_of_their_own_become_real_values(found):
    _, volume = only(found(ct_series(RescaleSlope=[1, 2, 3, 4, 5, 6], RescaleIntercept=10)))
    real = voxels() * np.arange(1, 7).reshape(6, 1, 1) + 10
    assert (volume.array.dtype, volume.slope, volume.intercept) == (np.float32, 1.0, 0.0)
    assert np.array_equal(volume.array, real.astype(np.float32))
    assert volume.unit == "HU"


def test_a_damaged_slice_is_refused_and_counts_as_missing(found):
    files = ct_series(voxels(depth=12))
    files[5] = files[5][:-40]
    refused, one = found(files)
    assert (refused.files, refused.refused.code) == ((5,), "dicom-truncated")
    assert one.decoded.volume.missing == (5,)
    assert "between 5 and 7" in one.decoded.warnings[0]


def test_one_slice_alone_stays_a_picture_with_its_place(found):
    _, volume = only(found(ct_series(voxels(1), SliceThickness=3)))
    assert (volume.array.shape[0], volume.spacing_mm) == (1, (3.0, 0.8, 0.6))
    assert place(volume, 0, 0, 0) == pytest.approx([-10, -20, 30])


def test_radiographs_of_one_series_stay_apart(found):
    files = [dicom_file(radiograph_dataset(SOPInstanceUID=f"1.2.{n}")) for n in range(3)]
    assert [one.files for one in found(files)] == [(0,), (1,), (2,)]


def test_a_distance_other_than_the_declared_one_is_said(found):
    one, _ = only(found(ct_series(SpacingBetweenSlices=5)))
    assert "The slices lie 2.50 mm apart; the file speaks of 5 mm." in one.decoded.warnings[0]


def test_more_voxels_than_the_budget_are_refused_before_any_is_decoded(found, monkeypatch):
    monkeypatch.setattr("imaging.formats.dicom.opened.Opened.decode", None)
    (one,) = found(ct_series(), Budgets(volume_voxels=500))
    assert one.refused.code == "too-many-voxels"
    (one,) = found(ct_series(), Budgets(frames=5))
    assert one.refused.code == "series-too-long"


def test_a_file_that_is_no_image_spoils_nothing(found, tmp_path):
    results = found([b"no DICOM at all" * 20, *ct_series()])
    assert [one.files for one in results] == [(0,), (1, 2, 3, 4, 5, 6)]
    assert results[0].refused is not None


def test_the_folder_of_files_is_only_read(found, tmp_path):
    found(ct_series())
    assert sorted(path.name for path in Path(tmp_path).iterdir()) == [f"{n}.dcm" for n in range(6)]
