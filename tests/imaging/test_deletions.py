"""A study is deleted by two people, is nobody's to see, comes back as it was, or goes for good."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, Blob, Notice
from accounts.roles import ADMINISTRATOR, AUDITOR, CLINICIAN, RADIOLOGIST, RESEARCHER, TECHNICIAN
from accounts.vault.staging import blobs_dir
from analytics.selectors import dashboard_of
from imaging.models import Deletion, Image, Job, JobStatus, Patient, Result, Run, Study, UploadItem
from imaging.selectors_cohorts import cohort_images_open_to
from imaging.services.deletions import (
    deletion_approve,
    deletion_ask,
    deletion_decline,
    deletion_restore,
    deletion_withdraw,
)
from imaging.services.jobs import job_claim, job_retry
from imaging.services.members import MemberChoice
from imaging.services.purging import studies_purge
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_save, review_sign
from imaging.services.runs import run_submit
from imaging.services.uploads import upload_receive
from reports.making import export_chunks
from reports.models import Export
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    verify,
)
from tests.imaging.factories import (
    CohortFactory,
    ImageFactory,
    JobFactory,
    ResultFactory,
    RunFactory,
    SourceFileFactory,
    UploadFactory,
    UploadItemFactory,
    sealed,
)
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
DAYS = 30


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def chest(house):
    return DepartmentFactory(organisation=house, name="Chest")


def member(house, role=RADIOLOGIST, department=None):
    return MembershipFactory(organisation=house, department=department, role=role).user


@pytest.fixture
def reader(house):
    return member(house)


@pytest.fixture
def chief(house):
    return member(house, ADMINISTRATOR)


@pytest.fixture
def result(house, reader, chest):
    """A finished analysis of a picture that came by an upload, sealed, in an export."""
    image = ImageFactory(
        study__organisation=house, study__uploaded_by=reader, study__department=chest
    )
    UploadItemFactory(
        upload=UploadFactory(user=reader, organisation=house, finished=True),
        status="accepted", blob=None, image=image,
    )  # fmt: skip
    run = RunFactory(requested_by=reader, organisation=house)
    found = sealed(ResultFactory(job=JobFactory(run=run, image=image, succeeded=True)))
    ExportFactory(results=[found], items=[found])
    return found


@pytest.fixture
def study(result):
    return result.image.study


def asked(study, reader, reason="mistake") -> Deletion:
    return deletion_ask(user=reader, study=study, reason=reason)


def deleted(study, reader, chief) -> Deletion:
    return deletion_approve(user=chief, deletion=asked(study, reader))


def fresh(user):
    return type(user).objects.get(pk=user.pk)


# --- asking and deciding


def test_asked_on_the_page_decided_in_the_queue(client, house, reader, chief, study):
    client.force_login(reader)
    page = client.get(study.get_absolute_url()).content.decode()
    assert "Ask for its deletion" in page
    assert "30 days" in page
    assert page.count("csrfmiddlewaretoken") == page.count('method="post"')
    ask = reverse("imaging:study-ask-deletion", args=[study.pk])
    assert client.post(ask, {"reason": "because"}).url == study.get_absolute_url()
    assert not Deletion.objects.exists()
    assert client.post(ask, {"reason": "twice"}).url == study.get_absolute_url()
    page = client.get(study.get_absolute_url()).content.decode()
    assert "has asked for the deletion of this study: It is here twice." in page
    assert Notice.objects.get(to=chief).kind == "deletion_asked"
    verify(client, chief)
    queue = client.get(reverse("imaging:deletion-list")).content.decode()
    assert "It is here twice" in queue
    assert str(reader) in queue
    assert study.pk.hex[:8] in queue
    assert "1 picture " in queue
    deletion = Deletion.objects.get()
    client.post(reverse("imaging:deletion-approve", args=[deletion.pk]))
    deletion.refresh_from_db()
    assert deletion.keep_until - deletion.approved_at == timedelta(days=DAYS)
    assert Notice.objects.get(to=reader).words == (
        f"The study {study.pk.hex[:8]} was deleted, as you asked. It can be restored for 30 days."
    )
    steps = AuditEvent.objects.filter(target=f"study:{study.pk}").exclude(action="study.view")
    assert [(one.action, one.actor) for one in steps.order_by("at")] == [
        ("study.ask_deletion", reader), ("study.delete", chief)
    ]  # fmt: skip


def test_the_queue_names_no_patient(client, house, reader, chief):
    patient = {"name": "Canary^Anna", "record_number": "MRN-77", "birth_date": "19700101"}
    image = ImageFactory(
        study__organisation=house, study__title="Canary title",
        study__patient__organisation=house,
        **{f"study__patient__{key}": value for key, value in patient.items()},
    )  # fmt: skip
    other = ImageFactory(study__organisation=house, study__title="Canary title").study
    asked(image.study, reader)
    deleted(other, reader, chief)
    verify(client, chief)
    page = client.get(reverse("imaging:deletion-list")).content.decode()
    assert [word for word in ("Canary", "MRN-77", "1970") if word in page] == []
    assert page.count("asked for by") == 1


def test_only_those_whose_study_it_is_may_ask(client, house, chest, study):
    ask = reverse("imaging:study-ask-deletion", args=[study.pk])
    elsewhere = DepartmentFactory(organisation=house, name="Head")
    for user in (member(house, department=elsewhere), member(OrganisationFactory())):
        client.force_login(user)
        assert client.post(ask, {"reason": "trial"}).status_code == 404
    for role in (CLINICIAN, ADMINISTRATOR, AUDITOR):
        client.force_login(member(house, role))
        assert client.post(ask, {"reason": "trial"}).status_code == 403
    client.logout()
    assert client.post(ask, {"reason": "trial"}).status_code == 302
    assert not Deletion.objects.exists()
    client.force_login(member(house, TECHNICIAN, chest))
    client.post(ask, {"reason": "trial"})
    assert Deletion.objects.get().reason == "trial"


def test_deciding_takes_an_administrator_of_the_house_and_a_fresh_proof(
    client, house, reader, study
):
    deletion = asked(study, reader)
    doors = [reverse(f"imaging:deletion-{one}", args=[deletion.pk]) for one in
             ("approve", "decline", "restore")]  # fmt: skip
    sent = {"answer": "needed"}
    for door in doors:
        client.force_login(member(OrganisationFactory(), ADMINISTRATOR))
        assert client.post(door, sent).url.startswith(reverse("account_reauthenticate"))
        verify(client, member(OrganisationFactory(), ADMINISTRATOR))
        assert client.post(door, sent).status_code == 404
        verify(client, reader)
        assert client.post(door, sent).status_code == 403
        client.logout()
        assert client.post(door, sent).status_code == 302
    deletion.refresh_from_db()
    assert deletion.state == "waiting"


def test_nobody_approves_their_own_and_sql_says_so_too(house, reader, study):
    MembershipFactory(user=reader, organisation=house, role=ADMINISTRATOR)
    deletion = asked(study, fresh(reader))
    with pytest.raises(NotPossible, match="own request"):
        deletion_approve(user=reader, deletion=deletion)
    with pytest.raises(IntegrityError), transaction.atomic():
        Deletion.objects.filter(pk=deletion.pk).update(
            approved_by=reader, approved_at=now(), keep_until=now()
        )
    study.refresh_from_db()
    assert study.deleted_at is None


def test_each_step_once(reader, chief, study):
    deletion = asked(study, reader)
    with pytest.raises(NotPossible, match="asked for already"):
        asked(study, reader)
    deletion_approve(user=chief, deletion=deletion)
    for again in (
        lambda: deletion_approve(user=chief, deletion=deletion),
        lambda: deletion_decline(user=chief, deletion=deletion, answer="kept"),
        lambda: deletion_withdraw(user=reader, deletion=deletion),
    ):
        with pytest.raises(NotPossible, match="no longer open"):
            again()
    deletion_restore(user=chief, deletion=deletion)
    with pytest.raises(NotPossible, match="back already"):
        deletion_restore(user=chief, deletion=deletion)
    assert AuditEvent.objects.filter(action__in=["study.delete", "study.restore"]).count() == 2
    asked(study, reader)  # and from the start


def test_who_asked_withdraws_and_nobody_else(client, house, reader, study):
    deletion = asked(study, reader)
    door = reverse("imaging:deletion-withdraw", args=[deletion.pk])
    client.force_login(member(house))
    assert client.post(door).status_code == 404
    client.force_login(reader)
    assert client.post(door).url == study.get_absolute_url()
    deletion.refresh_from_db()
    assert deletion.state == "withdrawn"
    assert "Ask for its deletion" in client.get(study.get_absolute_url()).content.decode()


def test_declined_with_a_reason_that_the_asker_reads(client, reader, chief, study):
    deletion = asked(study, reader)
    verify(client, chief)
    door = reverse("imaging:deletion-decline", args=[deletion.pk])
    client.post(door, {"answer": ""})
    deletion.refresh_from_db()
    assert deletion.state == "waiting"
    client.post(door, {"answer": "kept"})
    assert Notice.objects.get(to=reader).kind == "deletion_declined"
    client.force_login(reader)
    page = client.get(study.get_absolute_url()).content.decode()
    assert "It must be kept, by law or by contract" in page
    asked(study, reader)


def test_the_queue_asks_the_same_number_of_questions(
    client, house, reader, chief, django_assert_max_num_queries
):
    for _ in range(4):
        asked(ImageFactory(study__organisation=house).study, reader)
        deleted(ImageFactory(study__organisation=house).study, reader, chief)
    verify(client, chief)
    client.get(reverse("imaging:deletion-list"))
    with django_assert_max_num_queries(22):
        client.get(reverse("imaging:deletion-list"))


# --- what is deleted is nobody's to see


def doors(result) -> list[str]:
    """Every address that shows something of the study."""
    image, run = result.image, result.job.run_id
    review = result.reviews.first()
    export = Export.objects.get(items__result=result)
    named = {
        "imaging:study-detail": [image.study_id],
        "imaging:image-thumbnail": [image.pk],
        "imaging:image-pixels": [image.pk],
        "imaging:run-detail": [run],
        "imaging:result-detail": [result.pk],
        "imaging:result-map": [result.pk, "ensemble"],
        "imaging:result-layer": [result.pk, "mask"],
        "imaging:result-compare-list": [result.pk],
        "imaging:review-detail": [review.pk],
        "reports:export-download": [export.pk],
        "api:study-detail": [image.study_id],
        "api:series-detail": [image.series_id],
        "api:image-detail": [image.pk],
        "api:image-thumbnail": [image.pk],
        "api:run-detail": [run],
        "api:job-detail": [result.job_id],
        "api:result-detail": [result.pk],
        "api:result-mask": [result.pk],
        "api:review-detail": [review.pk],
    }
    return [reverse(name, args=args) for name, args in named.items()]


LISTS = ("imaging:study-list", "imaging:run-list", "analytics:dashboard", "analytics:overview",
         "api:study-list", "api:series-list", "api:image-list", "api:run-list", "api:job-list",
         "api:result-list", "api:review-list")  # fmt: skip


@pytest.fixture
def seen(result, reader):
    """A signed decision, and a file with the result in it."""
    review = review_save(by=reader, result=result, seen=0, decision="accepted")
    review_sign(by=reader, review=review, meaning="reviewed")
    Export.objects.update(status="succeeded", kind="pdf", blob=result.image.thumbnail)
    return result


def told(client, result) -> dict[str, object]:
    ids = [str(one) for one in (result.pk, result.job_id, result.job.run_id, result.image_id,
                                result.image.study_id)]  # fmt: skip
    answers = {door: client.get(door).status_code for door in doors(result)}
    for name in LISTS:
        page = client.get(reverse(name)).content.decode()
        answers[name] = sorted(one for one in ids if one in page)
    search = client.post(reverse("imaging:record-search"), {"q": str(result.image.study_id)[:8]})
    return answers | {"search": search.url}


def test_it_is_in_no_list_search_figure_file_or_address(client, house, reader, chief, seen, study):
    verify(client, reader)
    before = told(client, seen)
    assert {before[door] for door in doors(seen)} == {200}
    assert before["search"] == study.get_absolute_url()
    figures = dashboard_of(fresh(reader))
    assert (figures.files, figures.predictions, len(figures.results)) == (1, 1, 1)
    deletion = deleted(study, reader, chief)
    after = told(client, seen)
    closed = reverse("reports:export-download", args=[Export.objects.get().pk])
    assert {after[door] for door in doors(seen) if door != closed} == {404}
    assert after[closed] == 403
    assert {tuple(after[name]) for name in LISTS} == {()}
    assert after["search"] == reverse("imaging:study-list")
    figures = dashboard_of(fresh(reader))
    assert (figures.files, figures.predictions, figures.results) == (0, 0, [])
    receipt = client.get(UploadItem.objects.get().upload.get_absolute_url()).content.decode()
    assert str(seen.image_id) not in receipt
    upload = reverse("api:upload-detail", args=[UploadItem.objects.get().upload_id])
    assert client.get(upload).json()["items"] == []
    deletion_restore(user=chief, deletion=deletion)
    assert told(client, seen) == before
    assert dashboard_of(fresh(reader)).predictions == 1


def test_a_run_of_several_studies_counts_those_that_are_left(client, reader, chief, result, study):
    other = ImageFactory(study__organisation=study.organisation)
    ResultFactory(job=JobFactory(run=result.job.run, image=other, succeeded=True, position=1))
    client.force_login(reader)
    run = reverse("imaging:run-detail", args=[result.job.run_id])
    assert "2 of 2" in client.get(run).content.decode()
    deleted(study, reader, chief)
    assert "1 of 1" in client.get(run).content.decode()
    [counted] = client.get(reverse("imaging:run-list")).context["runs"]
    assert (counted.total, counted.succeeded) == (1, 1)


def test_the_admin_lists_none_of_its_jobs_and_runs(client, house, reader, chief, result, study):
    verify(client, chief)
    pages = [reverse("admin:imaging_job_changelist"), reverse("admin:imaging_run_changelist")]
    rows = [str(result.job_id), str(result.job.run_id)]
    doors = [reverse("admin:imaging_job_change", args=rows[:1]),
             reverse("admin:imaging_run_change", args=rows[1:])]  # fmt: skip

    def seen() -> list[bool]:
        lists = [client.get(page).content.decode() for page in pages]
        return [row in page for page, row in zip(lists, rows, strict=True)]

    assert seen() == [True, True]
    deletion = deleted(study, reader, chief)
    assert seen() == [False, False]
    assert [client.get(door).status_code for door in doors] == [302, 302]  # as an unknown id
    deletion_restore(user=chief, deletion=deletion)
    assert seen() == [True, True]


def test_a_researcher_finds_it_in_no_cohort(house, reader, chief, study):
    researcher = member(house, RESEARCHER)
    CohortFactory(organisation=house, readers=[researcher], images=[study.images.get()], held=[])
    assert cohort_images_open_to(researcher).count() == 1
    deletion = deleted(study, reader, chief)
    assert not cohort_images_open_to(fresh(researcher)).exists()
    deletion_restore(user=chief, deletion=deletion)
    assert cohort_images_open_to(fresh(researcher)).count() == 1


def test_restored_it_is_bit_for_bit_what_it_was(reader, chief, seen, study):
    def everything() -> list:
        rows = [Study, Image, Job, Result, Run, UploadItem]
        found = [
            [{name: getattr(value, "text", value) for name, value in row.items()} for row in values]
            for values in (model.objects.order_by("pk").values() for model in rows)
        ]
        return [found, [(blob.pk, blob.sha256) for blob in Blob.objects.order_by("pk")]]

    before = everything()
    csv = ExportFactory(results=[seen], items=[seen])
    lines = b"".join(export_chunks(csv))
    deletion_restore(user=chief, deletion=deleted(study, reader, chief))
    assert everything() == before
    assert b"".join(export_chunks(csv)) == lines


# --- work that is under way, files that come again


def test_what_is_queued_or_running_is_cancelled(reader, chief, study, queued):
    image = study.images.get()
    run = RunFactory(requested_by=reader, organisation=study.organisation)
    waits = JobFactory(run=run, image=image)
    other = RunFactory(requested_by=reader, organisation=study.organisation)
    works = JobFactory(run=other, image=image, running=True)
    deletion = deleted(study, reader, chief)
    assert {Job.objects.get(pk=one.pk).status for one in (waits, works)} == {JobStatus.CANCELLED}
    assert job_claim(str(waits.pk)) is None
    with pytest.raises(NotPossible, match="deleted meanwhile"):
        job_retry(user=reader, job=waits)
    assert AuditEvent.objects.filter(action="run.cancel", reason="study deleted").count() == 2
    deletion_restore(user=chief, deletion=deletion)
    assert job_retry(user=reader, job=waits).status == JobStatus.QUEUED


def test_a_run_that_was_begun_meanwhile_is_refused(reader, chief, result, study, queued):
    image, member = result.image, result.job.run.members.get()
    deleted(study, reader, chief)
    with pytest.raises(NotPossible, match="deleted meanwhile"):
        run_submit(
            user=reader, images=[image], threshold=0.5,
            members=[MemberChoice(member.model_version, 1.0, "cpu")],
        )  # fmt: skip
    assert Job.objects.count() == 1


def test_the_same_file_again_is_a_new_file(reader, chief, study, queued):
    image = study.images.get()
    data = b"\x89PNG\r\n\x1a\n" + bytes(64)
    image.source.sha256 = hashlib.sha256(data).hexdigest()
    image.source.save()

    def sent():
        upload = upload_receive(
            user=reader, organisation=study.organisation, modality="xray",
            files=[SimpleUploadedFile("a.png", data)],
        )  # fmt: skip
        return upload.items.get()

    assert sent().image == image
    deleted(study, reader, chief)
    assert sent().image is None


# --- for good


@pytest.fixture
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


def files() -> set[str]:
    return {path.name for path in blobs_dir().glob("*/*")}


@pytest.mark.django_db(transaction=True)
def test_when_its_time_is_over_nothing_of_it_is_left(data_dir, house, reader, chief, seen, study):
    other = ImageFactory(study__organisation=house, study__patient=study.patient)
    kept = {one.blob_id for one in (other.source,)} | {other.pixels_id, other.thumbnail_id}
    Export.objects.update(blob=None)
    deletion = deleted(study, reader, chief)
    assert studies_purge() == 0
    with time_machine.travel(now() + timedelta(days=DAYS, minutes=1), tick=False):
        assert studies_purge() == 1
        assert studies_purge() == 0
    assert set(Blob.objects.values_list("pk", flat=True)) == kept
    assert files() == {f"{pk}.1" for pk in kept}
    for model in (Job, Result, Run, UploadItem, Export):
        assert not model.objects.exists(), model
    assert Study.objects.get() == other.study
    assert Patient.objects.count() == 1
    deletion.refresh_from_db()
    assert deletion.state == "purged"
    assert len(deletion.digests) == 1
    assert len(deletion.digests[0]) == 64
    with pytest.raises(NotPossible, match="no longer kept"):
        deletion_restore(user=chief, deletion=deletion)
    event = AuditEvent.objects.get(action="study.purge")
    assert event.target == f"study:{study.pk}"
    assert event.actor is None


def test_a_restored_study_is_not_purged(reader, chief, study):
    deletion_restore(user=chief, deletion=deleted(study, reader, chief))
    with time_machine.travel(now() + timedelta(days=DAYS + 1), tick=False):
        assert studies_purge() == 0
    assert Study.objects.filter(pk=study.pk).exists()


def test_an_original_that_another_study_shows_stays(house, reader, chief, study):
    source = study.images.get().source
    other = ImageFactory(study__organisation=house, source=source)
    own = SourceFileFactory(organisation=house)
    alone = ImageFactory(study=study, source=own)
    deleted(study, reader, chief)
    with time_machine.travel(now() + timedelta(days=DAYS + 1), tick=False):
        studies_purge()
    assert Image.objects.get() == other
    assert Blob.objects.filter(pk=source.blob_id).exists()
    assert not Blob.objects.filter(pk=alone.source.blob_id).exists()


def test_the_time_is_a_setting(settings, reader, chief, study):
    settings.STUDY_KEPT_DAYS = 2
    deletion = deleted(study, reader, chief)
    assert deletion.keep_until - deletion.approved_at == timedelta(days=2)
