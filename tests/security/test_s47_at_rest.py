"""S47: no canary in the files of database, write-ahead log, blobs, scratch; nothing compresses."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from accounts.models import Blob
from accounts.vault.fields import blind_index
from accounts.vault.spool import SealedSpool
from accounts.vault.staging import blobs_dir
from accounts.vault.storage import blob_open
from imaging.models import Image, Patient, UploadItem
from imaging.services.uploads import upload_ingest
from reports.models import Export
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory, StudyFactory, stored
from tests.imaging.fake_engine import dicom, fake_decoder

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "Kanarienvogel"
NUMBER = "4711-0815-CANARY"
SPELLINGS = [
    form
    for word in (CANARY, CANARY.upper(), NUMBER)
    for form in (
        word.encode(),
        word.encode("utf-16-le"),
        word.encode("utf-16-be"),
        word.encode().hex().encode(),
        *(base64.b64encode(b"x" * n + word.encode())[4:-4] for n in range(3)),
    )
]


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def a_whole_life(client, monkeypatch, queued):
    """Sent by a person, read by the worker, analysed, exported; canaries wherever a name can be."""
    user = UserFactory()
    client.force_login(user)
    session = client.session
    session["note"] = CANARY
    session.save()
    data = b"\x89PNG\r\n\x1a\n" + CANARY.encode() * 5_000
    file = SimpleUploadedFile(f"{CANARY}.png", data, "image/png")
    client.post(reverse("imaging:upload-create"), {"files": [file], "modality": "xray"})
    fake_decoder(
        monkeypatch,
        dicom(
            patient_name=f"{CANARY}^Eva", patient_id=NUMBER, birth_date="19010203",
            study_instance_uid="1.2.3", series_instance_uid="1.2.4", sop_instance_uid="1.2.5",
            study_description=CANARY, series_description=CANARY, accession_number=NUMBER,
        ),
    )  # fmt: skip
    for item in UploadItem.objects.all():
        upload_ingest(str(item.upload_id))
    study = StudyFactory(uploaded_by=user, title=CANARY)
    ResultFactory(image__study=study, image__header=CANARY * 100)
    Export.objects.create(
        organisation=study.organisation, user=user, kind="csv", status="succeeded",
        blob=stored(study.organisation, CANARY.encode() * 10_000, "export"),
    )  # fmt: skip
    return user


def everything_on_disk() -> list[tuple[str, bytes]]:
    files = [path for path in Path(django_settings.DATA_DIR).rglob("*") if path.is_file()]
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        files += [Path(name + end) for end in ("", "-wal", "-shm") if Path(name + end).exists()]
    found = [(str(path), path.read_bytes()) for path in files]
    with connection.cursor() as cursor:  # what the files of a database server hold
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = [
                bytes(v) if isinstance(v, memoryview) else str(v).encode()
                for row in cursor.fetchall()
                for v in row
            ]
            found.append((table, b"\0".join(rows)))
    return found


def test_no_canary_lies_in_clear_anywhere(a_whole_life):
    assert Patient.objects.filter(mrn_index__isnull=False).exists()
    assert Image.objects.filter(study__study_instance_uid="1.2.3").count() == 1
    hits = [place for place, data in everything_on_disk() for form in SPELLINGS if form in data]
    assert hits == []


def test_the_scan_finds_what_lies_in_clear(a_whole_life, data_dir):
    (data_dir / "leak").write_text(base64.b64encode(f"ab{CANARY}".encode()).decode())
    UserFactory(name=NUMBER)
    hits = {place for place, data in everything_on_disk() for form in SPELLINGS if form in data}
    assert {str(data_dir / "leak"), "accounts_user"} <= hits


def test_blobs_do_not_compress(a_whole_life):
    assert Blob.objects.count() >= 5
    plain = b"".join(blob_open(blob).read() for blob in Blob.objects.all())
    sealed = b"".join(path.read_bytes() for path in sorted(blobs_dir().glob("*/*")))
    assert len(zlib.compress(plain, 9)) < 0.2 * len(plain)  # there was something to gain
    assert len(zlib.compress(sealed, 9)) > 0.99 * len(sealed)


def test_a_file_on_its_way_in_is_ciphertext(data_dir):
    spool = SealedSpool()
    spool.write(CANARY.encode() * 1_000)
    spool._file.flush()
    data = Path(f"/proc/self/fd/{spool._file.fileno()}").read_bytes()
    assert len(data) == len(CANARY) * 1_000
    assert not any(form in data for form in SPELLINGS)
    spool.seek(0)
    assert spool.read() == CANARY.encode() * 1_000


def test_the_index_is_no_hash_that_anybody_can_make(a_whole_life):
    import hashlib

    patient = Patient.objects.exclude(mrn_index=None)[0]
    index = blind_index(patient.organisation_id, "record_number", NUMBER)
    assert index == patient.mrn_index
    for name in ("md5", "sha1", "sha256"):
        for word in (NUMBER, NUMBER.lower(), NUMBER.casefold()):
            assert index not in hashlib.new(name, word.encode()).hexdigest()
