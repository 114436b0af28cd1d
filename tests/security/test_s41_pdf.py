"""S41: text in a report stays text: nothing is fetched, opened, launched or run."""

from __future__ import annotations

import io
import re
import socket
import threading
import time

import pytest
from pypdf import PdfReader

from reports.making import export_chunks
from reports.models import Export, ExportKind
from reports.pdf import LONGEST, by_script
from tests.accounts.factories import UserFactory
from tests.browser.story import drawn_result
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
CANARY = "Zqfilecanary"
ACTIVE = re.compile(rb"/(JS|JavaScript|OpenAction|Launch|AA|SubmitForm|ImportData|EmbeddedFile)\b")


@pytest.fixture
def listener():
    """A server that must not be spoken to; (its address, who came)."""
    came, server = [], socket.create_server(("127.0.0.1", 0))

    def hear() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            came.append(line.recv(200))
            line.close()

    threading.Thread(target=hear, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", came
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def payloads(url: str, path) -> list[str]:
    return [
        f'<img src="{url}/a.png">',
        f'<img src="file://{path}">',
        f'<link rel="stylesheet" href="{url}/a.css">',
        f'<style>@import url("{url}/b.css");</style>',
        f'<style>@font-face {{ font-family: x; src: url("{url}/f.ttf") }} * {{ font-family: x }}',
        f"<script>app.launchURL('{url}');</script>",
        f'"><pdf:include src="file://{path}"></pdf:include>',
        f'<object data="file://{path}"></object><iframe src="{url}"></iframe>',
        f'</td></tr></table><a href="{url}/x">x</a><embed src="{url}/e">',
        "\\" * 40 + "(unbalanced) ) /OpenAction << /S /JavaScript /JS (app.alert(1)) >>",
        "{% include 'x' %}{{ settings.SECRET_KEY }}",
        "w" * 100_000,
    ]


@pytest.fixture
def printed(tmp_path):
    """Return what prints one report whose every user-held text is the one given."""
    user = UserFactory()
    result = drawn_result(user, tmp_path)
    export = ExportFactory(user=user, results=[result], items=[result], kind=ExportKind.PDF)
    patient, study, run = result.patient, result.image.study, result.job.run

    def print_with(text: str) -> tuple[bytes, float]:
        """Return the file, and the processor's seconds that it cost."""
        patient.name = patient.record_number = patient.birth_date = patient.sex = text
        study.title = study.accession_number = study.studied_at = text
        run.title, result.image.source.name, result.image.warnings = text[:200], text, [text]
        for row in (patient, study, run, result.image.source, result.image):
            row.save()
        began = time.process_time()
        data = b"".join(export_chunks(Export.objects.get(pk=export.pk)))
        return data, time.process_time() - began

    return print_with


@pytest.mark.parametrize("number", range(12))
def test_a_hostile_text_is_printed_and_does_nothing(number, tmp_path, printed, listener):
    url, came = listener
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY)
    data, _ = printed(payloads(url, secret)[number])
    assert came == []
    assert not ACTIVE.search(readable(data))
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    assert CANARY not in words
    assert "MediScan" in words


@pytest.mark.parametrize("number", [0, 4, 9])
def test_a_hostile_text_costs_no_more_than_three_times_honest_words(number, tmp_path, printed):
    """No layout bomb: in processor time beside prose of its length, on the same machine."""
    text = payloads("http://127.0.0.1:9", tmp_path)[number]
    prose = ("the lungs are clear and the heart is of normal size " * 2_000)[: len(text)]
    printed(prose)  # fonts and templates are read once
    honest = min(printed(prose)[1] for _ in range(2))
    assert printed(text)[1] < 3 * honest


def test_a_text_without_end_is_cut_and_says_so(printed):
    assert len(by_script("w" * 100_000)) < LONGEST + 20
    assert by_script("w" * 100_000).endswith("…")
    assert by_script("w" * LONGEST).endswith("w")


def readable(data: bytes) -> bytes:
    """The file's objects with their streams left out: what an opener would act on."""
    return re.sub(rb"stream\r?\n.*?endstream", b"", data, flags=re.S)


def test_an_active_element_would_be_seen():
    assert ACTIVE.search(b"<< /OpenAction << /S /JavaScript >> >>")
    assert not ACTIVE.search(b"<< /Type /Catalog /JSomething 1 >>")
