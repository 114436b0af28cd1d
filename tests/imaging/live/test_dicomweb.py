"""DICOMweb as a program has it: dicomweb-client against the live server and a real worker."""

from __future__ import annotations

import io

import numpy as np
import pytest
from dicomweb_client.api import DICOMwebClient
from PIL import Image as Picture
from pydicom import Dataset, dcmread
from requests import HTTPError, Session

from tests.accounts.api.calls import bearer, pair_of
from tests.formats.series import ct_series, voxels

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


@pytest.fixture
def web(live_server, client, user) -> DICOMwebClient:
    session = Session()
    session.headers.update(bearer(pair_of(client, user)["access"]))
    return DICOMwebClient(url=f"{live_server.url}/dicomweb", session=session)


def stored(web: DICOMwebClient, files: list[bytes]) -> list[Dataset]:
    datasets = [dcmread(io.BytesIO(one)) for one in files]
    answer = web.store_instances(datasets)
    assert "FailedSOPSequence" not in answer
    kept = [str(one.ReferencedSOPInstanceUID) for one in answer.ReferencedSOPSequence]
    assert kept == [str(one.SOPInstanceUID) for one in datasets]
    return datasets


def names(one: Dataset) -> tuple[str, str, str]:
    return one.StudyInstanceUID, one.SeriesInstanceUID, one.SOPInstanceUID


def assert_frames_are_its_own(web: DICOMwebClient, one: Dataset) -> None:
    (frame,) = web.retrieve_instance_frames(
        *names(one), [1], media_types=("application/octet-stream",)
    )
    values = one.pixel_array
    kind = values.dtype.newbyteorder("<")
    assert (np.frombuffer(frame, kind).reshape(values.shape) == values).all()


def test_a_series_there_and_back_again(web, worker):
    files = ct_series(StudyDate="20260302", PatientID="P-7")
    datasets = stored(web, files)
    study, series, _ = names(datasets[0])
    (row,) = web.search_for_studies(search_filters={"StudyDate": "20260302"})
    assert Dataset.from_json(row).NumberOfStudyRelatedInstances == 6
    assert len(web.search_for_series(study)) == 1
    assert len(web.search_for_instances(study, series, limit=4)) == 4
    assert len(web.search_for_instances(study, get_remaining=True)) == 6
    told = [Dataset.from_json(one) for one in web.retrieve_series_metadata(study, series)]
    assert [one.InstanceNumber for one in told] == [1, 2, 3, 4, 5, 6]
    for one, plane in zip(datasets, voxels(), strict=True):
        assert (one.pixel_array == plane).all()
        assert_frames_are_its_own(web, one)
    whole = web.retrieve_series(study, series)
    assert [one.PixelData for one in whole] == [one.PixelData for one in datasets]
    drawn = web.retrieve_instance_rendered(*names(datasets[0]), media_types=("image/png",))
    assert np.asarray(Picture.open(io.BytesIO(drawn))).shape == (12, 10)
    assert [one.PixelData for one in web.retrieve_study(study)] == [one.PixelData for one in whole]
    stored(web, files)  # sent again they are the same
    assert len(web.search_for_studies()) == 1
    with pytest.raises(HTTPError, match="409"):
        web.store_instances(datasets[:1], study_instance_uid="1.99")


@pytest.mark.data
def test_one_picture_in_every_transfer_syntax_keeps_its_pixels(web, worker, data_root):
    """Real files; each gets numbers of its own, since they are one instance written many ways."""
    ways = (
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.2",
    )
    for number, syntax in enumerate(ways):
        (path,) = (data_root / "dicom" / "cornerstone").glob(f"CTImage.dcm_*_{syntax}.dcm")
        one = dcmread(path)
        one.StudyInstanceUID, one.SeriesInstanceUID = f"1.2.99.{number}", f"1.2.98.{number}"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.97.{number}"
        buffer = io.BytesIO()
        one.save_as(buffer, enforce_file_format=True)
        stored(web, [buffer.getvalue()])
        assert_frames_are_its_own(web, one)
        told = Dataset.from_json(web.retrieve_instance_metadata(*names(one)))
        assert (told.Rows, told.Columns, told.Modality) == (one.Rows, one.Columns, one.Modality)
    assert len(web.search_for_studies()) == len(ways)
