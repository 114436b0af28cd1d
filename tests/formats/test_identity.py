"""To which series a file belongs, said without a look at its pixels."""

from __future__ import annotations

import pytest

from imaging.formats.dicom.identity import identify
from imaging.types import Refused
from tests.formats.factories import dicom_file, nested_dicom, radiograph_dataset
from tests.formats.series import ct_series, enhanced_ct, voxels


@pytest.fixture
def series_of(tmp_path):
    def series(data: bytes) -> str:
        (tmp_path / "file").write_bytes(data)
        return identify(tmp_path / "file").series

    return series


def test_a_slice_belongs_to_its_series(series_of):
    assert {series_of(data) for data in ct_series(uid="1.2.7")} == {"1.2.7"}


def test_radiographs_and_objects_of_many_frames_stand_alone(series_of):
    assert series_of(dicom_file(radiograph_dataset())) == ""
    assert series_of(enhanced_ct()) == ""


def test_slices_without_uids_are_told_by_their_frame_of_reference(series_of):
    blank = {"SeriesInstanceUID": "", "StudyInstanceUID": ""}
    one = ct_series(voxels(3), FrameOfReferenceUID="1.9", SeriesNumber=2, **blank)
    other = ct_series(voxels(3), FrameOfReferenceUID="1.9", SeriesNumber=3, **blank)
    (mine,) = {series_of(data) for data in one}
    (theirs,) = {series_of(data) for data in other}
    assert mine != theirs
    assert len(mine) == 64
    assert "P-1" not in mine
    assert series_of(ct_series(voxels(1), **blank)[0]) == ""


@pytest.mark.parametrize("data", [b"no DICOM" * 50, nested_dicom(100)])
def test_what_is_no_image_is_refused(series_of, data):
    with pytest.raises(Refused):
        series_of(data)
