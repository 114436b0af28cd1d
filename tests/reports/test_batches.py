"""A batch is made part by part: in turns, through a kill, until it is cancelled or told."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, Blob, Notice
from accounts.vault.storage import blob_open
from imaging.services.leases import LeaseLost
from reports import making, tasks
from reports.making import parts_make
from reports.models import Export, ExportStatus
from reports.parts import part_keep
from reports.services import export_cancel, export_claim, export_delete, exports_recover
from tests.accounts.factories import UserFactory, verify
from tests.imaging.factories import ResultFactory
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    verify(client, person)
    return person


@pytest.fixture
def drawn(monkeypatch):
    """Make each report in no time; returns the results that were drawn, in order."""
    seen = []

    def draw(result, version=None):
        seen.append(result.pk)
        return f"%PDF of {result.pk}".encode()

    monkeypatch.setattr(making, "pdf_of", draw)
    return seen


def batch(user, count=4, **fields) -> Export:
    results = [ResultFactory(user=user) for _ in range(count)]
    return ExportFactory(results=results, items=results, kind="pdfs", **fields)


def parts() -> int:
    return Blob.objects.filter(kind="export").count()


def names(export: Export) -> list[str]:
    export.refresh_from_db()
    assert export.status == ExportStatus.SUCCEEDED, export.error
    return zipfile.ZipFile(io.BytesIO(blob_open(export.blob).read())).namelist()


def test_a_batch_goes_on_after_its_worker_was_killed(user, drawn, monkeypatch, queued):
    export = batch(user)

    class Killed(BaseException):
        """What no handler of ours sees, as SIGKILL."""

    def kill_after_two(result, version=None):
        if len(drawn) == 2:
            raise Killed
        drawn.append(result.pk)
        return b"%PDF"

    with monkeypatch.context() as patch:
        patch.setattr(making, "pdf_of", kill_after_two)
        with pytest.raises(Killed):
            tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert (export.status, export.deaths, parts()) == ("running", 1, 2)
    tasks.make_export(str(export.pk))  # its lease still holds: delivered twice, nothing happens
    assert len(drawn) == 2
    Export.objects.update(lease_until=now() - timedelta(minutes=5))
    assert exports_recover() == 1
    tasks.make_export(str(export.pk))
    assert len(names(export)) == 4
    assert len(drawn) == len(set(drawn)) == 4  # none was made twice
    assert parts() == 1  # the ZIP alone


def test_a_batch_that_gets_on_is_not_given_up_for_many_deaths(user, drawn, queued):
    export = batch(user, count=2)
    Export.objects.update(deaths=2)
    claimed = export_claim(str(export.pk))
    part_keep(claimed, claimed.items.first(), ending="pdf", content=b"%PDF")
    export.refresh_from_db()
    assert export.deaths == 1


def test_a_long_batch_gives_others_a_turn(user, drawn, queued):
    export = batch(user)
    moments = iter([0.0, 1.0, 2.0, making.TURN_S + 1])
    claimed = export_claim(str(export.pk))
    assert not parts_make(claimed, lambda: None, clock=lambda: next(moments))
    assert (len(drawn), parts()) == (2, 2)


def test_a_turn_that_ended_is_rung_for_again(user, drawn, monkeypatch, queued):
    monkeypatch.setattr(making, "TURN_S", -1.0)
    export = batch(user)
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert (export.status, export.deaths) == ("queued", 0)
    assert queued == [("reports.tasks.make_export", str(export.pk))]


def test_who_cancels_gets_no_file_and_leaves_none(client, user, drawn, queued):
    export = batch(user)
    claimed = export_claim(str(export.pk))
    part_keep(claimed, claimed.items.first(), ending="pdf", content=b"%PDF")
    answer = client.post(reverse("reports:export-cancel", args=[export.pk]), follow=True)
    assert "Nothing of the file is kept" in answer.content.decode()
    export.refresh_from_db()
    assert (export.status, parts()) == ("cancelled", 0)
    with pytest.raises(LeaseLost):  # the worker that is still at it
        part_keep(claimed, claimed.items.last(), ending="pdf", content=b"%PDF")
    assert parts() == 0
    tasks.make_export(str(export.pk))
    assert not drawn
    assert not export_cancel(user=user, export=export)
    assert AuditEvent.objects.filter(action="export.cancel").count() == 1
    assert not Notice.objects.exists()


def test_what_a_dead_worker_left_of_a_finished_batch_is_swept(user, drawn, queued):
    export = batch(user)
    claimed = export_claim(str(export.pk))
    part_keep(claimed, claimed.items.first(), ending="pdf", content=b"%PDF")
    Export.objects.update(status="failed", error="no")
    assert exports_recover() == 1
    assert parts() == 0
    assert exports_recover() == 0


def test_the_end_is_told_once_with_what_was_left_out(user, drawn, monkeypatch, queued):
    export = batch(user)
    monkeypatch.setattr(making, "pdf_of", lambda result, version: _refuse_first(export, result))
    tasks.make_export(str(export.pk))
    tasks.make_export(str(export.pk))
    notice = Notice.objects.get(to=user)
    assert notice.kind == "export_finished"
    assert "3 results are in it, 1 were left out" in notice.words
    assert str(export.pk)[:8] in notice.words


def _refuse_first(export, result) -> bytes:
    if export.items.first().result_id == result.pk:
        raise making.PdfError("damaged")
    return b"%PDF"


def test_a_failure_is_told_and_one_report_alone_is_not(user, monkeypatch, queued):
    result = ResultFactory(user=user)
    monkeypatch.setattr(making, "pdf_of", lambda result, version: b"%PDF")
    alone = ExportFactory(results=[result], items=[result], kind="pdf")
    tasks.make_export(str(alone.pk))
    assert not Notice.objects.exists()
    monkeypatch.setattr(making, "pdf_of", lambda result, version: 1 / 0)
    again = ExportFactory(results=[result], items=[result], kind="pdf")
    tasks.make_export(str(again.pk))
    assert Notice.objects.get().kind == "export_failed"


def test_the_list_says_size_expiry_and_downloads(client, user, drawn, queued):
    export = batch(user)
    tasks.make_export(str(export.pk))
    address = reverse("reports:export-download", args=[export.pk])
    b"".join(client.get(address).streaming_content)
    client.get(address, headers={"Range": "bytes=0-9"})  # the rest of a transfer that broke off
    export.refresh_from_db()
    assert export.downloads == 1
    assert AuditEvent.objects.filter(action="export.download").count() == 2
    page = client.get(reverse("reports:export-list")).content.decode()
    assert "Downloaded 1 time." in client.get(export.get_absolute_url()).content.decode()
    assert "ZIP of PDF reports" in page
    assert str(user) in page
    assert export.size == export.blob.size > 0


def test_a_deleted_file_is_gone_at_once_and_its_line_stays(client, user, drawn, queued):
    export = batch(user)
    tasks.make_export(str(export.pk))
    address = reverse("reports:export-delete", args=[export.pk])
    page = client.post(address, follow=True).content.decode()
    assert "Deleted" in page
    assert parts() == 0
    assert client.get(reverse("reports:export-download", args=[export.pk])).status_code == 404
    export.refresh_from_db()
    assert not export_delete(user=user, export=export)
    assert AuditEvent.objects.filter(action="export.delete").count() == 1


def test_more_exports_than_a_page_holds_are_on_the_next(client, user):
    result = ResultFactory(user=user)
    for _ in range(51):
        ExportFactory(results=[result], items=[result])
    assert "?page=2" in client.get(reverse("reports:export-list")).content.decode()
    assert client.get(reverse("reports:export-list") + "?page=2").context["page"].object_list
