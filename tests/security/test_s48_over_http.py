"""S48: over the wire: a bad chunk is never sent, and what was cut short cannot look whole."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.vault.blob_format import HEADER
from accounts.vault.staging import blob_path
from accounts.vault.storage import blob_write
from tests.accounts.factories import UserFactory, verify
from tests.imaging.factories import ImageFactory

pytestmark = pytest.mark.django_db(transaction=True)
CHUNK, TAG, ROWS = 1024, 16, 40
CONTENT = np.arange(ROWS * 128, dtype=np.uint8).reshape(1, ROWS, 128)  # five chunks of 1 KiB


@pytest.fixture
def ask(settings, tmp_path, live_server, client):
    """Return what reads the picture by a socket of its own, and the file that lies below it."""
    settings.DATA_DIR = tmp_path
    user = UserFactory()
    image = ImageFactory(user=user, array=CONTENT)
    image.pixels = blob_write(
        organisation=image.organisation, chunks=[CONTENT.tobytes()], kind="pixels",
        patient_id=image.patient_id, chunk_size=CHUNK,
    )  # fmt: skip
    image.save()
    verify(client, user)
    cookie = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    address = reverse("imaging:image-pixels", args=[image.pk])

    def get(span: str = "") -> tuple[int, bytes, bool]:
        """Answer the status, the bytes that came, and whether all of them did."""
        line = http.client.HTTPConnection(urlsplit(live_server.url).netloc, timeout=30)
        headers = {"Cookie": cookie, "Connection": "close"}
        headers |= {"Range": f"bytes={span}"} if span else {}
        line.request("GET", address, headers=headers)
        answer = line.getresponse()
        try:
            return answer.status, answer.read(), True
        except http.client.IncompleteRead as cut:
            return answer.status, cut.partial, False
        finally:
            line.close()

    return get, blob_path(image.pixels.pk, image.pixels.version)


def flip(path, chunk: int) -> None:
    data = bytearray(path.read_bytes())
    data[HEADER.size + chunk * (CHUNK + TAG) + 7] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("span", "start", "stop"),
    [("", 0, 5120), ("0-0", 0, 1), ("1000-1100", 1000, 1101), ("5000-", 5000, 5120),
     ("-20", 5100, 5120), ("1024-2047", 1024, 2048), ("4000-99999", 4000, 5120)],
)  # fmt: skip
def test_a_range_is_exactly_the_bytes_asked_for(ask, span, start, stop):
    get, _ = ask
    assert get(span) == (206 if span else 200, CONTENT.tobytes()[start:stop], True)


@pytest.mark.parametrize("span", ["5120-", "9-3", "0-1,4-5", "x-y"])
def test_what_is_no_range_of_it_is_416(ask, span):
    get, _ = ask
    assert get(span)[0] == 416


def test_a_bad_first_chunk_is_an_error_and_nothing_of_it(ask):
    get, path = ask
    flip(path, 0)
    status, body, _ = get()
    assert status == 500
    assert CONTENT.tobytes()[:16] not in body


def test_a_later_bad_chunk_breaks_the_connection_before_it(ask):
    get, path = ask
    flip(path, 3)
    for span, start in (("", 0), ("500-", 500), ("2000-4000", 2000)):
        status, body, is_whole = get(span)
        assert status in (200, 206)
        assert not is_whole
        assert len(body) <= 3 * CHUNK - start
        assert CONTENT.tobytes()[start:].startswith(body)
    assert get("3100-3200")[0] == 500  # the range begins in it
    assert get("0-1023") == (206, CONTENT.tobytes()[:CHUNK], True)  # the rest is readable
    assert AuditEvent.objects.filter(action="vault.damage").count() >= 4


def test_a_file_that_lost_its_end_is_never_whole(ask):
    get, path = ask
    path.write_bytes(path.read_bytes()[: HEADER.size + 4 * (CHUNK + TAG)])
    status, _, is_whole = get()
    assert status == 500 or not is_whole
