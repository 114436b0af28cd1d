"""Exports from the button to the file: by whom, in the background, exactly once."""

import io
import subprocess
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, Blob
from accounts.vault.storage import blob_open
from imaging.services.leases import WorkerStopping
from imaging.services.refusals import NotPossible
from reports import services, tasks
from reports.models import Export, ExportStatus
from reports.pdf import PdfError
from reports.services import export_claim, export_create, exports_recover
from tests.accounts.factories import UserFactory, verify
from tests.imaging.factories import ImageFactory, ResultFactory
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    verify(client, person)
    return person


def made(export) -> bytes:
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert export.status == ExportStatus.SUCCEEDED, export.error
    return blob_open(export.blob).read()


def ask(client, kind, **chosen):
    return client.post(reverse("reports:export-create"), {"kind": kind, **chosen})


def test_a_selection_becomes_an_export_and_one_task(client, user, queued):
    results = [ResultFactory(user=user) for _ in range(3)]
    response = ask(client, "csv", result=[str(one.pk) for one in results])
    export = Export.objects.get()
    assert response.url == export.get_absolute_url()
    assert export.items.count() == 3
    assert queued == [("reports.tasks.make_export", str(export.pk))]
    assert "hx-get" in client.get(response.url).content.decode()


def test_studies_and_runs_stand_for_their_results(client, user, queued):
    first = ResultFactory(user=user)
    newer = ResultFactory(user=user, image=first.image)
    ask(client, "csv", study=str(first.image.study_id))
    assert [item.result for item in Export.objects.get().items.all()] == [newer]
    ask(client, "csv", run=str(first.job.run_id))
    assert [item.result for item in Export.objects.first().items.all()] == [first]


def test_what_has_no_result_is_told(client, user, queued):
    response = ask(client, "csv", study=str(ImageFactory(user=user).study_id))
    assert response.url == reverse("imaging:study-list")
    assert "Run an ensemble first" in client.get(response.url).content.decode()
    assert not Export.objects.exists()


def test_a_strangers_result_is_not_exported(client, user, queued):
    mine, theirs = ResultFactory(user=user), ResultFactory()
    ask(client, "csv", result=[str(mine.pk), str(theirs.pk)])
    assert [item.result for item in Export.objects.get().items.all()] == [mine]


def test_an_unknown_kind_and_an_empty_selection_are_refused(user):
    with pytest.raises(NotPossible, match="no such kind"):
        export_create(user=user, kind="exe", results=[ResultFactory(user=user)])
    with pytest.raises(NotPossible, match="Run an ensemble first"):
        export_create(user=user, kind="csv", results=[])


@pytest.mark.parametrize("kind", ["csv", "masks", "pdfs", "dicoms"])
def test_more_than_fit_are_refused_in_words(monkeypatch, user, queued, kind):
    monkeypatch.setattr(services, "MOST_RESULTS", 2)
    results = [ResultFactory(user=user) for _ in range(3)]
    with pytest.raises(NotPossible, match="At most 2 results"):
        export_create(user=user, kind=kind, results=results)
    assert not Export.objects.exists()
    export_create(user=user, kind=kind, results=results[:2])


def test_one_pdf_says_what_the_result_says(tmp_path):
    result = ResultFactory()
    result.patient.name = "Novák Жанна Ωμέγα"
    result.patient.save()
    data = made(ExportFactory(results=[result], items=[result], kind="pdf"))
    assert data.startswith(b"%PDF")
    (tmp_path / "r.pdf").write_bytes(data)
    try:
        text = subprocess.run(
            ["pdftotext", "-layout", str(tmp_path / "r.pdf"), "-"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    except FileNotFoundError:
        pytest.skip("pdftotext is not installed (apt install poppler-utils)")
    for words in (
        "26.04 %",
        "High",
        "0.93",
        "Novák Жанна Ωμέγα",
        "Research use only",
        "Page 1 of 1",
    ):
        assert words in text


def test_two_pdfs_become_a_zip_and_masks_are_exact():
    owner = UserFactory()
    results = [ResultFactory(user=owner) for _ in range(2)]
    archive = zipfile.ZipFile(
        io.BytesIO(made(ExportFactory(results=results, items=results, kind="pdfs")))
    )
    assert len(archive.namelist()) == 2
    masks = zipfile.ZipFile(
        io.BytesIO(made(ExportFactory(results=results, items=results, kind="masks")))
    )
    assert [name[:5] for name in masks.namelist()] == ["0001-", "0002-"]


def test_a_task_delivered_twice_makes_one_file(monkeypatch):
    result = ResultFactory()
    export = ExportFactory(results=[result], items=[result])
    made(export)
    monkeypatch.setattr(tasks, "export_fill", pytest.fail)
    tasks.make_export(str(export.pk))
    assert Blob.objects.filter(kind="export").count() == 1


def test_a_report_that_cannot_be_laid_out_fails_in_words(monkeypatch):
    def refuse(*_args):
        raise PdfError("a font is missing")

    monkeypatch.setattr("reports.making.render_pdf", refuse)
    result = ResultFactory()
    export = ExportFactory(results=[result], items=[result], kind="pdf")
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert (export.status, export.error) == (
        ExportStatus.FAILED,
        "The report could not be laid out. The log names the reason.",
    )
    assert not Blob.objects.filter(kind="export").exists()


def test_one_damaged_result_is_left_out_with_its_reason(monkeypatch):
    owner = UserFactory()
    good, bad = ResultFactory(user=owner), ResultFactory(user=owner)
    export = ExportFactory(results=[good], items=[good, bad], kind="pdfs")
    real = tasks.export_chunks.__globals__["render_pdf"]

    def only_the_good(content, pictures):
        if content.result_id == str(bad.pk):
            raise PdfError("damaged")
        return real(content, pictures)

    monkeypatch.setattr("reports.making.render_pdf", only_the_good)
    assert len(zipfile.ZipFile(io.BytesIO(made(export))).namelist()) == 1
    left_out = export.items.get(result=bad)
    assert (left_out.state, left_out.reason) == (
        "skipped",
        "Its report could not be laid out.",
    )


def test_an_unexpected_failure_is_hidden_and_logged(monkeypatch, caplog):
    monkeypatch.setattr(tasks, "export_chunks", lambda _: 1 / 0)
    result = ResultFactory()
    export = ExportFactory(results=[result], items=[result])
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert export.status == ExportStatus.FAILED
    assert "ZeroDivisionError" in caplog.text
    assert "ZeroDivision" not in export.error


def test_a_dead_workers_export_is_taken_up_and_after_three_deaths_failed(queued):
    result = ResultFactory()
    export = ExportFactory(results=[result], items=[result])
    past = now() - timedelta(minutes=5)
    Export.objects.update(status="running", attempt=1, lease_until=past)
    assert exports_recover() == 1
    assert queued == [("reports.tasks.make_export", str(export.pk))]
    assert export_claim(str(export.pk)).attempt == 2
    Export.objects.update(deaths=3, lease_until=past)
    exports_recover()
    export.refresh_from_db()
    assert export.status == ExportStatus.FAILED
    assert "died three times" in export.error
    assert AuditEvent.objects.filter(action="export.fail", outcome="failed").count() == 1


def test_an_export_of_a_worker_that_stops_is_given_back_without_a_death(monkeypatch, queued):
    def stop(*_args, **_kwargs):
        raise WorkerStopping

    monkeypatch.setattr(tasks, "export_fill", stop)
    result = ResultFactory()
    export = ExportFactory(results=[result], items=[result])
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert (export.status, export.deaths, export.lease_until) == ("queued", 0, None)
    assert queued == [("reports.tasks.make_export", str(export.pk))]


def test_a_selection_is_chosen_without_reading_its_tables(client, user, queued):
    result = ResultFactory(user=user)
    with CaptureQueriesContext(connection) as found:
        ask(client, "csv", run=str(result.job.run_id))
    chosen = [query["sql"] for query in found if 'FROM "imaging_result"' in query["sql"]]
    assert chosen
    assert not any('"imaging_result"."table"' in sql for sql in chosen)


def test_an_expired_file_is_gone_and_says_so(client, user, queued):
    result = ResultFactory(user=user)
    export = ExportFactory(results=[result], items=[result])
    made(export)
    Export.objects.update(expires_at=now() - timedelta(hours=1))
    exports_recover()
    assert not Blob.objects.filter(kind="export").exists()
    assert client.get(reverse("reports:export-download", args=[export.pk])).status_code == 404
    assert "expired" in client.get(export.get_absolute_url()).content.decode()


def test_the_owner_downloads_and_nobody_else(client, user):
    result = ResultFactory(user=user)
    export = ExportFactory(results=[result], items=[result])
    made(export)
    address = reverse("reports:export-download", args=[export.pk])
    response = client.get(address)
    assert (
        response["Content-Disposition"]
        == f'attachment; filename="measures-{str(export.pk)[:8]}.csv"'
    )
    assert b"26.04" in b"".join(response.streaming_content)
    assert AuditEvent.objects.filter(action="export.download").count() == 1
    client.force_login(UserFactory(organisation=result.organisation))
    for name in ("export-detail", "export-status", "export-download"):
        assert client.get(reverse(f"reports:{name}", args=[export.pk])).status_code == 404


def test_the_page_polls_only_while_the_file_is_made(client, user):
    result = ResultFactory(user=user)
    export = ExportFactory(results=[result], items=[result])
    url = reverse("reports:export-status", args=[export.pk])
    assert "hx-get" in client.get(url, headers={"HX-Request": "true"}).content.decode()
    made(export)
    assert "hx-get" not in client.get(url, headers={"HX-Request": "true"}).content.decode()


def test_the_list_costs_the_same_for_one_export_and_for_many(
    client, user, django_assert_max_num_queries
):
    result = ResultFactory(user=user)
    for _ in range(9):
        ExportFactory(results=[result], items=[result])
    with django_assert_max_num_queries(8):
        client.get(reverse("reports:export-list"))


def test_a_file_that_failed_is_asked_for_again_with_the_same_results(client, user, queued):
    results = [ResultFactory(user=user) for _ in range(2)]
    ask(client, "csv", result=[str(one.pk) for one in results])
    first = Export.objects.get()
    services.export_fail(export_claim(str(first.pk)), error="The disk is full.")
    page = client.get(first.get_absolute_url()).content.decode()
    assert "Ask for it again" in page
    ask(client, "csv", again=str(first.pk))
    again = Export.objects.exclude(pk=first.pk).get()
    assert [item.result_id for item in again.items.order_by("position")] == [
        item.result_id for item in first.items.order_by("position")
    ]


def test_nobody_asks_again_for_what_another_made(client, user, queued):
    other = ExportFactory()
    ask(client, other.kind, again=str(other.pk))
    assert list(Export.objects.all()) == [other]
