"""A large file by API: announced, sent in pieces, gone on after a break, closed, given up."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.vault.storage import blob_open
from imaging.models import ItemStatus, Upload, UploadItem
from imaging.services.joining import item_join
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.formats.factories import nifti_file, ramp

pytestmark = pytest.mark.django_db
PART = 1000
OPEN = reverse("api:upload-open")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch, queued):
    for module in ("imaging.services.pieces", "imaging.api.sending"):
        monkeypatch.setattr(f"{module}.PART_BYTES", PART)


@pytest.fixture
def large() -> bytes:
    return nifti_file(ramp(40, 100).reshape(8, 25, 20))


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Program:
    """A client with its token or key; `send` cuts the file where the house says."""

    def __init__(self, client, headers) -> None:
        self.client, self.headers = client, headers

    def post(self, address: str, body=None, *, form=False):
        kind = {} if form else {"content_type": "application/json"}
        sent = body if form else json.dumps(body or {})
        return self.client.post(address, sent, headers=self.headers, **kind)

    def open(self, data: bytes, **more):
        file = {"name": "ct.nii", "size": len(data), "sha256": sha(data)}
        return self.post(OPEN, {"modality": "ct", "files": [file]} | more)

    def piece(self, there: str, item: str, data: bytes, offset: int, sha256: str = ""):
        form = {"item": item, "offset": offset, "sha256": sha256 or sha(data)}
        return self.post(there, form | {"piece": SimpleUploadedFile("x", data)}, form=True)


@pytest.fixture
def program(client):
    return Program(client, bearer(pair_of(client, UserFactory())["access"]))


def begun(program, data: bytes) -> tuple[str, str]:
    answer = program.open(data)
    assert answer.status_code == 201, answer.content
    return answer["Location"], answer.json()["files"][0]["item"]


def test_a_file_goes_on_after_a_break_and_is_read(program, large):
    there, item = begun(program, large)
    for offset in (0, PART):
        answer = program.piece(there, item, large[offset : offset + PART], offset)
        assert answer.status_code == 200, answer.content
        assert answer.json()["received"] == offset + PART
    again = program.open(large)  # the program died and begins anew
    assert again["Location"] == there
    assert again.json()["files"][0] == {
        "item": item, "name": "ct.nii", "size": len(large), "received": 2 * PART,
        "status": "coming", "code": "", "reason": "",
    }  # fmt: skip
    assert program.client.get(there, headers=program.headers).json() == again.json()
    for offset in range(2 * PART, len(large), PART):
        assert program.piece(there, item, large[offset : offset + PART], offset).status_code == 200
    upload = Upload.objects.get()
    receipt = program.post(reverse("api:upload-close", args=[upload.pk]))
    assert receipt.status_code == 202, receipt.content
    assert [one["status"] for one in receipt.json()["items"]] == ["waiting"]
    row = UploadItem.objects.get()
    item_join(row, lambda: None)
    assert blob_open(row.blob).read() == large


def test_what_does_not_fit_is_409_and_says_what_is_here(program, large):
    there, item = begun(program, large)
    for data, offset, sha256, code in (
        (large[PART : 2 * PART], PART, "", "wrong_offset"),
        (large[:PART], 0, "0" * 64, "wrong_sha256"),
        (large[:10], 0, "", "wrong_offset"),
    ):
        answer = program.piece(there, item, data, offset, sha256)
        assert answer.status_code == 409
        assert (answer.json()["code"], answer.json()["file"]["received"]) == (code, 0)
    assert program.piece(there, item, large[: PART + 1], 0).status_code == 413
    assert program.piece(there, str(Upload.objects.get().pk), large[:PART], 0).status_code == 422
    assert program.piece(there, item, large[:PART], 0).status_code == 200
    assert program.piece(there, item, large[:PART], 0).status_code == 200  # once more: no harm


@pytest.mark.parametrize(
    "body",
    [
        {}, {"files": []}, {"files": [{"name": "a"}]}, {"files": "x"},
        {"files": [{"name": "a", "size": -1, "sha256": "0" * 64}]},
        {"files": [{"name": "a", "size": 1, "sha256": "x"}]},
        {"files": [{"name": "a", "size": 2**80, "sha256": "0" * 64}]},
    ],
)  # fmt: skip
def test_a_wrong_announcement_names_the_field(program, body):
    answer = program.post(OPEN, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith("files")
    assert not Upload.objects.exists()


def test_a_closed_one_takes_no_more_and_a_given_up_one_keeps_nothing(program, large):
    there, item = begun(program, large)
    program.piece(there, item, large[:PART], 0)
    upload = reverse("api:upload-detail", args=[Upload.objects.get().pk])
    assert program.client.delete(upload, headers=program.headers).status_code == 204
    row = UploadItem.objects.get()
    assert (row.status, row.code, row.parts.count()) == (ItemStatus.REFUSED, "given-up", 0)
    for answer in (
        program.piece(there, item, large[:PART], 0),
        program.post(upload + "close/"),
        program.client.delete(upload, headers=program.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "upload_closed")


def test_half_a_file_is_refused_by_name_when_it_is_closed(program, large):
    there, item = begun(program, large)
    program.piece(there, item, large[:PART], 0)
    answer = program.post(reverse("api:upload-close", args=[Upload.objects.get().pk]))
    assert answer.status_code == 200  # there is nothing to wait for
    assert answer.json()["items"][0]["code"] == "interrupted"


def test_there_is_no_sending_for_somebody_else(program, client, large):
    there, item = begun(program, large)
    other = Program(client, bearer(pair_of(client, UserFactory())["access"]))
    assert other.piece(there, item, large[:PART], 0).status_code == 404
    house = Upload.objects.get().organisation
    near = Program(client, bearer(pair_of(client, UserFactory(organisation=house))["access"]))
    assert near.piece(there, item, large[:PART], 0).status_code == 403
    assert client.get(there, headers=near.headers).status_code == 200
    assert client.get(there, headers=other.headers).status_code == 404
    assert client.get(there).status_code == 401
    house = OrganisationFactory()
    _key, secret = a_key(house, scopes=["run.view"])
    assert Program(client, by_key(secret)).open(large).status_code == 403


def test_a_machine_sends_by_its_key(client, large):
    _key, secret = a_key()
    machine = Program(client, by_key(secret))
    there, item = begun(machine, large)
    assert machine.piece(there, item, large[:PART], 0).status_code == 200
