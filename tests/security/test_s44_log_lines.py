"""S44: whatever is sent, the log holds one parsable line of at most 16 KB; one id leads through."""

from __future__ import annotations

import io
import json
import logging
import uuid
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.tracing import request_id, traced
from imaging import tasks
from imaging.engine.client import Engine
from imaging.models import Job, Upload
from imaging.services.runs import MemberChoice, run_submit
from mediscan.logs import LINE_BYTES, JsonLine, PlainLine, RequestIdFilter
from reports.models import Export
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, ModelVersionFactory

HOSTILE = {
    "line feed": "one\nFORGED level=error",
    "carriage return": "one\r\nFORGED",
    "colours": "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "line separator": "one\u2028FORGED\u2029two\x85three",
    "backspace, NUL": "one\x00\x08\x7f",
    "right to left": "one\u202eFORGED",
    "a megabyte": "x" * 2**20,
    "bad UTF-8": b"\xff\xfe\xc3(".decode("utf-8", "surrogateescape"),
    "quotes": '"}\\" {"level":"critical"}',
}


@pytest.fixture
def lines():
    """Everything that is logged, as machines get it: one entry per physical line."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    handler.addFilter(RequestIdFilter())
    root = logging.getLogger()
    access = logging.getLogger("mediscan.access")
    before = root.level, access.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    access.setLevel(logging.INFO)
    yield lambda: stream.getvalue().splitlines()
    root.removeHandler(handler)
    root.setLevel(before[0])
    access.setLevel(before[1])


def checked(lines: list[str]) -> list[dict]:
    for line in lines:
        assert len(line.encode()) <= LINE_BYTES
        assert line.isascii()
        assert line.isprintable()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["message", "argument", "logger", "exception", "fact"])
def test_hostile_text_stays_on_one_parsable_line(place, text):
    (line,) = checked(JsonLine().format(hostile_record(place, text)).splitlines())
    assert line["level"] == "warning"


def hostile_record(place: str, text: str) -> logging.LogRecord:
    error = ValueError(text)
    record = logging.LogRecord(
        text if place == "logger" else "a",
        logging.WARNING,
        "file.py",
        1,
        text if place == "message" else "sent: %s",
        () if place == "message" else (text,),
        (ValueError, error, error.__traceback__) if place == "exception" else None,
    )
    record.facts = {"path": text} if place == "fact" else {}
    return record


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_readable_line_cannot_be_forged_either(text):
    record = logging.LogRecord("a", logging.INFO, "f", 1, "sent: %s", (text,), None)
    line = PlainLine("%(levelname)s %(message)s").format(record)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert len(line) <= LINE_BYTES + 100


def test_an_exception_gives_its_kind_and_place_but_not_what_it_quotes(lines):
    try:
        raise KeyError("Doe^Jane")
    except KeyError:
        logging.getLogger("a").exception("job failed")
    (line,) = checked(lines())
    assert line["error"] == "KeyError"
    assert line["frames"][-1].endswith(
        "test_an_exception_gives_its_kind_and_place_but_not_what_it_quotes"
    )
    assert "Doe" not in json.dumps(line)


@pytest.mark.django_db
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_requests_leave_whole_lines(lines, text):
    client = Client(raise_request_exception=False)
    path = quote(text[:5000].encode("utf-8", "surrogateescape"))
    host = text.encode("utf-8", "replace").decode()
    client.get(f"/{path}", headers={"user-agent": text, "host": host})
    client.get("/healthz/", headers={"x-request-id": text, "x-forwarded-for": text})
    said = checked(lines())
    assert len(said) >= 2
    assert all(line["request_id"] != text for line in said)


@pytest.mark.django_db
def test_the_access_line_holds_no_query(lines, client):
    client.get("/healthz/?name=Doe&code=123456")
    (line,) = [line for line in checked(lines()) if line["logger"] == "mediscan.access"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/healthz/", 200)
    assert "Doe" not in json.dumps(line)


@pytest.mark.django_db
def test_an_error_page_tells_the_id_that_the_log_has(lines, client):
    client.force_login(UserFactory())
    answer = client.get(reverse("imaging:study-detail", args=[uuid.UUID(int=7)]))
    assert answer.status_code == 404
    assert answer["X-Request-ID"] in answer.content.decode()
    assert answer["X-Request-ID"] in {line["request_id"] for line in checked(lines())}


@pytest.mark.django_db
def test_rows_carry_the_request_that_made_them(client, queued):
    user = UserFactory()
    image, model = ImageFactory(user=user), ModelVersionFactory()
    with traced("0123456789abcdef"):
        run = run_submit(
            user=user, images=[image], members=[MemberChoice(model, 1.0, "auto")], threshold=0.5
        )
    job = run.jobs.get()
    assert (run.request_id, job.request_id) == ("0123456789abcdef",) * 2
    assert [Model._meta.get_field("request_id").max_length for Model in (Upload, Export, Job)]
    assert all("0123456789abcdef" not in str(call) for call in queued), "the queue carries a uuid"


@pytest.mark.django_db
def test_the_worker_logs_and_records_under_the_id_of_the_request(lines, queued, monkeypatch):
    user = UserFactory()
    with traced("feedfacefeedface"):
        run = run_submit(
            user=user,
            images=[ImageFactory(user=user)],
            members=[MemberChoice(ModelVersionFactory(), 1.0, "auto")],
            threshold=0.5,
        )
    heard = []

    def analyse(job):
        heard.append(request_id.get())
        raise RuntimeError("Doe^Jane")

    monkeypatch.setattr("imaging.services.analysis.job_analyse", analyse)
    tasks.run_job(str(run.jobs.get().pk))
    assert heard == ["feedfacefeedface"]
    assert request_id.get() == "-", "the next task starts without it"
    (line,) = [line for line in checked(lines()) if line["level"] == "error"]
    assert line["request_id"] == "feedfacefeedface"
    assert "Doe" not in json.dumps(line)
    assert AuditEvent.objects.filter(action="run.submit").exists()


@pytest.mark.engine
def test_a_child_names_the_request_it_died_of(lines):
    engine = Engine("decode", module="tests.engine.fake_child")
    with pytest.raises(Exception, match="could not be read"):
        engine.call("die", timeout_s=30, trace="abadcafeabadcafe")
    (line,) = [line for line in checked(lines()) if line["level"] == "error"]
    assert "decode [abadcafeabadcafe] die" in line["event"]
    assert "Doe" not in line["event"]
