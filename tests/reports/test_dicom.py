"""A result as DICOM: read back by highdicom and pydicom with the same mask, numbers and people."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from django.conf import settings
from django.urls import reverse
from pydicom import dcmread
from pypdf import PdfReader

from accounts.vault.storage import blob_open
from imaging.dicom_out.objects import objects_of
from imaging.dicom_out.request import Request, device_uid
from imaging.mask_files import map_of
from imaging.models import SourceFile
from reports.models import Export, ItemState
from reports.tasks import NOTHING, make_export
from tests.accounts.factories import UserFactory, verify
from tests.formats.factories import dicom_file, radiograph_dataset, ramp
from tests.formats.series import ct_series
from tests.imaging.factories import (
    ImageFactory,
    JobFactory,
    ResultFactory,
    ReviewFactory,
    SourceFileFactory,
    sealed,
    stored,
)
from tests.imaging.volumes import phantom, volume_result
from tests.reports.factories import ExportFactory
from tests.reports.test_exports import made
from tests.reports.test_versions import signed_review

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    verify(client, person)
    return person


def original(house, content: bytes, number: int = 0) -> SourceFile:
    return SourceFileFactory(
        organisation=house,
        format="dicom",
        name=f"{number}.dcm",
        blob=stored(house, content, "source"),
    )


def radiograph_result(user, **header):
    """A DX of 16 × 24 with a disc in its map, its original in the vault."""
    house = user.memberships.get().organisation
    grey = ramp(dtype=np.uint16, top=4095)
    image = ImageFactory(
        user=user, array=grey[None], dicom_modality="DX",
        source=original(house, dicom_file(radiograph_dataset(**header))),
    )  # fmt: skip
    return ResultFactory(user=user, job=JobFactory(user=user, image=image, succeeded=True))


def exported(result) -> dict[str, io.BytesIO]:
    """Return the DICOM objects of one result by name; each item of the export was made."""
    export = ExportFactory(results=[result], items=[result], kind="dicom")
    content = made(export)
    assert export.items.get().state == ItemState.DONE, export.items.get().reason
    return objects(content)


def objects(content: bytes) -> dict[str, io.BytesIO]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: io.BytesIO(archive.read(name)) for name in archive.namelist()}


def mask_of(result) -> np.ndarray:
    levels = np.frombuffer(blob_open(map_of(result)).read(), np.uint8)
    return levels.reshape(result.image.shape) >= result.level


def test_a_radiograph_comes_back_with_mask_numbers_and_patient(user):
    result = radiograph_result(user)
    found = exported(result)
    assert sorted(found) == ["map.dcm", "report.dcm", "seg.dcm", "sr.dcm"]
    seg = hd.seg.segread(found["seg.dcm"])
    assert (seg.PatientName, seg.PatientID) == ("Doe^Jane", "P-1")
    assert seg.StudyInstanceUID == "1.2.3"
    back = seg.get_pixels_by_source_instance(["1.2.3.4.5"])
    assert (back.any(axis=-1) == mask_of(result)).all()
    sr = hd.sr.srread(found["sr.dcm"])
    (whole,) = sr.content.get_image_measurement_groups()
    numbers = {one.name.meaning: one.value for one in whole.get_measurements()}
    row = result.operating
    assert numbers["Affected area"] == row["area_percent"]
    assert numbers["Circularity, 1 is round"] == row["circularity"]
    words = {one.name.meaning: one.value.meaning for one in whole.get_qualitative_evaluations()}
    assert words["Severity"] == row["severity"]
    assert words["Notice"].startswith("Research use only")
    pdf = dcmread(found["report.dcm"])
    (source,) = pdf.SourceInstanceSequence
    assert source.ReferencedSOPInstanceUID == "1.2.3.4.5"
    text = PdfReader(io.BytesIO(pdf.EncapsulatedDocument)).pages[0].extract_text()
    assert str(result.pk)[:8] in text


def test_the_models_stand_as_equipment_and_a_new_version_is_another_device(user):
    seg = dcmread(exported(radiograph_result(user))["seg.dcm"])
    (model,) = [one for one in seg.ContributingEquipmentSequence if "DeviceUID" in one]
    assert model.DeviceUID.startswith("2.25.")
    version = (model.ManufacturerModelName, model.SoftwareVersions)
    assert model.DeviceUID == device_uid(*version) != device_uid(version[0], "2.0.0")


def test_an_unsigned_result_is_unverified_and_a_signed_one_names_its_reader(user):
    result = sealed(radiograph_result(user))
    sr = dcmread(exported(result)["sr.dcm"])
    assert (sr.VerificationFlag, sr.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    signed_review(result, user)
    signed = dcmread(exported(result)["sr.dcm"])
    assert (signed.VerificationFlag, signed.PreliminaryFlag) == ("VERIFIED", "FINAL")
    assert str(signed.VerifyingObserverSequence[0].VerifyingObserverName) == str(user)
    assert signed.SOPInstanceUID != sr.SOPInstanceUID


def test_the_same_export_twice_is_the_same_objects(user):
    result = radiograph_result(user)
    first, second = (exported(result) for _ in range(2))
    for name in first:
        assert dcmread(first[name]).SOPInstanceUID == dcmread(second[name]).SOPInstanceUID


def test_a_picture_gets_a_capture_that_the_others_refer_to(user):
    result = ResultFactory(user=user)
    patient = result.image.patient
    patient.name, patient.record_number = "Rivière^Zoë", "MRN 7"
    patient.save()
    result.image.files.update(sop_instance_uid="")  # as an upload leaves it
    found = exported(result)
    assert sorted(found) == ["map.dcm", "picture.dcm", "report.dcm", "seg.dcm", "sr.dcm"]
    picture = dcmread(found["picture.dcm"])
    assert (str(picture.PatientName), picture.PatientID) == ("Rivière^Zoë", "MRN 7")
    assert not picture.PatientOrientation
    assert picture.pixel_array.shape == (result.image.height, result.image.width)
    seg = hd.seg.segread(found["seg.dcm"])
    back = seg.get_pixels_by_source_instance([picture.SOPInstanceUID])
    assert (back.any(axis=-1) == mask_of(result)).all()


def test_a_series_comes_back_slice_by_slice_with_a_segment_for_each_region(user, tmp_path):
    house = user.memberships.get().organisation
    slices = ct_series(phantom(), step=(0.0, 0.0, 2.0), PixelSpacing=[0.8, 0.8])
    result = volume_result(
        user, tmp_path, files=[original(house, one, n) for n, one in enumerate(slices)],
        source=original(house, slices[0]),
    )  # fmt: skip
    found = exported(result)
    headers = [dcmread(io.BytesIO(one), stop_before_pixels=True) for one in slices]
    seg = hd.seg.segread(found["seg.dcm"])
    regions = list(result.lesions.order_by("position"))
    assert seg.number_of_segments == len(regions) == 2
    back = seg.get_pixels_by_source_instance([one.SOPInstanceUID for one in headers])
    assert [int(back[..., n].sum()) for n in range(2)] == [one.facts["px"] for one in regions]
    assert (back.any(axis=-1) <= mask_of(result)).all()
    groups = hd.sr.srread(found["sr.dcm"]).content.get_volumetric_roi_measurement_groups()
    assert [one.tracking_uid for one in groups] == [one.tracking_uid for one in regions]
    volumes = [
        measure.value
        for group in groups
        for measure in group.get_measurements()
        if measure.name.meaning == "Volume"
    ]
    assert volumes == [one.facts["volume_ml"] for one in regions]


def test_what_cannot_be_is_left_out_with_its_reason(user, tmp_path):
    nifti = volume_result(user, tmp_path)
    bare = radiograph_result(user, SOPClassUID="1.2.3.4", Modality="XX")
    bare.image.facts["unit"] = "stored value"
    good = radiograph_result(user)
    export = ExportFactory(results=[nifti, good], items=[nifti, good], kind="dicoms")
    names = sorted(objects(made(export)))
    assert names == [f"0002-{str(good.pk)[:8]}/{one}.dcm" for one in ("map", "report", "seg", "sr")]
    left = export.items.get(state=ItemState.SKIPPED)
    assert (left.result, "NIfTI" in left.reason) == (nifti, True)
    alone = ExportFactory(results=[bare], items=[bare], kind="dicoms")
    make_export(str(alone.pk))
    alone.refresh_from_db()
    assert (alone.status, alone.error) == ("failed", NOTHING)
    assert "header" in alone.items.get().reason


def test_several_become_a_zip_of_folders_and_one_stays_one(client, user, queued):
    results = [radiograph_result(user) for _ in range(2)]
    for chosen, kind in ((results, "dicoms"), (results[:1], "dicom")):
        client.post(
            reverse("reports:export-create"),
            {"kind": "dicom", "result": [str(one.pk) for one in chosen]},
        )
        assert Export.objects.latest("created_at").kind == kind


def test_a_stranger_gets_nothing(client, user, queued):
    result = radiograph_result(UserFactory())
    client.post(reverse("reports:export-create"), {"kind": "dicom", "result": str(result.pk)})
    assert not Export.objects.exists()


def test_the_map_leaves_as_the_probabilities_that_are_stored(user):
    result = radiograph_result(user)
    found = exported(result)["map.dcm"]
    levels = np.frombuffer(blob_open(map_of(result)).read(), np.uint8)
    assert (map_in(found) == levels.reshape(result.image.shape)[0]).all()
    found.seek(0)
    seg = dcmread(found)
    assert (seg.SegmentationType, seg.SegmentationFractionalType) == ("FRACTIONAL", "PROBABILITY")
    assert seg.MaximumFractionalValue == 255
    assert seg.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"


def map_in(file: io.BytesIO) -> np.ndarray:
    """The stored values (Y, X) of the map of one picture, as pydicom reads them."""
    file.seek(0)
    return np.squeeze(dcmread(file).pixel_array)


def test_an_edited_mask_is_semiautomatic(user):
    result = radiograph_result(user)
    edited = np.zeros(result.image.shape, np.uint8)
    edited[0, 2:6, 3:9] = 1
    mask = stored(result.organisation, edited.tobytes(), "mask", result.patient_id)
    ReviewFactory(result=result, decision="edited", mask=mask, row=result.operating, lesions=[])
    found = exported(result)
    seg = hd.seg.segread(found["seg.dcm"])
    back = seg.get_pixels_by_source_instance(["1.2.3.4.5"])
    assert (back.any(axis=-1) == edited.astype(bool)).all()
    (segment,) = seg.SegmentSequence
    assert segment.SegmentAlgorithmType == "SEMIAUTOMATIC"
    levels = np.frombuffer(blob_open(map_of(result)).read(), np.uint8)
    assert (map_in(found["map.dcm"]) == levels.reshape(result.image.shape)[0]).all()


REAL = Path(settings.BASE_DIR).parent / "shared" / "data" / "dicom"
CASES = ["highdicom/dx_image.dcm", "pydicom_data/RG3_J2KI.dcm", "dcmqi/segmentations/ct-3slice",
         "totalseg_example_ct_dicom"]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_headers_as_scanners_and_anonymisers_write_them(case, tmp_path):
    """The objects of real files, straight from the room that makes them, read back equal."""
    if not REAL.exists():
        pytest.skip("the collection of real DICOM files is not beside this checkout")
    place = REAL / case
    files = sorted(place.iterdir())[:8] if place.is_dir() else [place]
    header = dcmread(files[0], stop_before_pixels=True)
    mask = np.zeros((len(files), header.Rows, header.Columns), np.uint8)
    mask[:, 10:20, 10:30] = 1
    uids = [f"2.25.{n + 1}" for n in range(len(files))]
    request = Request(
        identity="a 1", title="Lungs", version="0.1.0", shape=mask.shape, level=1, unit="HU",
        is_edited=False, lesions=[], measures=[], said=[["NOTICE", "Notice", "Research"]],
        classes=[["fracture", 0.25]], boxes=[["nodule", 0.5, 1, 2, 30, 40, 0]],
        members=[{"name": "m", "version": "1"}], signer=None, capture=None,
        uids={"study": "2.25.8", "series": "2.25.9", "instances": uids},
    )  # fmt: skip
    made = objects_of(request, files, grey=None, levels=mask, pdf=b"%PDF-1.7")
    for name, dataset in made.items():
        dataset.save_as(tmp_path / name, enforce_file_format=True)
    seg = hd.seg.segread(tmp_path / "seg.dcm")
    headers = [dcmread(one, stop_before_pixels=True) for one in files]
    known = [one.get("SOPInstanceUID") or uid for one, uid in zip(headers, uids, strict=True)]
    assert (seg.get_pixels_by_source_instance(known)[..., 0] == mask).all()
    content = hd.sr.srread(tmp_path / "sr.dcm").content
    (box,) = [one for one in content.get_planar_roi_measurement_groups() if one.roi is not None]
    assert box.roi.value.tolist()[2] == [30.0, 40.0]
    (whole,) = content.get_image_measurement_groups()
    assert [one.value for one in whole.get_measurements()] == [0.25]
