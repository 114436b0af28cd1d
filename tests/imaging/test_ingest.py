"""Reading an upload: each file to an image or a refusal, once, whatever dies meanwhile."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.db.models import F
from django.utils.timezone import now

from accounts.models import Blob
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_open
from imaging.engine.client import EngineDied, EngineTimeout
from imaging.models import Image, ItemStatus, Patient, Study, Upload, UploadItem
from imaging.services import filing, ingest
from imaging.services.uploads import upload_ingest, uploads_recover
from imaging.types import Refused
from tests.imaging.factories import UploadFactory, UploadItemFactory
from tests.imaging.fake_engine import decoded, dicom, fake_decoder

pytestmark = pytest.mark.django_db


@pytest.fixture
def upload():
    return UploadFactory()


def waiting(upload, data: bytes, **fields) -> UploadItem:
    return UploadItemFactory(upload=upload, data=data, **fields)


def fresh(item: UploadItem) -> UploadItem:
    return UploadItem.objects.select_related("image").get(pk=item.pk)


def ingest_now(upload) -> Upload:
    upload_ingest(str(upload.pk))
    return Upload.objects.get(pk=upload.pk)


def test_a_picture_becomes_an_image_of_its_own_study(upload, monkeypatch):
    item = waiting(upload, b"file bytes", name="left.png")
    array = np.arange(20, dtype=np.uint8).reshape(1, 4, 5)
    fake_decoder(monkeypatch, decoded(array, warnings=["Colours were turned to grey."]))
    assert ingest_now(upload).finished_at is not None

    image = fresh(item).image
    assert fresh(item).status == ItemStatus.ACCEPTED
    assert (image.modality, image.shape, image.dtype) == ("xray", (1, 4, 5), "uint8")
    assert image.warnings == ["Colours were turned to grey."]
    assert image.study.title == "left.png"
    assert image.study.study_instance_uid.startswith("2.25.")
    with blob_open(image.pixels) as reader:
        assert reader.read() == array.tobytes()
    with blob_open(image.source.blob) as reader:
        assert reader.read() == b"file bytes"
    assert {image.pixels.patient_id, image.source.blob.patient_id} == {image.patient_id}
    assert Blob.objects.count() == 3


def test_the_facts_hold_range_and_percentiles_as_real_values(upload, monkeypatch):
    item = waiting(upload, b"ct")
    array = np.arange(1000, dtype=np.int16).reshape(1, 20, 50)
    changes = {"volume_slope": 2.0, "volume_intercept": -1000.0, "volume_unit": "HU",
               "volume_window": [40, 400], "volume_spacing_mm": [1.0, 0.5, 0.5]}  # fmt: skip
    fake_decoder(monkeypatch, decoded(array, volume_modality="CT", **changes))
    ingest_now(upload)
    facts = fresh(item).image.facts
    assert (facts["minimum"], facts["maximum"]) == (-1000.0, 998.0)
    assert (facts["low"], facts["high"]) == (2 * 9 - 1000, 2 * 989 - 1000)
    assert (facts["window"], facts["spacing_mm"]) == ([40.0, 400.0], [1.0, 0.5, 0.5])


def test_the_facts_are_counted_before_the_transaction(upload, monkeypatch):
    waiting(upload, b"picture")
    fake_decoder(monkeypatch, decoded())
    depths, real = [], filing.image_facts

    def counted(*args):
        depths.append(len(connection.savepoint_ids))
        return real(*args)

    monkeypatch.setattr(filing, "image_facts", counted)
    ingest_now(upload)
    assert (depths, Image.objects.count()) == ([0], 1)


def test_the_files_word_wins_over_the_persons(upload, monkeypatch):
    item = waiting(upload, b"ct")
    fake_decoder(monkeypatch, dicom(modality="CT"))
    ingest_now(upload)
    image = fresh(item).image
    assert (image.modality, image.dicom_modality) == ("ct", "CT")
    assert image.warnings == ["X-ray was chosen; the file says CT and is believed."]


@pytest.mark.parametrize(
    ("code", "name"), [("US", "Ultrasound"), ("MG", "Mammography"), ("ZZ", "ZZ")]
)
def test_other_kinds_are_refused_by_name(upload, monkeypatch, code, name):
    item = waiting(upload, b"x")
    fake_decoder(monkeypatch, dicom(modality=code))
    ingest_now(upload)
    assert fresh(item).code == "modality-unsupported"
    assert name in fresh(item).reason
    assert not Blob.objects.exists()
    assert not Patient.objects.exists()


def test_dicom_is_grouped_by_its_uids_and_its_patient(upload, monkeypatch):
    header = {
        "study_instance_uid": "1.2.3",
        "series_instance_uid": "1.2.3.1",
        "patient_id": "P-7",
        "patient_name": "Doe^Jane",
        "study_date": "20240131",
        "study_time": "0915",
    }
    other = header | {"study_instance_uid": "1.2.4", "patient_id": " p-7 "}
    for n in range(3):
        waiting(upload, bytes([n]))
    fake_decoder(
        monkeypatch,
        dicom(**header, sop_instance_uid="1.9.1"),
        dicom(**header, sop_instance_uid="1.9.2"),
        dicom(**other, sop_instance_uid="1.9.3"),
    )
    ingest_now(upload)
    assert (Image.objects.count(), Study.objects.count(), Patient.objects.count()) == (3, 2, 1)
    study = Study.objects.get(study_instance_uid="1.2.3")
    assert study.series.get().images.count() == 2
    assert (study.patient.name, study.patient.record_number) == ("Doe^Jane", "P-7")
    assert study.studied_at == "2024-01-31 09:15"


def test_a_file_that_names_another_patient_than_its_study_is_refused(upload, monkeypatch):
    items = [waiting(upload, b"1"), waiting(upload, b"2")]
    same = {"study_instance_uid": "1.2.3"}
    fake_decoder(monkeypatch, dicom(**same, patient_id="A"), dicom(**same, patient_id="B"))
    ingest_now(upload)
    assert [fresh(item).status for item in items] == ["accepted", "refused"]
    assert fresh(items[1]).code == "patient-conflict"
    assert Patient.objects.count() == 1


def test_another_file_with_the_same_instance_uid_is_refused(upload, monkeypatch):
    items = [waiting(upload, b"1"), waiting(upload, b"2")]
    same = {"study_instance_uid": "1.2.3", "sop_instance_uid": "1.2.3.4"}
    fake_decoder(monkeypatch, dicom(**same), dicom(**same))
    ingest_now(upload)
    assert [fresh(item).code for item in items] == ["", "uid-taken"]
    assert Blob.objects.count() == 3


def test_the_same_bytes_twice_in_one_upload_make_one_image(upload, monkeypatch):
    items = [waiting(upload, b"same"), waiting(upload, b"same")]
    engine = fake_decoder(monkeypatch, decoded())
    ingest_now(upload)
    assert [fresh(item).status for item in items] == ["accepted", "duplicate"]
    assert fresh(items[1]).image == fresh(items[0]).image
    assert len(engine.calls) == 1


@pytest.mark.parametrize("error", [EngineDied(), EngineTimeout()])
def test_a_file_that_kills_the_child_is_refused_and_the_next_is_read(upload, monkeypatch, error):
    items = [waiting(upload, b"bomb"), waiting(upload, b"good")]
    fake_decoder(monkeypatch, error, decoded())
    ingest_now(upload)
    assert [fresh(item).status for item in items] == ["refused", "accepted"]
    assert "within the limits" in fresh(items[0]).reason


def test_a_refused_file_leaves_only_its_receipt(upload, monkeypatch):
    item = waiting(upload, b"x", name="odd.png")
    fake_decoder(monkeypatch, Refused("truncated", "This file is cut short."))
    ingest_now(upload)
    assert (fresh(item).code, fresh(item).reason) == ("truncated", "“odd.png” is cut short.")
    assert not Blob.objects.exists()
    assert not Study.objects.exists()


def test_a_surprise_is_logged_and_the_next_file_is_read(upload, monkeypatch, caplog):
    items = [waiting(upload, b"1"), waiting(upload, b"2")]
    fake_decoder(monkeypatch, ZeroDivisionError("boom"), decoded())
    ingest_now(upload)
    assert [fresh(item).status for item in items] == ["refused", "accepted"]
    assert "boom" in caplog.text
    assert "boom" not in fresh(items[0]).reason


def test_impossible_numbers_from_the_child_are_not_stored(upload, monkeypatch, caplog):
    item = waiting(upload, b"1")
    fake_decoder(monkeypatch, decoded(volume_slope="1; drop table"))
    ingest_now(upload)
    assert fresh(item).status == ItemStatus.REFUSED
    assert not Image.objects.exists()


def test_delivered_twice_nothing_is_read_twice(upload, monkeypatch):
    waiting(upload, b"1")
    engine = fake_decoder(monkeypatch, decoded())
    ingest_now(upload)
    ingest_now(upload)
    assert (len(engine.calls), Image.objects.count()) == (1, 1)


def test_an_upload_that_is_being_read_is_not_read_by_another(upload, monkeypatch):
    waiting(upload, b"1")
    Upload.objects.update(lease_until=now() + timedelta(seconds=30))
    engine = fake_decoder(monkeypatch)
    ingest_now(upload)
    assert engine.calls == []


def test_after_a_kill_what_waits_is_read_and_nothing_twice(upload, monkeypatch, queued):
    items = [waiting(upload, b"1"), waiting(upload, b"2")]
    fake_decoder(monkeypatch, decoded(), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        upload_ingest(str(upload.pk))
    Upload.objects.update(lease_until=now() - timedelta(seconds=1))

    assert uploads_recover() == 1
    assert queued == [("imaging.tasks.ingest_upload", str(upload.pk))]
    fake_decoder(monkeypatch, decoded())
    assert ingest_now(upload).finished_at is not None
    assert [fresh(item).status for item in items] == ["accepted", "accepted"]
    assert Image.objects.count() == 2


def test_the_third_death_refuses_the_file_that_was_being_read(upload, queued):
    poison, good = waiting(upload, b"1"), waiting(upload, b"2")
    Upload.objects.update(deaths=2, lease_until=now() - timedelta(seconds=1))
    uploads_recover()
    assert [fresh(poison).status, fresh(good).status] == ["refused", "waiting"]
    assert Upload.objects.get().deaths == 0
    assert len(queued) == 1


def test_the_third_death_refuses_the_whole_series_that_was_being_read(upload, queued):
    series = [waiting(upload, bytes([n]), kind="dicom", batch="1.2.3") for n in range(3)]
    other = waiting(upload, b"9", kind="dicom", batch="1.2.4")
    Upload.objects.update(deaths=2, lease_until=now() - timedelta(seconds=1))
    uploads_recover()
    assert [fresh(item).status for item in [*series, other]] == [*["refused"] * 3, "waiting"]


def test_a_lost_doorbell_of_an_upload_is_rung_again_once(upload, queued):
    waiting(upload, b"1")
    Upload.objects.update(rung_at=now() - timedelta(minutes=2))
    assert [uploads_recover(), uploads_recover()] == [1, 0]


def test_an_upload_whose_sender_died_before_any_file_is_closed(upload, queued):
    Upload.objects.update(lease_until=now() - timedelta(seconds=1))
    uploads_recover()
    assert Upload.objects.get().finished_at is not None
    assert queued == []


def test_a_long_upload_gives_others_a_turn(upload, monkeypatch, queued):
    items = [waiting(upload, b"1"), waiting(upload, b"2")]
    monkeypatch.setattr(ingest, "SLICE_S", -1)
    fake_decoder(monkeypatch)
    assert ingest_now(upload).finished_at is None
    assert queued == [("imaging.tasks.ingest_upload", str(upload.pk))]
    assert [fresh(item).status for item in items] == ["waiting", "waiting"]


@pytest.mark.parametrize("end", ["accept", "refuse"])
def test_a_reader_that_was_given_up_can_neither_accept_nor_refuse(upload, monkeypatch, end):
    item = waiting(upload, b"1")
    blobs = Blob.objects.count()

    def taken_over_meanwhile(args):
        Upload.objects.update(attempt=F("attempt") + 1)
        if end == "refuse":
            raise Refused("late", "This file is late.")
        return decoded()(args)

    fake_decoder(monkeypatch, taken_over_meanwhile)
    assert ingest_now(upload).finished_at is None
    assert fresh(item).status == ItemStatus.WAITING
    assert (Image.objects.count(), Patient.objects.count()) == (0, 0)
    assert Blob.objects.count() == blobs


def test_nothing_is_encrypted_while_others_wait_for_the_database(upload, monkeypatch):
    item = waiting(upload, b"picture")
    fake_decoder(monkeypatch, decoded())
    depths, write = [], StagedBlob.write

    def watched(self, data):
        depths.append(len(connection.savepoint_ids))
        write(self, data)

    monkeypatch.setattr(StagedBlob, "write", watched)
    ingest_now(upload)
    assert fresh(item).status == ItemStatus.ACCEPTED
    assert (len(depths), set(depths)) == (3, {0})  # original, pixels, thumbnail


def test_a_patient_whom_another_worker_filed_meanwhile_gets_the_files(upload, monkeypatch):
    """The files were encrypted for somebody new who turns out to be known: once more, then."""
    header = {"study_instance_uid": "1.2.3", "series_instance_uid": "1.2.3.1", "patient_id": "P-7"}
    for n in range(2):
        waiting(upload, bytes([n]))
    fake_decoder(
        monkeypatch,
        dicom(**header, sop_instance_uid="1.9.1"),
        dicom(**header, sop_instance_uid="1.9.2"),
    )
    monkeypatch.setattr(filing, "_known_patient", lambda *args: None)
    ingest_now(upload)
    assert (Image.objects.count(), Patient.objects.count()) == (2, 1)
    for image in Image.objects.all():
        for blob in (image.pixels, image.thumbnail, image.source.blob):
            assert blob.patient_id == image.patient_id
            assert blob_open(blob).read()
