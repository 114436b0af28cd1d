"""What waits on disk while a file arrives cannot be read by anybody else."""

import os

import pytest
from django.core.files.uploadedfile import UploadedFile
from django.test import RequestFactory

from accounts.vault.spool import SealedSpool, SealedUploadHandler

CANARY = b"PATIENT-CANARY-" * 4000


@pytest.fixture
def spool():
    with SealedSpool() as one:
        one.write(CANARY[:10_001])
        one.write(CANARY[10_001:])
        yield one


@pytest.mark.parametrize("place", [0, 1, 15, 16, 17, 10_001, len(CANARY) - 1, len(CANARY)])
def test_any_place_reads_back(spool, place):
    assert spool.seek(place) == place
    assert spool.read() == CANARY[place:]


def test_the_disk_holds_no_plain_byte(spool):
    spool._file.seek(0)
    sealed = spool._file.read()
    assert len(sealed) == len(CANARY)
    assert b"CANARY" not in sealed


def test_two_spools_of_one_content_differ():
    with SealedSpool() as one, SealedSpool() as other:
        for spool in (one, other):
            spool.write(CANARY)
            spool._file.seek(0)
        assert one._file.read() != other._file.read()


def test_django_streams_uploads_through_it(settings):
    boundary = "b"
    body = (
        b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + CANARY + b"\r\n--b--\r\n"
    )
    request = RequestFactory().post(
        "/", body, content_type=f"multipart/form-data; boundary={boundary}"
    )
    file = request.FILES["files"]
    assert isinstance(file, UploadedFile)
    assert isinstance(file.file, SealedSpool)
    assert file.size == len(CANARY)
    assert file.read() == CANARY
    assert os.listdir(settings.DATA_DIR / "incoming") == []


def test_an_interrupted_upload_leaves_nothing(settings):
    handler = SealedUploadHandler()
    handler.new_file("files", "a.png", "image/png", 10)
    handler.receive_data_chunk(CANARY, 0)
    handler.upload_interrupted()
    assert handler.file.closed
    assert os.listdir(settings.DATA_DIR / "incoming") == []
