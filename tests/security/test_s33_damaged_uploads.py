"""S33: damaged files of every format, through the form, the worker and its decoding child.

Each ends in an image or in one plain sentence; no answer is a fault, nothing restarts, the decoding
child keeps its cap, no file is left behind, and the good files sent between are stored bit by bit.
Short in the ordinary tests; `make security` sends over ten thousand.
"""

from __future__ import annotations

import html
import http.client
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from accounts.models import Blob
from accounts.vault.staging import blob_path, blobs_dir
from accounts.vault.storage import blob_open
from imaging.engine.scratch import PREFIX
from imaging.models import Image as Picture
from imaging.models import ItemStatus, ResultMap, SourceFile, Upload
from tests.accounts.factories import UserFactory, verify
from tests.formats.test_real_files import DATA
from tests.imaging.live import ENGINE, Worker, wait_for
from tests.security.damaged import Good, Real, damaged, good, real_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]
CAP_MB, WEB_MB = 1536, 100
PLAIN = re.compile(r"[^\n<>{}\\]{20,500}\.")
FORMATS = 8
ENDED = (ItemStatus.ACCEPTED, ItemStatus.REFUSED, ItemStatus.LISTED, ItemStatus.DUPLICATE)


@dataclass
class Sender:
    """A person at the form, over a socket of its own, and what the answers were like."""

    address: str
    cookie: str
    token: str
    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, str, str]:
        line = http.client.HTTPConnection(self.address, timeout=120)
        headers = {"Cookie": self.cookie, "Connection": "close"}
        if body:
            headers |= {"Content-Type": MULTIPART_CONTENT, "X-CSRFToken": self.token}
        start = time.monotonic()
        try:
            line.request(method, path, body=body or None, headers=headers)
            answer = line.getresponse()
            words = answer.read().decode()
        finally:
            line.close()
        self.seconds.append(time.monotonic() - start)
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return answer.status, answer.headers.get("Location", ""), words

    def send(self, files: list[Real | Good]) -> Upload:
        sent = [SimpleUploadedFile(one.name, one.data) for one in files]
        fields = {"modality": "mri", "files": sent}
        body = encode_multipart(BOUNDARY, fields)
        status, where, words = self.ask("POST", reverse("imaging:upload-create"), body)
        assert status == 302, words[-2000:]
        return Upload.objects.get(pk=where.rstrip("/").rsplit("/", 1)[-1])


@pytest.fixture
def sender(live_server, client) -> Sender:
    user = UserFactory()
    verify(client, user)
    token = "a" * 32
    cookies = {name: one.value for name, one in client.cookies.items()} | {"csrftoken": token}
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Sender(urlsplit(live_server.url).netloc, cookie, token)


@pytest.fixture
def worker(tmp_path, settings):
    settings.DATA_DIR = tmp_path / "data"
    call_command("createcachetable", "cache", verbosity=0)
    with Worker(tmp_path / "worker.log") as worker:
        wait_for(lambda: len(processes(worker)) >= 5, 120, worker.tail)
        yield worker


def test_damaged_files_end_in_an_image_or_a_plain_sentence(sender, worker):
    assert_harmless(sender, worker, uploads=6, rounds=5, each=12, answer_s=30)  # a shared machine


@pytest.mark.slow_security
def test_ten_thousand_damaged_files(sender, worker):
    assert_harmless(sender, worker, uploads=210, rounds=6, each=20, answer_s=3)


def assert_harmless(
    sender: Sender, worker: Worker, *, uploads: int, rounds: int, each: int, answer_s: float
) -> None:
    files = real_files(DATA, each)
    assert len(files) == FORMATS
    assert all(files.values())
    held = processes(worker)
    own = psutil.Process()
    before, largest, ends = own.memory_info().rss, 0, {}
    sender.ask("GET", reverse("imaging:upload-create"))  # what is imported once
    for number in range(uploads):
        seeds = range(number * rounds, (number + 1) * rounds)
        between = good(number)
        upload = sender.send([*(one for seed in seeds for one in damaged(files, seed)), between])
        largest = max(largest, followed(upload, worker))
        for item in upload.items.all():
            assert item.status in ENDED
            assert item.code not in ("unexpected", "over-limits"), (item.name, item.reason)
            ends[item.code or item.status] = ends.get(item.code or item.status, 0) + 1
            if item.status == ItemStatus.REFUSED:
                assert PLAIN.fullmatch(item.reason), (item.name, item.reason)
        assert_kept(upload, between)
        assert_receipt(sender, upload)
    assert processes(worker) == held
    assert set(sender.statuses) == {200, 302}
    slowest = sorted(sender.seconds)[len(sender.seconds) * 99 // 100]
    grown = (own.memory_info().rss - before) >> 20
    print(f"\n{uploads * rounds * FORMATS:,} files: {ends}")
    print(f"p99 {slowest:.2f} s; child {largest} MB; web +{grown} MB")
    assert slowest < answer_s
    assert largest < CAP_MB
    assert grown < WEB_MB
    assert len(ends) > 10
    assert_nothing_left(worker)


def processes(worker: Worker) -> list[int]:
    """Supervisor, cluster and queue processes: none of them may be another one afterwards."""
    try:
        own = [worker.supervisor, worker.cluster, *worker.idle_workers()]
    except psutil.Error:
        return []  # one was just starting or ending
    return sorted(one.pid for one in own if one is not None)


def followed(upload: Upload, worker: Worker) -> int:
    """Wait until the upload is read; return the most MB that a decoding child held."""
    largest = 0

    def finished() -> bool:
        nonlocal largest
        for process in worker.descendants():
            try:
                if ENGINE in process.cmdline():
                    largest = max(largest, process.memory_info().rss >> 20)
            except psutil.Error:
                continue
        return Upload.objects.filter(pk=upload.pk).exclude(finished_at=None).exists()

    wait_for(finished, 300, worker.tail)
    return largest


def assert_kept(upload: Upload, one: Good) -> None:
    items = upload.items.select_related("image__pixels", "image__source__blob")
    (item,) = [item for item in items if item.name == one.name]
    assert item.status == ItemStatus.ACCEPTED, item.reason
    with blob_open(item.image.pixels) as pixels, blob_open(item.image.source.blob) as source:
        assert pixels.read() == one.pixels
        assert source.read() == one.data


def assert_receipt(sender: Sender, upload: Upload) -> None:
    """The page of the upload says each reason in words."""
    status, _, words = sender.ask("GET", reverse("imaging:upload-detail", args=[upload.pk]))
    assert status == 200
    shown = html.unescape(words)
    for item in upload.items.filter(status=ItemStatus.REFUSED):
        assert item.reason in shown


def assert_nothing_left(worker: Worker) -> None:
    """Blobs are of images alone, files are of blobs alone, and no scratch folder is full."""
    kept = set(Picture.objects.values_list("pixels", flat=True))
    kept |= set(Picture.objects.values_list("thumbnail", flat=True))
    kept |= set(SourceFile.objects.values_list("blob", flat=True))
    assert set(Blob.objects.values_list("pk", flat=True)) == kept - {None}
    assert not ResultMap.objects.exists()
    paths = {blob_path(blob.pk, blob.version) for blob in Blob.objects.all()}
    assert {path for path in blobs_dir().rglob("*") if path.is_file()} == paths
    for yard in yards(worker):
        assert [path.name for path in yard.iterdir()] == [".lock"]


def yards(worker: Worker) -> set[Path]:
    held = set()
    for process in (worker.supervisor, *worker.descendants()):
        for handle in process.open_files():
            folder = Path(handle.path).parent
            if folder.name.startswith(PREFIX):
                held.add(folder)
    return held
