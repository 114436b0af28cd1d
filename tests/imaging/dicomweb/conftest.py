"""A study of six slices that came as DICOM, and whoever asks for it."""

from __future__ import annotations

import pytest

from imaging.models import Study
from tests.accounts.factories import UserFactory
from tests.formats.series import ct_series
from tests.imaging.dicomweb.told import told_study

HEAD = {
    "PatientName": "Doe^Jane", "PatientID": "P-1", "StudyDate": "20260302",
    "AccessionNumber": "A-77", "StudyDescription": "Thorax", "StudyID": "S1",
    "ReferringPhysicianName": "House^Gregory", "BodyPartExamined": "CHEST",
}  # fmt: skip
STUDY, SERIES = "1.2.3", "1.2.3.4"
AT = f"/dicomweb/studies/{STUDY}"
IN = f"{AT}/series/{SERIES}"


@pytest.fixture
def user(db):
    return UserFactory()


@pytest.fixture
def files() -> list[bytes]:
    return ct_series(**HEAD)


@pytest.fixture
def study(user, queued, files) -> Study:
    return told_study(user, files)


@pytest.fixture
def get(verified_client, user):
    """Ask as the owner, by the session of a page."""
    client = verified_client(user)

    def ask(path: str, query=None, *, accept: str = "*/*", status: int = 200):
        answer = client.get(path, query or {}, headers={"Accept": accept})
        assert answer.status_code == status, getattr(answer, "content", answer)
        return answer

    return ask


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def parts(answer) -> list[tuple[str, bytes]]:
    """(Content-Type, content) of each part of a multipart answer."""
    boundary = answer["Content-Type"].rsplit("boundary=", 1)[1].encode()
    pieces = body(answer).split(b"--" + boundary)
    assert (pieces[0], pieces[-1]) == (b"", b"--\r\n")
    found = []
    for piece in pieces[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        kind = head.split(b"\r\n")[0].decode().removeprefix("Content-Type: ")
        found.append((kind, content.removesuffix(b"\r\n")))
    return found
