"""S41: text in a report stays text: nothing is fetched, opened, launched or run."""

from __future__ import annotations

import io
import re
import socket
import threading

import pytest
from pypdf import PdfReader

from reports.making import export_chunks
from reports.models import ExportKind
from reports.pdf import PdfError
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


def pdf_with(user_text: str, tmp_path, user) -> bytes:
    """A report whose every user-held text is `user_text`."""
    result = drawn_result(user, tmp_path)
    patient, study, run = result.patient, result.image.study, result.job.run
    patient.name = patient.record_number = patient.birth_date = patient.sex = user_text
    patient.save()
    study.title = study.accession_number = study.studied_at = user_text
    study.save()
    run.title = user_text[:200]
    run.save()
    source = result.image.source
    source.name = user_text
    source.save()
    result.image.warnings = [user_text]
    result.image.save()
    export = ExportFactory(user=user, results=[result], items=[result], kind=ExportKind.PDF)
    return b"".join(export_chunks(export))


@pytest.mark.parametrize("number", range(12))
def test_a_hostile_text_is_printed_and_does_nothing(number, tmp_path, listener):
    from tests.accounts.factories import UserFactory

    url, came = listener
    secret = tmp_path / "secret.txt"
    secret.write_text(CANARY)
    text = payloads(url, secret)[number]
    try:
        data = pdf_with(text, tmp_path, UserFactory())
    except PdfError:
        assert len(text) > 50_000, "only what fits no page may be refused"
        data = None
    assert came == []
    if data is not None:
        assert not ACTIVE.search(readable(data))
        words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
        assert CANARY not in words
        assert "MediScan" in words


def readable(data: bytes) -> bytes:
    """The file's objects with their streams left out: what an opener would act on."""
    return re.sub(rb"stream\r?\n.*?endstream", b"", data, flags=re.S)


def test_an_active_element_would_be_seen():
    assert ACTIVE.search(b"<< /OpenAction << /S /JavaScript >> >>")
    assert not ACTIVE.search(b"<< /Type /Catalog /JSomething 1 >>")
