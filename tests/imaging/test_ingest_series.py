"""Series, archives and lists of files through the real decode child, killed and sent twice."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.db.models import F
from django.utils.timezone import now
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from accounts.models import Blob
from accounts.vault.storage import blob_open
from imaging.models import Image, ImageFile, ItemStatus, SourceFile, Upload
from imaging.services import batches, filing
from imaging.services.shredding import is_shredded, patient_shred
from imaging.services.uploads import upload_ingest, uploads_recover
from tests.accounts.factories import UserFactory
from tests.formats.factories import dicom_dataset, dicom_file, nifti_file, png_file
from tests.formats.series import ct_series, enhanced_ct, voxels
from tests.imaging.test_ingest_volumes import content, sent

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def named(files: list[bytes]) -> list[tuple[str, bytes]]:
    return [(f"IM{number}", data) for number, data in enumerate(files)]


def packed(*files: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return buffer.getvalue()


def outcomes(upload: Upload) -> list[tuple[str, str]]:
    return [(item.status, item.code) for item in upload.items.all()]


def directory(*uids: str) -> bytes:
    """A DICOMDIR that lists these instances."""
    records = Items()
    for uid in uids:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedSOPInstanceUIDInFile = uid
        records.append(record)
    dataset = Dataset()
    dataset.DirectoryRecordSequence = records
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.9"
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = DicomBytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def test_slices_become_one_image_and_each_original_is_kept(queued):
    files = ct_series()
    order = [4, 1, 5, 0, 3, 2]
    upload = sent(*named([files[n] for n in order]), modality="")
    image = Image.objects.get()
    assert outcomes(upload) == [("accepted", "")] * 6
    assert {item.image_id for item in upload.items.all()} == {image.pk}
    assert (image.shape, image.modality, image.dicom_modality) == ((6, 12, 10), "ct", "CT")
    assert image.facts["spacing_mm"] == [2.5, 0.8, 0.6]
    assert (image.facts["unit"], image.facts["missing"]) == ("HU", [])
    assert content(image.pixels) == voxels().tobytes()
    kept = list(image.files.select_related("source__blob"))
    assert [content(one.source.blob) for one in kept] == files
    assert [one.sop_instance_uid for one in kept] == [f"1.2.3.4.{n}" for n in range(1, 7)]
    assert image.source_id == kept[0].source_id
    assert set(Blob.objects.values_list("patient_id", flat=True)) == {image.patient_id}
    assert Blob.objects.count() == 8


def test_two_series_and_a_radiograph_of_one_upload_stay_apart(queued):
    other = ct_series(voxels(3), uid="1.2.3.7")
    upload = sent(*named([*ct_series(), *other]), ("chest.png", png_file()), modality="xray")
    assert sorted(Image.objects.values_list("depth", flat=True)) == [1, 3, 6]
    assert outcomes(upload) == [("accepted", "")] * 10


def test_a_missing_and_a_damaged_slice_are_said_and_the_rest_is_kept(queued):
    files = ct_series(voxels(depth=24))
    files[9] = files[9][:-30]
    del files[20]
    upload = sent(*named(files), modality="")
    image = Image.objects.get()
    assert (image.depth, image.facts["missing"]) == (24, [9, 20])
    assert "1 slice is missing between 9 and 11 and left empty." in image.warnings
    assert [one.code for one in upload.items.filter(status=ItemStatus.REFUSED)] == [
        "dicom-truncated"
    ]
    assert image.files.count() == 22


def test_a_slice_sent_twice_is_a_duplicate_within_one_upload_and_later(queued):
    user, files = UserFactory(), ct_series()
    upload = sent(*named([*files, files[2]]), modality="", user=user)
    assert outcomes(upload)[-1] == ("duplicate", "")
    assert upload.items.last().image == Image.objects.get()
    again = sent(*named(files), modality="", user=user)
    assert outcomes(again) == [("duplicate", "")] * 6
    assert SourceFile.objects.count() == 6


def test_another_file_with_the_uid_of_a_stored_slice_is_refused(queued):
    user = UserFactory()
    sent(*named(ct_series()), modality="", user=user)
    changed = ct_series(SeriesDescription="Abdomen")
    upload = sent(*named(changed[2:4]), modality="", user=user)
    assert outcomes(upload) == [("refused", "uid-taken")] * 2
    assert Image.objects.count() == 1


@pytest.mark.parametrize("whole", [False, True])
def test_slices_that_come_later_rejoin_their_series(queued, whole):
    """Only the late ones are sent, or all of the series again: the new image holds them all."""
    user, files = UserFactory(), ct_series()
    sent(*named([files[n] for n in (1, 4, 2, 3)]), modality="", user=user)
    early = Image.objects.get()
    assert not any("earlier upload" in one for one in early.warnings)
    late = files if whole else [files[5], files[0]]
    upload = sent(*named(late), modality="", user=user)
    image = Image.objects.exclude(pk=early.pk).get()
    ends = {item.status for item in upload.items.all()}
    assert ends == ({"accepted", "duplicate"} if whole else {"accepted"})
    assert image.warnings[0].startswith("4 file(s) of this series came in an earlier upload")
    assert (image.shape, image.facts["missing"]) == ((6, 12, 10), [])
    assert content(image.pixels) == voxels().tobytes()
    assert [content(one.source.blob) for one in image.files.all()] == files
    assert [one.sop_instance_uid for one in image.files.all()] == [
        f"1.2.3.4.{n}" for n in range(1, 7)
    ]
    assert (image.study, image.series) == (early.study, early.series)
    assert SourceFile.objects.count() == 6
    early.refresh_from_db()
    assert (early.depth, early.files.count()) == (4, 4)
    assert early.warnings[-1].endswith("a newer image of 6 slices holds this one's too.")
    again = sent(*named(files), modality="", user=user)
    assert outcomes(again) == [("duplicate", "")] * 6


def test_late_slices_of_another_grid_say_that_they_are_apart(queued):
    user = UserFactory()
    sent(*named(ct_series()), modality="", user=user)
    other = ct_series(voxels(3), uid="1.2.3.9", SeriesInstanceUID="1.2.3.4",
                      PixelSpacing=[1.6, 1.2])  # fmt: skip
    upload = sent(*named(other), modality="", user=user)
    assert outcomes(upload) == [("accepted", "")] * 3
    (late,) = Image.objects.filter(depth=3)
    assert late.warnings[0].startswith("6 file(s) of this series came in an earlier upload.")
    assert "an image of their own" in late.warnings[0]


def test_slices_of_another_house_are_never_joined(queued):
    files = ct_series()
    sent(*named(files[:3]), modality="")
    sent(*named(files[3:]), modality="")
    assert sorted(Image.objects.values_list("depth", flat=True)) == [3, 3]


def test_two_late_slices_in_one_place_stay_by_themselves(queued):
    """A slice where one lies already would leave no volume at all: it is an image of its own."""
    user, files = UserFactory(), ct_series()
    sent(*named(files), modality="", user=user)
    twin = ct_series(SeriesDescription="Repeated", uid="1.2.3.8", SeriesInstanceUID="1.2.3.4")[2]
    upload = sent(("again", twin), modality="", user=user)
    assert outcomes(upload) == [("accepted", "")]
    assert sorted(Image.objects.values_list("depth", flat=True)) == [1, 6]


def test_each_stack_of_one_object_is_an_image_and_the_file_is_kept_once(queued):
    places = [(0.0, 0.0, 2.0 * (z % 3)) for z in range(6)]
    data = enhanced_ct(places=places, stacks=list("AAABBB"))
    upload = sent(("enhanced.dcm", data), modality="")
    first, second = Image.objects.order_by("created_at")
    assert first.source == second.source == SourceFile.objects.get()
    assert upload.items.get().image == first
    assert (first.depth, second.depth) == (3, 3)
    assert first.sop_instance_uid != second.sop_instance_uid
    assert {one.sop_instance_uid for one in ImageFile.objects.all()} == {"1.2.3.4.5"}


def test_an_archive_becomes_its_files_each_with_an_outcome(queued):
    files = ct_series(voxels(3))
    names = [f"CD/DIR{number}/IM1" for number in range(3)]
    archive = packed(
        *zip(names, files, strict=True),
        ("readme.txt", b"words and words " * 20),
        ("inner.zip", packed(("a.dcm", files[0]))),
        ("__MACOSX/._IM1", b"litter"),
        ("head.nii.gz", nifti_file(packed=True)),
    )
    upload = sent(("cd.zip", archive), modality="ct")
    told = {item.name: (item.status, item.code) for item in upload.items.all()}
    assert told["cd.zip"] == ("listed", "")
    assert told["readme.txt"][0] == told["inner.zip"][0] == "refused"
    assert told["inner.zip"][1] == "content-zip"
    assert told["head.nii.gz"] == ("accepted", "")
    assert len(told) == 5  # the three slices have one name
    assert sorted(Image.objects.values_list("depth", flat=True)) == [2, 3]
    first = upload.items.order_by("position").first()
    assert first.reason == "An archive of 6 files; each stands below with its own outcome."
    assert first.blob is None


def test_an_archive_that_leads_out_of_itself_leaves_nothing(queued):
    upload = sent(("cd.zip", packed(("../../etc/x", b"a"), ("ok.png", png_file()))), modality="ct")
    assert outcomes(upload) == [("refused", "archive-path")]
    assert not Blob.objects.exists()


def test_a_dicomdir_says_what_is_missing(queued):
    uids = [f"1.2.3.4.{n}" for n in range(1, 7)]
    upload = sent(("DICOMDIR", directory(*uids, "1.2.3.4.99")), *named(ct_series()), modality="")
    listing = upload.items.first()
    assert listing.status == ItemStatus.LISTED
    assert listing.reason == "A list of 7 images; 1 of them were not sent."
    assert Image.objects.get().depth == 6
    whole = sent(("DICOMDIR", directory(*uids)), modality="", user=upload.user)
    assert whole.items.get().reason == "A list of 6 images; all of them are here."


def test_killed_while_a_series_is_filed_nothing_is_there_and_then_everything_once(
    queued, monkeypatch
):
    user = UserFactory()
    real = filing._accept

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(filing, "_accept", killed)
    with pytest.raises(KeyboardInterrupt):
        sent(("cd.zip", packed(*named(ct_series()))), modality="", user=user)
    upload = Upload.objects.get()
    assert (Image.objects.count(), SourceFile.objects.count()) == (0, 0)
    assert upload.items.filter(status=ItemStatus.WAITING).count() == 6
    Upload.objects.update(lease_until=now() - 2 * (now() - upload.created_at))
    assert uploads_recover() == 1
    monkeypatch.setattr(filing, "_accept", real)
    upload_ingest(str(upload.pk))
    upload_ingest(str(upload.pk))  # delivered twice
    assert (Image.objects.count(), SourceFile.objects.count()) == (1, 6)
    assert Blob.objects.count() == 8
    upload.refresh_from_db()
    assert upload.finished_at is not None


def test_a_reader_that_was_given_up_files_nothing_of_a_series(queued, monkeypatch):
    real = batches.images_file

    def taken_over(*args, **kwargs):
        Upload.objects.update(attempt=F("attempt") + 1)
        return real(*args, **kwargs)

    monkeypatch.setattr(batches, "images_file", taken_over)
    with pytest.raises(AssertionError):  # it is not finished
        sent(*named(ct_series()), modality="")
    assert Image.objects.count() == 0
    assert set(Upload.objects.get().items.values_list("status", flat=True)) == {"waiting"}


def test_a_volume_is_erased_with_all_its_files(queued):
    sent(*named(ct_series()), modality="")
    image = Image.objects.get()
    patient_shred(image.organisation_id, image.patient_id)
    assert is_shredded(image.patient_id)
    assert not SourceFile.objects.exists()
    assert not ImageFile.objects.exists()
    assert not Blob.objects.exists()


def test_a_lone_slice_stays_a_picture(queued):
    upload = sent(("ct.dcm", dicom_file(dicom_dataset(PatientID="P-9"))), modality="")
    assert Image.objects.get().depth == 1
    with blob_open(upload.items.get().image.source.blob) as reader:
        assert len(reader.read()) > 100
