"""S43, S46: a patient's whole life, errors forced, leaves no word of it outside the vault."""

from __future__ import annotations

import io
import logging
import re
import tempfile
import zipfile
from pathlib import Path

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django_q.models import OrmQ

from accounts.selectors import home_organisation
from accounts.vault.storage import blob_open
from imaging import tasks
from imaging.engine.scratch import PREFIX
from imaging.models import Image, ItemStatus, Upload
from imaging.services.jobs import job_succeed
from imaging.services.uploads import upload_receive
from mediscan.logs import JsonLine, RequestIdFilter
from reports.models import KINDS, MANY, ZIPS, Export
from reports.tasks import make_export
from tests.accounts.factories import UserFactory, verify
from tests.browser.story import analysis, three_models
from tests.imaging.factories import JobFactory, RunFactory
from tests.reports.factories import ExportFactory
from tests.security.canaries import Seen, broken, data_folder, dicom, look_into_the_database, png

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]
DICOM, PNG, BROKEN = dicom(), png(), broken()  # made before anything listens: Pillow logs too
ADDRESS = re.compile(r'(?:href|src|action|hx-[a-z]+)="([^"]*)"')


@pytest.fixture
def log():
    """What machines would read, everything from DEBUG on but the database's own statements."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    handler.addFilter(RequestIdFilter())
    root, access = logging.getLogger(), logging.getLogger("mediscan.access")
    levels = root.level, access.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    access.setLevel(logging.INFO)
    logging.getLogger("django.db.backends").setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(levels[0])
    access.setLevel(levels[1])


@pytest.fixture
def person():
    return UserFactory()


def test_a_whole_life_leaves_no_word_outside_the_vault(log, person, tmp_path, monkeypatch):
    seen, addresses = Seen(), []
    client = verify(Client(raise_request_exception=False), person)

    def visit(method: str, address: str, data=None):
        answer = getattr(client, method)(address, data or {})
        addresses.extend(
            [address, answer.get("Location", ""), answer.get("Content-Disposition", "")]
        )
        if answer.get("Content-Type", "").startswith("text/html"):
            addresses.extend(ADDRESS.findall(answer.content.decode()))
        seen.look(f"the cookies of {address}", str(answer.cookies))
        return answer

    upload = sent(visit)
    assert OrmQ.objects.exists(), "the queue's own table is looked at with something in it"
    look_into_the_database(seen)
    tasks.ingest_upload(str(upload.pk))
    states = sorted(upload.items.values_list("status", flat=True))
    assert states == [ItemStatus.ACCEPTED, ItemStatus.ACCEPTED, ItemStatus.REFUSED]
    shown = visit("get", reverse("imaging:study-list")).content.decode()
    assert "Zqname" in shown, "the person in charge does see the name"

    models = three_models()
    results = [analysed(person, image, models, tmp_path) for image in Image.objects.all()]
    for result in results:
        visit("get", result.get_absolute_url())
        visit("get", result.image.study.get_absolute_url())
    exported(visit, person, results, seen)
    forced_errors(visit, person, results, monkeypatch)
    visit("post", reverse("imaging:study-list"), {"q": "Zqname"})
    visit("get", reverse("analytics:dashboard"))
    visit("post", reverse("account_logout"))

    look_into_the_database(seen)
    assert seen.look_below(data_folder()) > 5
    for base in {Path("/dev/shm"), Path(tempfile.gettempdir())}:
        for left in base.glob(f"{PREFIX}*"):
            seen.look_below(left)
    seen.look("the log", log.getvalue())
    seen.look("addresses", "\n".join(addresses))
    seen.look("mail", "\n".join(str(one.message()) for one in mail.outbox))
    seen.look("the cache", str(getattr(cache, "_cache", "")))
    assert len(log.getvalue().splitlines()) > 20
    assert seen.found == {}


def test_derivatives_hold_nothing_of_what_the_file_carried_along(person, queued, client):
    """S46: text chunks, EXIF, XMP, profile: in the original alone, which is sealed."""
    upload = person_upload(person, [SimpleUploadedFile("Zqfile.png", PNG, "image/png")])
    tasks.ingest_upload(str(upload.pk))
    image, seen = Image.objects.get(), Seen()
    for blob in (image.pixels, image.thumbnail):
        with blob_open(blob) as reader:
            seen.look(blob.kind, reader.read())
    client.force_login(person)
    for name in ("imaging:image-thumbnail", "imaging:image-pixels"):
        answer = client.get(reverse(name, args=[image.pk]))
        seen.look(name, b"".join(answer) if answer.streaming else answer.content)
    assert seen.found == {}
    with blob_open(image.source.blob) as reader:
        assert b"Zqexif" in reader.read(), "the original is kept byte for byte"


def test_the_search_would_find_a_word_that_was_left_behind(tmp_path):
    seen = Seen()
    (tmp_path / "left").write_text(b"patient: zqname^jane".hex())
    seen.look_below(tmp_path)
    seen.look("log", "born 1931-07-29")
    assert set(seen.found) == {str(tmp_path / "left"), "log"}


def sent(visit) -> Upload:
    files = [
        SimpleUploadedFile("Zqfile-Zqname.dcm", DICOM, "application/dicom"),
        SimpleUploadedFile("Zqfile.png", PNG, "image/png"),
        SimpleUploadedFile("Zqfile-broken.dcm", BROKEN, "application/dicom"),
    ]
    answer = visit("post", reverse("imaging:upload-create"), {"files": files, "modality": "xray"})
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    return Upload.objects.get()


def person_upload(person, files) -> Upload:
    return upload_receive(
        user=person, organisation=home_organisation(person), files=files, modality="xray"
    )


def analysed(person, image: Image, models, folder: Path):
    """A stored result, as the engine would have answered it."""
    run = RunFactory(requested_by=person, versions=models, title="Lung fields")
    job = JobFactory(run=run, image=image, running=True)
    assert job_succeed(job, analysis(job, image.height, folder), folder)
    return job.result


def exported(visit, person, results, seen: Seen) -> None:
    """Every kind of file, made and fetched; what it is called tells nothing."""
    for kind in KINDS:
        chosen = results[:1] if kind in MANY else results
        export = ExportFactory(user=person, results=chosen, items=chosen, kind=kind)
        make_export(str(export.pk))
        assert Export.objects.get(pk=export.pk).status == "succeeded", kind
        answer = visit("get", reverse("reports:export-download", args=[export.pk]))
        seen.look(f"what {kind} is called", answer["Content-Disposition"])
        data = b"".join(answer.streaming_content) if answer.streaming else answer.content
        if kind in ZIPS:
            seen.look(f"names in {kind}", "\n".join(zipfile.ZipFile(io.BytesIO(data)).namelist()))


def forced_errors(visit, person, results, monkeypatch) -> None:
    """What fails in the middle of a patient's data, with their name in the error's own words."""

    def fail(*args, **kwargs):
        raise ValueError("Zqname^Jane ZQRECORD-1 19310729")

    with monkeypatch.context() as patch:
        patch.setattr("imaging.services.analysis.job_analyse", fail)
        job = JobFactory(run=results[0].job.run, image=results[0].image, position=7)
        tasks.run_job(str(job.pk))
        patch.setattr("reports.making.report_content", fail)
        export = ExportFactory(user=person, results=results[:1], items=results[:1], kind="pdf")
        make_export(str(export.pk))
        patch.setattr("imaging.worklist.studies_visible_to", fail)
        assert visit("get", reverse("imaging:study-list")).status_code == 500
    assert visit("get", "/nowhere/").status_code == 404
