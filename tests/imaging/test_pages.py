"""The pages from worklist to progress: the owner can, a stranger finds nothing."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent
from imaging.formats.png import encode_png
from imaging.models import Ensemble, Job, JobStatus, Run, Study, Upload
from tests.accounts.factories import UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
    StudyFactory,
    UploadFactory,
    UploadItemFactory,
    ramp,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


def text_of(response) -> str:
    return response.content.decode()


# --- worklist


def test_an_empty_worklist_says_how_to_begin(client, user):
    assert "No studies yet" in text_of(client.get(reverse("imaging:study-list")))


def test_the_worklist_shows_what_is_newest_of_each_study(client, user):
    result = ResultFactory(user=user)
    ImageFactory(user=user)
    text = text_of(client.get(reverse("imaging:study-list")))
    assert "26.04 %" in text
    assert result.get_absolute_url() in text
    assert "Not analysed" in text


def severities(client, **query) -> list[str]:
    rows = client.get(reverse("imaging:study-list"), query).context["page"].rows
    return [row.result.severity for row in rows if row.result]


def test_a_study_shows_its_worst_image_and_how_many_are_not_assessed(client, user):
    first = ResultFactory(user=user, severity="moderate").image
    for severity in ("low", "high", "not assessed", "no finding"):
        image = ImageFactory(user=user, study=first.study)
        ResultFactory(
            user=user, severity=severity, job=JobFactory(user=user, image=image, succeeded=True)
        )
    response = client.get(reverse("imaging:study-list"))
    (row,) = response.context["page"].rows
    assert (row.result.severity, row.assessed, row.not_assessed) == ("high", 4, 1)
    text = text_of(response)
    assert "Worst of 4 images" in text
    assert "1 not assessed" in text
    assert row.result.job.run.title in text
    assert severities(client, severity="high") == ["high"]
    assert severities(client, severity="moderate") == []


def test_a_study_of_which_nothing_could_be_assessed_says_so(client, user):
    ResultFactory(user=user, severity="not assessed")
    assert severities(client) == ["not assessed"]


def test_the_worklist_is_ones_own(client, user):
    ResultFactory()
    assert "No studies yet" in text_of(client.get(reverse("imaging:study-list")))


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"view": "new"}, {"new"}),
        ({"view": "failed"}, {"failed"}),
        ({"view": "live"}, {"live"}),
        ({"severity": "high"}, {"done"}),
        ({"modality": "ct"}, set()),
        ({"modality": "nonsense"}, {"new", "failed", "live", "done"}),
    ],
)
def test_filters_keep_what_they_say(client, user, query, shown):
    studies = {
        "new": ImageFactory(user=user).study,
        "failed": JobFactory(user=user, failed=True).image.study,
        "live": JobFactory(user=user).image.study,
        "done": ResultFactory(user=user).image.study,
    }
    text = text_of(client.get(reverse("imaging:study-list"), query))
    assert {name for name, study in studies.items() if str(study.pk) in text} == shown


def test_the_worklist_costs_the_same_for_one_study_and_for_many(
    client, user, django_assert_max_num_queries
):
    for _ in range(12):
        ResultFactory(user=user)
    with django_assert_max_num_queries(11):
        client.get(reverse("imaging:study-list"))


def test_a_study_page_names_its_results(client, user):
    result = ResultFactory(user=user)
    text = text_of(client.get(result.image.study.get_absolute_url()))
    assert result.get_absolute_url() in text


def test_a_strangers_study_does_not_exist(client, user):
    assert client.get(StudyFactory().get_absolute_url()).status_code == 404


# --- upload


def png(name="chest.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, encode_png(ramp((1, 80, 90))[0]), "image/png")


def test_files_are_received_and_the_receipt_is_shown(client, user, queued):
    response = client.post(
        reverse("imaging:upload-create"),
        {"files": [png("a.png"), png("b.png")], "modality": "xray"},
    )
    upload = Upload.objects.get()
    assert response.url == upload.get_absolute_url()
    assert queued == [("imaging.tasks.ingest_upload", str(upload.pk))]
    text = text_of(client.get(response.url))
    assert "a.png" in text
    assert "hx-get" in text


def test_a_form_without_files_says_so(client, user):
    response = client.post(reverse("imaging:upload-create"), {"modality": "xray"})
    assert response.status_code == 422
    assert "Choose at least one file" in text_of(response)


def test_a_refused_file_is_told_in_one_sentence(client, user, queued):
    client.post(
        reverse("imaging:upload-create"),
        {"files": [SimpleUploadedFile("notes.png", b"hello, I am text")], "modality": "xray"},
    )
    text = text_of(client.get(Upload.objects.get().get_absolute_url()))
    assert "Refused" in text
    assert "notes.png" in text
    assert not Study.objects.exists()
    assert queued == []


def test_the_receipt_polls_only_while_files_wait(client, user):
    item = UploadItemFactory(upload__user=user)
    url = reverse("imaging:upload-status", args=[item.upload_id])
    assert "hx-get" in text_of(client.get(url, headers={"HX-Request": "true"}))
    Upload.objects.update(finished_at=now())
    assert "hx-get" not in text_of(client.get(url, headers={"HX-Request": "true"}))
    assert client.get(url).status_code == 302


def test_a_strangers_upload_does_not_exist(client, user):
    upload = UploadFactory(finished=True)
    for name in ("upload-detail", "upload-status"):
        assert client.get(reverse(f"imaging:{name}", args=[upload.pk])).status_code == 404


def test_a_partial_answers_401_to_the_anonymous(client):
    url = reverse("imaging:upload-status", args=[UploadFactory().pk])
    response = client.get(url, headers={"HX-Request": "true"})
    assert response.status_code == 401
    assert response["HX-Redirect"].startswith(reverse("account_login"))


# --- runs


def run_form(image, models, **changes) -> dict:
    fields = {
        "image": [str(image.pk)],
        "member": [str(one.pk) for one in models],
        "threshold": "0.5",
    }
    for weight, one in enumerate(models, start=1):
        fields |= {f"weight_{one.pk}": str(weight), f"device_{one.pk}": "cuda"}
    return fields | changes


def test_a_run_is_started_with_weights_and_devices(client, user, queued):
    image, models = ImageFactory(user=user), [ModelVersionFactory(), ModelVersionFactory()]
    response = client.post(reverse("imaging:run-create"), run_form(image, models))
    run = Run.objects.get()
    assert response.url == run.get_absolute_url()
    assert [(one.weight, one.device) for one in run.members.all()] == [(1, "cuda"), (2, "cuda")]
    assert run.jobs.get().image == image
    assert AuditEvent.objects.filter(action="run.submit").count() == 1


def test_a_choice_is_proposed_as_an_ensemble_and_run_once(client, user, queued):
    image, models = ImageFactory(user=user), [ModelVersionFactory()]
    form = run_form(image, models, save_as="chest-night")
    answer = client.post(reverse("imaging:run-create"), form, follow=True)
    assert "An administrator decides" in answer.content.decode()
    ensemble = Ensemble.objects.get(name="chest-night")
    assert (ensemble.members.count(), ensemble.state) == (1, "proposed")
    assert Run.objects.get().ensemble is None


def test_the_same_form_sent_twice_starts_one_run(client, user, queued):
    image, models = ImageFactory(user=user), [ModelVersionFactory()]
    form = run_form(image, models, token="once")
    first = client.post(reverse("imaging:run-create"), form)
    assert client.post(reverse("imaging:run-create"), form).url == first.url
    assert Run.objects.count() == 1


def test_an_unchanged_ensemble_gives_the_run_its_name_and_a_changed_one_does_not(
    client, user, queued
):
    image, ensemble = ImageFactory(user=user), EnsembleFactory()
    member = ensemble.members.get()
    form = run_form(image, [member.model_version], ensemble=str(ensemble.pk))
    form[f"device_{member.model_version_id}"] = "auto"
    client.post(reverse("imaging:run-create"), form)
    client.post(reverse("imaging:run-create"), form | {f"weight_{member.model_version_id}": "2"})
    assert {run.ensemble for run in Run.objects.all()} == {ensemble, None}
    assert Run.objects.get(ensemble=ensemble).title == ensemble.title


def test_a_choice_is_not_saved_when_its_run_cannot_start(client, user, queued):
    plan = user.memberships.get().organisation.plan
    plan.runs_per_month = 0
    plan.save()
    image, models = ImageFactory(user=user), [ModelVersionFactory()]
    response = client.post(
        reverse("imaging:run-create"), run_form(image, models, save_as="chest-night")
    )
    assert response.status_code == 422
    assert not Ensemble.objects.exists()
    page = response.content.decode()
    assert "allows 0 runs a month" in page
    assert f'href="{reverse("analytics:plans")}"' in page  # the way to what still works


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda model: {"member": []}, "Choose at least one model"),
        (lambda model: {f"weight_{model.pk}": "0"}, "All weights are zero"),
        (lambda model: {f"weight_{model.pk}": "-1"}, "zero or more"),
        (lambda model: {f"weight_{model.pk}": "nan"}, "zero or more"),
        (lambda model: {f"weight_{model.pk}": "many"}, "zero or more"),
        (lambda model: {f"device_{model.pk}": "tpu"}, "not a device"),
        (lambda model: {"threshold": "0"}, "greater than or equal"),
        (lambda model: {"threshold": "2"}, "less than or equal"),
        (lambda model: {"save_as": "Bad Name!"}, "lower-case"),
    ],
)
def test_a_wrong_choice_is_told_and_starts_nothing(client, user, queued, change, sentence):
    image, model = ImageFactory(user=user), ModelVersionFactory()
    response = client.post(reverse("imaging:run-create"), run_form(image, [model], **change(model)))
    assert response.status_code == 422
    assert sentence in text_of(response)
    assert not Run.objects.exists()


def test_an_unfit_model_is_shown_disabled_with_the_reason(client, user):
    image = ImageFactory(user=user)
    ModelVersionFactory(name="brain", modalities=["mri"])
    ModelVersionFactory(name="broken", state="quarantined", problem="File model.onnx has changed.")
    text = text_of(client.get(reverse("imaging:run-create"), {"image": image.pk}))
    assert "It was made for MRI, and a chosen image is X-ray." in text
    assert "File model.onnx has changed." in text
    assert text.count("disabled") >= 6


def test_an_unfit_model_cannot_be_smuggled_in(client, user, queued):
    image, brain = ImageFactory(user=user), ModelVersionFactory(modalities=["mri"])
    response = client.post(reverse("imaging:run-create"), run_form(image, [brain]))
    assert response.status_code == 422
    assert not Run.objects.exists()


def test_a_saved_ensemble_fills_the_form(client, user):
    image = ImageFactory(user=user)
    EnsembleFactory()
    chosen = EnsembleFactory()
    chosen.members.update(weight=7)
    page = client.get(reverse("imaging:run-create"), {"image": image.pk, "ensemble": chosen.pk})
    on = [row for row in page.context["choice"]["rows"] if row["on"]]
    assert [(row["model"], row["weight"]) for row in on] == [
        (chosen.members.get().model_version, 7)
    ]


def test_a_run_on_all_of_an_upload_needs_one_word_however_many_images(client, user):
    item = UploadItemFactory(upload=UploadFactory(user=user), accepted=True)
    UploadItemFactory(upload=item.upload, refused=True)
    theirs = UploadItemFactory(accepted=True)
    page = client.get(reverse("imaging:run-create"), {"upload": [item.upload_id, theirs.upload_id]})
    assert page.context["images"] == [item.image]


def test_a_strangers_image_cannot_be_run(client, user):
    page = client.get(reverse("imaging:run-create"), {"image": ImageFactory().pk})
    assert "Choose images first" in text_of(page)


def test_progress_polls_only_while_jobs_live(client, user):
    job = JobFactory(user=user)
    url = reverse("imaging:run-status", args=[job.run_id])
    assert "hx-get" in text_of(client.get(url, headers={"HX-Request": "true"}))
    Job.objects.update(status=JobStatus.CANCELLED, finished_at=now())
    assert "hx-get" not in text_of(client.get(url, headers={"HX-Request": "true"}))


def test_progress_costs_the_same_for_one_image_and_for_many(
    client, user, django_assert_max_num_queries
):
    job = JobFactory(user=user)
    for _ in range(8):
        JobFactory(run=job.run)
    url = reverse("imaging:run-status", args=[job.run_id])
    with django_assert_max_num_queries(10):
        client.get(url, headers={"HX-Request": "true"})


def test_a_failed_job_is_explained_and_can_be_tried_again(client, user, queued):
    job = JobFactory(user=user, failed=True)
    assert "It failed." in text_of(client.get(job.run.get_absolute_url()))
    client.post(reverse("imaging:job-retry", args=[job.pk]))
    assert Job.objects.filter(run=job.run, status=JobStatus.QUEUED).count() == 1


def test_what_is_left_can_be_cancelled(client, user, queued):
    job = JobFactory(user=user)
    client.post(reverse("imaging:run-cancel", args=[job.run_id]))
    job.refresh_from_db()
    assert job.status == JobStatus.CANCELLED


def test_a_strangers_run_does_not_exist(client, user):
    job = JobFactory(failed=True)
    for name, key in (("run-detail", job.run_id), ("run-status", job.run_id)):
        assert client.get(reverse(f"imaging:{name}", args=[key])).status_code == 404
    for name, key in (("run-cancel", job.run_id), ("job-retry", job.pk)):
        assert client.post(reverse(f"imaging:{name}", args=[key])).status_code == 404


def test_the_run_list_counts_images(client, user):
    job = JobFactory(user=user, failed=True)
    JobFactory()
    text = text_of(client.get(reverse("imaging:run-list")))
    assert str(job.run_id).replace("-", "")[:8] in text
    assert text.count('class="ttl"') == 1


def test_the_models_page_shows_the_card(client, user):
    model = ModelVersionFactory()
    text = text_of(client.get(reverse("imaging:model-list")))
    assert model.name in text
    assert "Active" in text


def test_a_technician_sees_that_a_result_is_there_and_not_what_it_says(client):
    result = ResultFactory()
    client.force_login(UserFactory(organisation=result.organisation, role="technician"))
    for address in (
        reverse("imaging:study-list"),
        result.image.study.get_absolute_url(),
        result.job.run.get_absolute_url(),
    ):
        text = text_of(client.get(address))
        assert "26.04 %" not in text
        assert result.get_absolute_url() not in text
        assert any(
            word in text for word in ("Ready for a reader", "Succeeded", "Results are for readers")
        )


def test_a_long_selection_comes_by_post_and_starts_nothing(client, user):
    upload = UploadFactory(user=user, finished=True)
    UploadItemFactory.create_batch(3, upload=upload, accepted=True)
    form = {"choose": "1", "upload": str(upload.pk)}
    page = client.post(reverse("imaging:run-create"), form)
    assert page.status_code == 200
    assert len(page.context["images"]) == 3
    assert not Run.objects.exists()


def test_polling_a_run_does_not_read_threshold_tables(client, user):
    result = ResultFactory(user=user)
    url = reverse("imaging:run-status", args=[result.job.run_id])
    with CaptureQueriesContext(connection) as captured:
        client.get(url, headers={"HX-Request": "true"})
    assert not any('"table"' in query["sql"] for query in captured)
