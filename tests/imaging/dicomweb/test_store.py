"""STOW-RS: a body of several files, its bounds, and what is answered for each."""

from __future__ import annotations

import io

import pytest

from accounts.models import AuditEvent
from imaging.dicomweb import receive
from imaging.formats.dicom.media import media_uids
from imaging.models import ItemStatus, Upload, UploadItem
from tests.accounts.api.keys import a_key, by_key
from tests.formats.factories import dicom_dataset, dicom_file
from tests.imaging.dicomweb.conftest import AT, IN

KIND = 'multipart/related; type="application/dicom"; boundary=b0undary'


def body_of(*files: bytes, kind: str = "application/dicom", end: bytes = b"--") -> bytes:
    parts = [b"--b0undary\r\nContent-Type: %s\r\n\r\n%s\r\n" % (kind.encode(), f) for f in files]
    return b"".join(parts) + b"--b0undary" + end


@pytest.fixture
def machine(user):
    house = user.memberships.get().organisation
    return a_key(house, scopes=["study.view", "upload.create"])


@pytest.fixture
def post(client, machine, queued, settings):
    """Send as a machine."""
    settings.DICOMWEB_WAIT_S = 0

    def send(
        data: bytes, path: str = "/dicomweb/studies", *, status: int, kind: str = KIND, **more
    ):
        headers = by_key(machine[1]) | more
        answer = client.post(path, data, content_type=kind, headers=headers)
        assert answer.status_code == status, answer.content
        return answer

    return send


def test_a_body_is_taken_apart_without_a_byte_too_many():
    files = [dicom_file(), b"\r\n--b0undar" * 9000 + b"\r\n", b""]
    found = receive.parts_receive(io.BytesIO(b"before\r\n" + body_of(*files)), b"b0undary")
    assert [one.file.read() for one in found] == files
    assert [one.is_dicom for one in found] == [True, False, False]
    assert found[0].sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert (found[0].sop_instance_uid, found[1].sop_instance_uid) == ("1.2.3.4.5", "")


def test_a_header_that_lies_about_its_length_names_nothing():
    head = dicom_file()[:400]
    for at in range(132, 330):
        for byte in (0, 255):
            media_uids(head[:at] + bytes([byte]) + head[at + 1 :])
    assert media_uids(head[:140]) == ("", "")


@pytest.mark.django_db
def test_what_is_new_is_an_upload_and_is_told_to_be_waiting(post, machine):
    answer = post(body_of(dicom_file()), status=202)
    upload = Upload.objects.get()
    assert (answer["Retry-After"], answer["Location"]) == ("5", f"/api/v1/uploads/{upload.pk}/")
    assert answer.json() == {}
    assert upload.user == machine[0].account.user
    assert upload.items.get().status == ItemStatus.WAITING
    assert AuditEvent.objects.filter(action="upload.create").exists()


@pytest.mark.django_db
def test_what_is_here_is_answered_with_its_address(post, study, files):
    told = post(body_of(*files), status=200).json()
    assert "00081198" not in told
    named = [one["00081155"]["Value"][0] for one in told["00081199"]["Value"]]
    assert named == [f"1.2.3.4.{n}" for n in range(1, 7)]
    address = told["00081199"]["Value"][0]["00081190"]["Value"][0]
    assert address == f"http://testserver{IN}/instances/1.2.3.4.1"
    assert set(UploadItem.objects.values_list("status", flat=True)) == {"duplicate"}


@pytest.mark.django_db
def test_what_is_no_dicom_fails_by_itself(post, study, files):
    told = post(body_of(files[0], b"PK\x03\x04 no picture"), status=202).json()
    assert len(told["00081199"]["Value"]) == 1
    (failed,) = told["00081198"]["Value"]
    assert failed["00081197"]["Value"] == [0xC000]
    assert post(body_of(b"nothing"), status=409).json()["00081198"]
    assert UploadItem.objects.count() == 1


@pytest.mark.django_db
def test_an_instance_of_another_study_is_not_stored_there(post, study, files):
    told = post(body_of(files[0]), "/dicomweb/studies/1.9.9", status=409).json()
    assert told["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]
    assert post(body_of(files[0]), AT, status=200)
    post(
        body_of(dicom_file(dicom_dataset(SOPInstanceUID="1.8"))),
        "/dicomweb/studies/7.7",
        status=202,
    )
    assert Upload.objects.latest("created_at").study_instance_uid == "7.7"


@pytest.mark.django_db
def test_hostile_bodies_are_refused_whole(post, settings):
    post(body_of(dicom_file(), end=b""), status=400)
    post(body_of(dicom_file())[:-30], status=400)
    post(b"nothing at all", status=400)
    post(body_of(dicom_file(), kind="text/html"), status=415)
    post(body_of(dicom_file()), status=415, kind="application/dicom")
    post(body_of(dicom_file()), status=415, kind="multipart/form-data; boundary=b0undary")
    post(
        body_of(dicom_file()),
        status=415,
        kind='multipart/related; type="application/dicom+json"; boundary=x',
    )
    post(body_of(dicom_file()), status=400, kind="multipart/related; type=application/dicom")
    post(body_of(dicom_file()), status=406, Accept="application/dicom+xml")
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    post(body_of(*[dicom_file()] * 3), status=413)
    settings.UPLOAD_MAX_FILE_BYTES = 100
    post(body_of(dicom_file()), status=413)
    assert not Upload.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"X-Note: %s\r\nContent-Type: application/dicom" % (b"a" * 2000), 400),
        (b"Content-Location: 1.dcm", 415),
        (b"", 415),
    ],
)
def test_a_part_that_cannot_be_told_is_never_passed_over_in_silence(post, headers, status):
    odd = b"--b0undary\r\n" + (headers + b"\r\n" if headers else b"") + b"\r\n" + dicom_file()
    post(odd + b"\r\n" + body_of(dicom_file()), status=status)
    assert not Upload.objects.exists()


def test_what_stands_before_and_after_the_parts_is_read_over():
    data = b"before " * 5000 + b"\r\n" + body_of(dicom_file()) + b"\r\n" + b"after " * 20000
    assert len(receive.parts_receive(io.BytesIO(data), b"b0undary")) == 1


@pytest.mark.django_db
def test_who_may_not_send_is_refused(client, user):
    house = user.memberships.get().organisation
    _key, text = a_key(house, scopes=["study.view"])
    data = body_of(dicom_file())
    answer = client.post("/dicomweb/studies", data, content_type=KIND, headers=by_key(text))
    assert (answer.status_code, "upload.create" in answer.json()["detail"]) == (403, True)
    assert client.post("/dicomweb/studies", data, content_type=KIND).status_code == 401
