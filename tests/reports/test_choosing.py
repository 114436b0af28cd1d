"""What a selection means: signed ones alone where that is asked, and nothing twice."""

import csv
import io
import zipfile

import pytest
from django.urls import reverse

from accounts.roles import CLINICIAN
from accounts.vault.storage import blob_open
from imaging.services.refusals import NotPossible
from reports import tasks
from reports.choosing import choose
from reports.models import Export
from reports.services import export_create
from tests.accounts.factories import UserFactory, verify
from tests.imaging.factories import (
    AssignmentFactory,
    ImageFactory,
    JobFactory,
    ResultFactory,
    ReviewFactory,
    RunFactory,
    sealed,
)
from tests.reports import test_versions

pytestmark = pytest.mark.django_db
BULK = "export.create_bulk"


@pytest.fixture
def user(client):
    person = UserFactory()
    verify(client, person)
    return person


def signed_review(result, user, **fields):
    if not hasattr(result, "seal"):
        sealed(result)
    return test_versions.signed_review(result, user, **fields)


def again(result, **fields):
    """The same models on the same image once more, as another run."""
    run = RunFactory(requested_by=result.job.run.requested_by, organisation=result.organisation)
    run.frozen = result.job.run.frozen
    run.save()
    job = JobFactory(run=run, image=result.image, succeeded=True)
    return ResultFactory(job=job, **fields)


def ask(client, **form):
    return client.post(reverse("reports:export-create"), form, follow=True).content.decode()


def chosen(user, *, results=(), studies=(), runs=(), signed_only=False):
    return choose(
        user, action=BULK, results=[one.pk for one in results],
        studies=[one.pk for one in studies], runs=[one.pk for one in runs],
        signed_only=signed_only,
    )  # fmt: skip


def made(export) -> bytes:
    tasks.make_export(str(export.pk))
    export.refresh_from_db()
    return blob_open(export.blob).read()


def test_signed_only_leaves_out_drafts_and_what_nobody_read(user):
    signed, draft, amended, unread = (ResultFactory(user=user) for _ in range(4))
    signed_review(signed, user)
    ReviewFactory(result=draft)
    signed_review(amended, user, number=1)
    ReviewFactory(result=amended, number=2)  # what counts now is not signed
    found = chosen(user, results=[signed, draft, amended, unread], signed_only=True)
    assert found.results == [signed]


def test_of_a_study_the_newest_signed_result_is_meant(user):
    first = ResultFactory(user=user)
    signed_review(first, user)
    newer = again(first)
    study = first.image.study
    assert chosen(user, studies=[study]).results == [newer]
    assert chosen(user, studies=[study], signed_only=True).results == [first]


def test_the_same_models_on_the_same_image_stand_in_a_file_once(user):
    first = ResultFactory(user=user)
    signed_review(first, user)
    second, third = again(first), again(first)
    other = ResultFactory(user=user, image=first.image)  # by another ensemble
    other.job.run.frozen["threshold"] = 0.7
    other.job.run.save()
    runs = [one.job.run for one in (first, second, third, other)]
    assert chosen(user, runs=runs).results == [first, other], "a signed one stands before newer"
    assert chosen(user, runs=runs).folded == 2
    assert chosen(user, runs=runs[1:3]).results == [third]
    named = chosen(user, results=[first, second], runs=runs[2:3])
    assert named.results == [first, second, third]
    assert chosen(user, results=[first], studies=[first.image.study], runs=runs[:1]).folded == 0


def test_the_page_says_what_is_left_out(client, user, queued):
    first = ResultFactory(user=user)
    second = again(first)
    runs = [str(one.job.run_id) for one in (first, second)]
    assert "1 repetition is left out" in ask(client, kind="csv", run=runs)
    signed, other = ResultFactory(user=user), ResultFactory(user=user)
    signed_review(signed, user)
    studies = [str(one.image.study_id) for one in (signed, other)]
    page = ask(client, kind="csv", study=studies, signed="1")
    assert "1 chosen study has no signed result" in page
    assert [item.result for item in Export.objects.first().items.all()] == [signed]
    page = ask(client, kind="csv", study=studies[1:], signed="1")
    assert "None of the selected images has a signed result" in page
    assert Export.objects.count() == 2


@pytest.mark.parametrize("kind", ["csv", "xlsx", "masks", "pdfs", "dicoms"])
def test_what_is_saved_after_asking_changes_nothing_in_a_signed_file(user, queued, kind):
    result = ResultFactory(user=user)
    signed_review(result, user, comment="The signed words.")
    export = export_create(user=user, kind=kind, results=[result], signed_only=True)
    ReviewFactory(result=result, number=2, comment="A draft.", decision="rejected", reason="image")
    assert [one.version for one in export.items.all()] == [1]
    data = made(export)
    if kind == "csv":
        (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
        assert (row["impression"], row["decision"]) == ("The signed words.", "accepted")
        assert row["signed_at"]
    assert [one.version for one in export.items.all()] == [1]
    if kind in ("masks", "pdfs"):
        assert len(zipfile.ZipFile(io.BytesIO(data)).namelist()) == 1


def test_it_is_checked_where_the_export_is_made_too(user):
    with pytest.raises(NotPossible, match="signed result"):
        export_create(user=user, kind="csv", results=[ResultFactory(user=user)], signed_only=True)


def test_a_study_offers_what_its_reader_may_take(client, user, queued):
    result = ResultFactory(user=user)
    page = client.get(result.image.study.get_absolute_url()).content.decode()
    for kind in ("pdf", "dicom", "csv", "xlsx", "masks"):
        assert f'name="kind" value="{kind}"' in page
    ask(client, kind="xlsx", study=str(result.image.study_id))
    assert Export.objects.get().kind == "xlsx"
    empty = ImageFactory(user=user).study
    assert 'name="kind"' not in client.get(empty.get_absolute_url()).content.decode()


def test_a_clinician_takes_one_report_from_the_study_and_no_table(client, queued):
    result = ResultFactory()
    person = UserFactory(role=CLINICIAN, organisation=result.organisation)
    AssignmentFactory(patient=result.patient, organisation=result.organisation, user=person)
    verify(client, person)
    page = client.get(result.image.study.get_absolute_url()).content.decode()
    assert 'value="pdf"' in page
    assert 'value="csv"' not in page
    ask(client, kind="pdf", study=str(result.image.study_id))
    assert Export.objects.get().kind == "pdf"
    second = ImageFactory(study=result.image.study)
    ResultFactory(job=JobFactory(run=result.job.run, image=second, succeeded=True, position=1))
    page = client.get(result.image.study.get_absolute_url()).content.decode()
    assert 'value="pdf"' not in page
    assert "one by one" in page
