"""A cohort as DICOM: no identity, one patient one shift, results that refer to what leaves."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date

import highdicom as hd
import numpy as np
import pytest
from django.urls import reverse
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from accounts.roles import CLINICIAN, RADIOLOGIST, RESEARCHER
from imaging.confidential.disguise import CODES
from imaging.models.cohorts import HoldState
from reports import tasks
from reports.cohort_dicom import disguise_of
from reports.models import Export, ExportStatus
from tests.accounts.factories import MembershipFactory, OrganisationFactory, verify
from tests.formats.factories import dicom_file, radiograph_dataset, ramp
from tests.formats.series import ct_series
from tests.imaging.factories import (
    CohortFactory,
    ImageFactory,
    JobFactory,
    PatientFactory,
    ResultFactory,
    RunFactory,
    StudyFactory,
)
from tests.imaging.volumes import phantom, volume_result
from tests.reports.test_cohort_files import ask, made
from tests.reports.test_dicom import mask_of, original

pytestmark = pytest.mark.django_db
CANARIES = (
    b"Zqname", b"ZQRECORD", b"19310729", b"20040119", b"20040120", b"ZQACCESSION", b"Zqtitle",
    b"Zqfile", b"Zqrun", b"Zqhospital", b"Zqprivate", b"1.2.3.4", b"1.2.777",
)  # fmt: skip
TELLING = {
    "PatientName": "Zqname^Jane", "PatientID": "ZQRECORD-1", "PatientBirthDate": "19310729",
    "StudyDate": "20040119", "AcquisitionDate": "20040120", "AccessionNumber": "ZQACCESSION",
    "InstitutionName": "Zqhospital", "StudyDescription": "Thorax Zqname",
    "FrameOfReferenceUID": "1.2.777.1", "StudyInstanceUID": "1.2.777.2",
}  # fmt: skip


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def researcher(house):
    return MembershipFactory(organisation=house, role=RESEARCHER).user


def radiograph(house, patient=None, *, is_private=True, **header):
    dataset = radiograph_dataset(**TELLING | header)
    if is_private:
        dataset.private_block(0x0011, "Zqprivate", create=True).add_new(1, "LO", "Zqprivate")
    grey = ramp(dtype=np.uint16, top=4095)
    patient = patient or PatientFactory(organisation=house, name="Zqname^Jane")
    return ImageFactory(
        study=StudyFactory(organisation=house, patient=patient, title="Zqtitle"),
        array=grey[None], dicom_modality="DX",
        source=original(house, dicom_file(dataset)),
    )  # fmt: skip


def analysed(house, image):
    run = RunFactory(organisation=house, requested_by=image.study.uploaded_by, title="Zqrun")
    run.frozen["name"] = "lungs"
    run.save()
    return ResultFactory(job=JobFactory(run=run, image=image, succeeded=True))


def taken(researcher, cohort) -> dict[str, bytes]:
    content = made(ask(researcher, cohort, "anon-dcm"))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    for name, member in {"": content, **found}.items():
        assert not [word for word in CANARIES if word in name.encode() + member], name
    return found


def parsed(content: bytes) -> Dataset:
    return dcmread(io.BytesIO(content))


def told(found: dict[str, bytes]) -> list[dict]:
    return list(csv.DictReader(io.StringIO(found["index.csv"].decode("utf-8-sig"))))


def test_a_radiograph_leaves_with_its_findings_and_no_identity(house, researcher, queued):
    result = analysed(house, radiograph(house))
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[result.image])
    found = taken(researcher, cohort)
    row = cohort.images.get()
    place = f"{row.study_name}/0001"
    names = ["00001.dcm", "map-1.dcm", "seg-1.dcm", "sr-1.dcm"]
    assert list(found) == [*(f"{place}/{name}" for name in names), "index.csv"]
    picture, probabilities, seg, sr = (parsed(found[f"{place}/{name}"]) for name in names)
    assert (picture.pixel_array == ramp(dtype=np.uint16, top=4095)).all()
    for one in (picture, probabilities, seg, sr):
        assert (one.PatientID, str(one.PatientName)) == (row.patient_name, row.patient_name)
        assert one.PatientIdentityRemoved == "YES"
        assert {code.CodeValue for code in one.DeidentificationMethodCodeSequence} == set(CODES)
        assert one.LongitudinalTemporalInformationModified == "MODIFIED"
        assert one.StudyInstanceUID == picture.StudyInstanceUID
        assert one.StudyDate == picture.StudyDate
    back = hd.seg.segread(io.BytesIO(found[f"{place}/seg-1.dcm"]))
    mask = back.get_pixels_by_source_instance([picture.SOPInstanceUID])
    assert (mask.any(axis=-1) == mask_of(result)).all()
    assert sr.SeriesDescription.startswith("lungs")
    assert told(found) == [
        {"study": row.study_name, "patient": row.patient_name, "picture": "1", "files": "4",
         "left_out": ""}
    ]  # fmt: skip


def test_a_series_keeps_its_order_its_frame_of_reference_and_its_segments(
    house, researcher, queued, tmp_path
):
    user = MembershipFactory(organisation=house, role=RADIOLOGIST).user
    header = TELLING | {"PixelSpacing": [0.8, 0.8]}
    slices = ct_series(phantom(), step=(0.0, 0.0, 2.0), **header)
    result = volume_result(
        user, tmp_path, files=[original(house, one, n) for n, one in enumerate(slices)],
        source=original(house, slices[0]),
    )  # fmt: skip
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[result.image])
    found = taken(researcher, cohort)
    series = [parsed(content) for name, content in found.items() if name[-9:-4].isdecimal()]
    assert [int(one.InstanceNumber) for one in series] == list(range(1, len(slices) + 1))
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "StudyDate"):
        assert len({one.get(name) for one in series}) == 1, name
    (seg_name,) = [name for name in found if "seg-1" in name]
    seg = hd.seg.segread(io.BytesIO(found[seg_name]))
    assert seg.FrameOfReferenceUID == series[0].FrameOfReferenceUID
    mask = seg.get_pixels_by_source_instance([one.SOPInstanceUID for one in series])
    assert [int(mask[..., n].sum()) for n in range(2)] == [
        one.facts["px"] for one in result.lesions.order_by("position")
    ]
    regions = {one.TrackingUID for one in seg.SegmentSequence}
    assert not regions & set(result.lesions.values_list("tracking_uid", flat=True))
    (sr_name,) = [name for name in found if "sr-1" in name]
    groups = hd.sr.srread(io.BytesIO(found[sr_name])).content
    assert {one.tracking_uid for one in groups.get_volumetric_roi_measurement_groups()} == regions


def test_a_patients_dates_move_as_one_and_two_patients_apart(house, researcher, queued):
    patient = PatientFactory(organisation=house)
    first = radiograph(house, patient, SOPInstanceUID="1.2.777.11")
    second = radiograph(
        house, patient, SOPInstanceUID="1.2.777.12", StudyDate="20040219",
        AcquisitionDateTime="20040120101112",
    )  # fmt: skip
    other = radiograph(house, SOPInstanceUID="1.2.777.13")
    cohort = CohortFactory(
        organisation=house, readers=[researcher], images=[first, second, other]
    )  # fmt: skip
    found = taken(researcher, cohort)
    rows = {one.image_id: one for one in cohort.images.all()}
    a, b, c = (
        parsed(found[f"{rows[one.pk].study_name}/{rows[one.pk].position:04d}/00001.dcm"])
        for one in (first, second, other)
    )
    days = disguise_of(rows[first.pk]).days
    assert days != disguise_of(rows[other.pk]).days
    assert disguise_of(rows[second.pk]).days == days
    assert a.StudyDate == disguise_of(rows[first.pk]).date("20040119") != c.StudyDate
    assert (_day(b.StudyDate) - _day(a.StudyDate)).days == 31
    assert a.AcquisitionDate == b.AcquisitionDateTime[:8]
    assert b.AcquisitionDateTime.endswith("101112")
    assert a.PatientID == b.PatientID != c.PatientID
    assert a.StudyInstanceUID == c.StudyInstanceUID  # the test's files say the same


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def test_another_cohort_gives_other_names_uids_and_days(house, researcher, queued):
    image = radiograph(house)
    one, two = (
        CohortFactory(organisation=house, readers=[researcher], images=[image]) for _ in range(2)
    )
    first, second = (
        parsed(next(content for name, content in taken(researcher, cohort).items()))
        for cohort in (one, two)
    )
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.PatientID != second.PatientID
    assert first.StudyDate != second.StudyDate


def test_a_picture_becomes_a_capture_where_a_result_refers_to_it(house, researcher, queued):
    result = analysed(house, ImageFactory(study__organisation=house))
    plain = ImageFactory(study__organisation=house)
    cohort = CohortFactory(
        organisation=house, readers=[researcher], images=[result.image, plain]
    )  # fmt: skip
    cohort.images.update(state=HoldState.CLEARED, hold="picture", decided_by=researcher,
                         decided_at=cohort.created_at)  # fmt: skip
    found = taken(researcher, cohort)
    row = cohort.images.get(image=result.image)
    place = f"{row.study_name}/{row.position:04d}"
    assert {f"{place}/{name}.dcm" for name in ("map-1", "picture", "seg-1", "sr-1")} < set(found)
    picture = parsed(found[f"{place}/picture.dcm"])
    assert (picture.PatientID, picture.PatientIdentityRemoved) == (row.patient_name, "YES")
    assert picture.StudyInstanceUID != result.image.study.study_instance_uid
    seg = hd.seg.segread(io.BytesIO(found[f"{place}/seg-1.dcm"]))
    assert seg.get_pixels_by_source_instance([picture.SOPInstanceUID]).any()
    other = cohort.images.get(image=plain)
    assert f"{other.study_name}/{other.position:04d}.png" in found


def test_a_volume_of_nifti_leaves_as_nifti(house, researcher, queued):
    volume = ImageFactory(study__organisation=house, array=np.zeros((4, 24, 32), np.int16))
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[volume])
    row = cohort.images.get()
    assert set(taken(researcher, cohort)) == {f"{row.study_name}/0001.nii.gz", "index.csv"}


def test_text_in_the_pixels_stays_in_the_house_even_where_the_row_was_free(
    house, researcher, queued
):
    good = radiograph(house)
    telling = radiograph(house, BurnedInAnnotation="YES")
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[good, telling])
    found = taken(researcher, cohort)
    row = cohort.images.get(image=telling)
    assert not [name for name in found if name.startswith(row.study_name)]
    assert [line["left_out"] for line in told(found)] == [
        "", "Its pixels may show text, and nobody has looked: it stays in the house.",
    ]  # fmt: skip
    row.state, row.hold, row.decided_by = HoldState.CLEARED, "burned-in", researcher
    row.decided_at = cohort.created_at
    row.save()
    found = taken(researcher, cohort)
    assert parsed(found[f"{row.study_name}/0002/00001.dcm"]).BurnedInAnnotation == "NO"


def test_what_is_held_back_or_left_out_is_in_no_file(house, researcher, queued):
    good, held, refused = (radiograph(house) for _ in range(3))
    cohort = CohortFactory(
        organisation=house, readers=[researcher], images=[good], held=[held, refused]
    )  # fmt: skip
    cohort.images.filter(image=refused).update(
        state=HoldState.REFUSED, decided_by=researcher, decided_at=cohort.created_at
    )
    assert len(told(taken(researcher, cohort))) == 1


def test_where_nothing_can_leave_the_export_says_why(house, researcher, queued):
    telling = radiograph(house, BurnedInAnnotation="YES")
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[telling])
    export = ask(researcher, cohort, "anon-dcm")
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert (export.status, export.blob) == (ExportStatus.FAILED, None)
    assert "nobody has looked" in export.error


def test_references_within_the_cohort_lead_to_what_leaves(house, researcher, queued):
    patient = PatientFactory(organisation=house)
    first = radiograph(house, patient, SOPInstanceUID="1.2.777.21")
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.3.4", "1.2.777.21"
    item.PatientName = "Zqname^Nested"
    second = radiograph(
        house, patient, SOPInstanceUID="1.2.777.22", ReferencedImageSequence=Items([item])
    )
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[first, second])
    found = taken(researcher, cohort)
    pictures = [parsed(content) for name, content in found.items() if name.endswith(".dcm")]
    (reference,) = pictures[1].ReferencedImageSequence
    assert reference.ReferencedSOPInstanceUID == pictures[0].SOPInstanceUID
    assert "PatientName" not in reference or not reference.PatientName


# --- pages


def test_the_page_says_what_stays_what_goes_and_warns_of_pixels(client, house, researcher):
    cohort = CohortFactory(
        organisation=house, readers=[researcher], images=[radiograph(house)],
        held=[radiograph(house)],
    )  # fmt: skip
    verify(client, researcher)
    page = client.get(reverse("reports:cohort-files", args=[cohort.pk])).content.decode()
    for words in ('value="anon-dcm"', "What goes", "What stays", "Words in the pixels"):
        assert words in page
    client.post(reverse("reports:cohort-export", args=[cohort.pk]), {"kind": "anon-dcm"})
    assert Export.objects.get().kind == "anon-dcm"


@pytest.mark.parametrize(("role", "status"), [(RADIOLOGIST, 403), (CLINICIAN, 403), ("", 404)])
def test_another_role_and_a_stranger_get_nothing(client, house, researcher, role, status):
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[radiograph(house)])
    elsewhere = {"role": RESEARCHER} if not role else {"organisation": house, "role": role}
    verify(client, MembershipFactory(**elsewhere).user)
    address = reverse("reports:cohort-export", args=[cohort.pk])
    assert client.post(address, {"kind": "anon-dcm"}).status_code == status
    assert not Export.objects.exists()


def test_the_anonymous_are_sent_away(client, house, researcher):
    cohort = CohortFactory(organisation=house, readers=[researcher], images=[radiograph(house)])
    answer = client.post(reverse("reports:cohort-export", args=[cohort.pk]), {"kind": "anon-dcm"})
    assert answer.status_code == 302
    assert not Export.objects.exists()
