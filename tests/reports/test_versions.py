"""An amended report keeps the old one, which says by what it was followed; so does its file."""

import io

import pytest
from django.urls import reverse
from pypdf import PdfReader

from accounts.vault.storage import blob_open
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_sign
from reports import making, tasks
from reports.making import pdf_of
from reports.models import Export, ExportStatus
from reports.services import export_create
from tests.accounts.factories import UserFactory, verify
from tests.browser.story import drawn_result
from tests.imaging.factories import ResultFactory, ReviewFactory, sealed
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
OLD = "Version 1 was superseded by version 2"


@pytest.fixture
def user(client):
    person = UserFactory()
    verify(client, person)
    return person


@pytest.fixture
def result(user):
    return sealed(ResultFactory(user=user))


def words(data: bytes) -> str:
    pages = PdfReader(io.BytesIO(data)).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


def signed_review(result, user, **fields):
    review = ReviewFactory(result=result, author=user, **fields)
    return review_sign(by=user, review=review, meaning="reviewed")


def amended(result, user):
    signed_review(result, user, number=1, comment="The first impression.")
    return signed_review(
        result, user, number=2, comment="The second impression.", amendment="The side was wrong"
    )


def test_the_old_version_says_what_followed_and_the_new_one_does_not(result, user):
    amended(result, user)
    old, new = words(pdf_of(result, 1)), words(pdf_of(result))
    assert OLD in old
    assert f"by {user}" in old
    assert "The first impression." in old
    assert "The second impression." not in old
    assert "superseded" not in new
    assert "The second impression." in new


def test_a_signed_report_and_a_superseded_one_are_one_page_each(user, tmp_path):
    drawn = drawn_result(user, tmp_path)
    amended(drawn, user)
    for version in (1, 2):
        assert len(PdfReader(io.BytesIO(pdf_of(drawn, version))).pages) == 1


def test_a_later_draft_supersedes_nothing(result, user):
    signed_review(result, user, number=1)
    ReviewFactory(result=result, author=user, number=2)
    assert "superseded" not in words(pdf_of(result, 1))


def test_an_old_version_is_asked_for_by_number(client, result, user, queued):
    amended(result, user)
    page = client.get(result.get_absolute_url()).content.decode()
    assert "PDF of version 1" in page
    client.post(
        reverse("reports:export-create"), {"kind": "pdf", "result": result.pk, "version": "1"}
    )
    export = Export.objects.get()
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    assert export.status == ExportStatus.SUCCEEDED
    assert OLD in words(blob_open(export.blob).read())


def test_a_version_that_is_not_there_is_refused(result, user, queued):
    with pytest.raises(NotPossible, match="no such version"):
        export_create(user=user, kind="pdf", results=[result], version=7)
    with pytest.raises(NotPossible, match="no such version"):
        export_create(user=user, kind="csv", results=[result], version=1)


def test_a_file_that_was_amended_since_stays_and_says_so(client, result, user, monkeypatch):
    monkeypatch.setattr(making, "pdf_of", lambda result, version: b"%PDF as it was")
    signed_review(result, user, number=1)
    export = ExportFactory(results=[result], items=[result], kind="pdfs")
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    before = blob_open(export.blob).read()
    assert export.items.get().version == 1
    assert "Superseded" not in client.get(reverse("reports:export-list")).content.decode()
    signed_review(result, user, number=2, amendment="The side was wrong")
    page = client.get(export.get_absolute_url()).content.decode()
    assert "the file prints version 1; version 2 is signed since" in page
    assert "Superseded" in client.get(reverse("reports:export-list")).content.decode()
    assert blob_open(export.blob).read() == before
    address = reverse("reports:export-download", args=[export.pk])
    assert client.get(address).status_code == 200


def test_a_file_made_before_the_review_says_so(client, result, user, monkeypatch):
    monkeypatch.setattr(making, "pdf_of", lambda result, version: b"%PDF")
    export = ExportFactory(results=[result], items=[result], kind="pdf")
    tasks.make_export(str(export.pk))
    signed_review(result, user, number=1)
    page = client.get(export.get_absolute_url()).content.decode()
    assert "made before the review; version 1 is signed since" in page
