"""Receiving files: what is refused at once leaves nothing; what is kept is encrypted."""

from __future__ import annotations

import errno
import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from accounts.models import AuditEvent, Blob
from accounts.selectors import home_organisation
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_open
from imaging.models import ItemStatus, SourceFile, Upload
from imaging.services.refusals import NotPossible
from imaging.services.uploads import upload_receive
from tests.accounts.factories import UserFactory
from tests.formats.factories import nifti_file
from tests.imaging.factories import THUMBNAIL, ImageFactory

pytestmark = pytest.mark.django_db

PNG = THUMBNAIL


@pytest.fixture
def user():
    return UserFactory()


def file(data: bytes = PNG, name: str = "chest.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


def receive(user, *files, modality="xray") -> Upload:
    return upload_receive(
        user=user, organisation=home_organisation(user), files=files, modality=modality
    )


def test_a_file_waits_encrypted_and_byte_identical(user, queued, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    upload = receive(user, file())
    item = upload.items.get()
    assert (item.status, item.name, item.size) == (ItemStatus.WAITING, "chest.png", len(PNG))
    with blob_open(item.blob) as reader:
        assert reader.read() == PNG
    stored = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(stored) == 1
    assert PNG[:16] not in stored[0].read_bytes()
    assert queued == [("imaging.tasks.ingest_upload", str(upload.pk))]
    assert (upload.lease_until, upload.finished_at) == (None, None)


@pytest.mark.parametrize(
    ("data", "name", "code", "words"),
    [
        (b"", "empty.png", "empty", "empty"),
        (b"hello, this is text " * 40, "text.png", None, "not"),
        (b"GIF89a" + bytes(200), "moving.gif", None, "GIF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"></svg>' + b" " * 200, "a.svg", None, "SVG"),
        (b"MZ" + bytes(400), "setup.exe", None, "program"),
    ],
)
def test_what_the_first_bytes_prove_wrong_leaves_only_a_receipt(
    user, queued, data, name, code, words
):
    upload = receive(user, file(data, name))
    item = upload.items.get()
    assert item.status == ItemStatus.REFUSED
    assert words in item.reason
    assert item.code
    assert code in (None, item.code)
    assert not Blob.objects.exists()
    assert upload.finished_at is not None
    assert queued == []
    event = AuditEvent.objects.get(action="upload.refuse")
    assert (event.reason, event.outcome) == (item.code, "refused")


def test_each_file_has_its_own_outcome(user, queued):
    upload = receive(user, file(), file(b"", "empty.png"), file(PNG + b"x", "b.png"))
    assert [item.status for item in upload.items.all()] == ["waiting", "refused", "waiting"]
    assert len(queued) == 1


def test_a_raster_without_a_modality_asks_for_it(user, queued):
    item = receive(user, file(), modality="").items.get()
    assert "send it again and choose x-ray" in item.reason.lower()
    assert not Blob.objects.exists()


def test_a_file_above_the_limit_is_refused_in_words(user, queued, settings):
    settings.UPLOAD_MAX_FILE_BYTES = 10
    item = receive(user, file()).items.get()
    assert item.code == "too-large"
    assert "at most" in item.reason


def test_a_nifti_volume_waits_once_it_is_said_what_it_shows(user, queued):
    data = nifti_file(packed=True)
    item = receive(user, file(data, "scan.nii.gz"), modality="mri").items.get()
    assert item.status == ItemStatus.WAITING
    unsaid = receive(user, file(data, "scan.nii.gz"), modality="").items.get()
    assert (unsaid.status, unsaid.code) == (ItemStatus.REFUSED, "modality-missing")


def test_a_full_plan_refuses_in_words(user, queued):
    plan = home_organisation(user).plan
    plan.storage_bytes = len(PNG) + 10
    plan.save()
    upload = receive(user, file(), file(PNG + b"2", "b.png"))
    first, second = upload.items.all()
    assert (first.status, second.status) == ("waiting", "refused")
    assert second.code == "quota-storage"
    assert "full" in second.reason


def test_a_full_disk_is_told_and_leaves_nothing(user, queued, monkeypatch, settings, tmp_path):
    settings.DATA_DIR = tmp_path

    def full(staged, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StagedBlob, "write", full)
    item = receive(user, file()).items.get()
    assert (item.status, item.code) == (ItemStatus.REFUSED, "no-space")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_known_file_is_a_duplicate_that_shows_the_image(user, queued):
    image = ImageFactory(user=user)
    SourceFile.objects.filter(pk=image.source_id).update(sha256=hashlib.sha256(PNG).hexdigest())
    blobs = Blob.objects.count()
    upload = receive(user, file())
    item = upload.items.get()
    assert (item.status, item.image) == (ItemStatus.DUPLICATE, image)
    assert Blob.objects.count() == blobs
    assert queued == []


def test_another_organisations_file_is_no_duplicate(user, queued):
    image = ImageFactory()
    SourceFile.objects.filter(pk=image.source_id).update(sha256=hashlib.sha256(PNG).hexdigest())
    assert receive(user, file()).items.get().status == ItemStatus.WAITING


def test_a_picture_sent_as_another_kind_is_no_duplicate(user, queued):
    image = ImageFactory(user=user, modality="xray")
    SourceFile.objects.filter(pk=image.source_id).update(sha256=hashlib.sha256(PNG).hexdigest())
    assert receive(user, file(), modality="ct").items.get().status == ItemStatus.WAITING


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.png", "a" * 300 + ".png", "x\x00y\n.png", "chest\u202egnp.png"]
)
def test_a_hostile_name_is_shown_clean(user, queued, name):
    sent = file()
    sent._name = name  # as a broken client may send it, past Django's own cleaning
    shown = receive(user, sent).items.get().name
    assert "/" not in shown
    assert len(shown) <= 120
    assert all(character.isprintable() for character in shown)


def test_the_name_is_not_in_the_database_in_clear(user, queued):
    upload = receive(user, file(name="Jane-Doe.png"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM imaging_uploaditem")
        assert "Jane" not in cursor.fetchone()[0]
    assert upload.items.get().name == "Jane-Doe.png"


def test_nothing_sent_and_an_unknown_modality_are_refused(user):
    with pytest.raises(NotPossible, match="at least one file"):
        receive(user)
    with pytest.raises(NotPossible, match="X-ray, MRI or CT"):
        receive(user, file(), modality="ultrasound")
