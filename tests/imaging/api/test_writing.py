"""What a program sends: files, runs, verdicts, all in one call; once each, by the roles."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import now

from accounts.api import waiting
from accounts.roles import CLINICIAN
from imaging.formats.png import encode_png
from imaging.models import Job, JobStatus, Order, Review, Run, Upload
from imaging.services.orders import order_fulfil, orders_recover
from imaging.services.uploads import upload_ingest
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import DepartmentFactory, UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
    UploadFactory,
    UploadItemFactory,
    ramp,
)
from tests.imaging.fake_engine import decoded, fake_decoder

pytestmark = pytest.mark.django_db
XRAY = "plain:analyze-xray"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def post(client, user, queued, monkeypatch):
    """Send as `user`, by token; a dict goes as JSON unless it is a form."""
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")
    headers = bearer(pair_of(client, user)["access"])

    def send(route, body=None, *args, status, form=False, query="", **more):
        there = reverse(route, args=args) + query
        sent = body if form else json.dumps(body or {})
        kind = {} if form else {"content_type": "application/json"}
        answer = client.post(there, sent, headers=headers | more, **kind)
        assert answer.status_code == status, answer.content
        return answer

    send.get = lambda route, *args: client.get(reverse(route, args=args), headers=headers).json()
    return send


def png(seed: int = 0) -> SimpleUploadedFile:
    return SimpleUploadedFile("chest.png", encode_png(ramp()[0] + seed))


# --- uploads


def test_files_are_taken_and_read_in_the_background(post, monkeypatch):
    form = {"file": [png(), SimpleUploadedFile("a.txt", b"no image")], "modality": "xray"}
    answer = post("api:upload-list", form, status=202, form=True)
    body = answer.json()
    assert answer["Location"] == reverse("api:upload-detail", args=[body["id"]])
    assert answer["Retry-After"]
    assert [one["status"] for one in body["items"]] == ["waiting", "refused"]
    fake_decoder(monkeypatch, decoded())
    upload_ingest(body["id"])
    told = post.get("api:upload-detail", body["id"])
    assert told["reading"] is False
    assert told["items"][0]["image"] is not None


def test_an_upload_goes_to_a_department_of_ones_own_and_to_no_other(post, user):
    own = DepartmentFactory(organisation=user.memberships.get().organisation)
    form = {"file": png(), "modality": "xray", "department": str(own.pk)}
    assert post("api:upload-list", form, status=202, form=True).json()["department"] == str(own.pk)
    for strange in (DepartmentFactory().pk, uuid.uuid4()):
        form = {"file": png(1), "modality": "xray", "department": str(strange)}
        refused = post("api:upload-list", form, status=400, form=True).json()
        assert [one["field"] for one in refused["errors"]] == ["department"]
    assert Upload.objects.count() == 1


def test_a_form_without_a_file_and_a_body_of_json_are_refused(post):
    refused = post("api:upload-list", {"modality": "xray"}, status=400, form=True).json()
    assert [one["field"] for one in refused["errors"]] == ["file"]
    assert post("api:upload-list", {}, status=415).json()["code"] == "unsupported_media_type"


# --- runs


def test_a_run_names_members_with_weights_and_devices(post, user):
    image, first = ImageFactory(user=user), ModelVersionFactory(threshold=0.4)
    second = ModelVersionFactory()
    members = [
        {"model": first.name, "weight": 3, "device": "gpu:1"},
        {"model": f"{second.name}@{second.version}", "device": "cpu"},
    ]
    answer = post("api:run-list", {"images": [str(image.pk)], "members": members}, status=202)
    body = answer.json()
    shown = [(one["model"], one["share"], one["device"]) for one in body["members"]]
    assert shown == [(first.name, 0.75, "cuda:1"), (second.name, 0.25, "cpu")]
    assert (body["threshold"], body["jobs"]["queued"]) == (0.4, 1)
    assert body["is_finished"] is False
    assert answer["Location"] == reverse("api:run-detail", args=[body["id"]])


def test_a_run_takes_an_ensemble_by_name_and_a_study_or_an_upload(post, user):
    ensemble = EnsembleFactory(threshold=0.3)
    image = ImageFactory(user=user)
    body = {"studies": [str(image.study_id)], "ensemble": ensemble.name}
    run = Run.objects.get(pk=post("api:run-list", body, status=202).json()["id"])
    assert (run.ensemble, run.threshold) == (ensemble, 0.3)
    item = UploadItemFactory(upload=UploadFactory(user=user, finished=True), accepted=True)
    body = {"uploads": [str(item.upload_id)], "ensemble": str(ensemble.pk)}
    run = Run.objects.get(pk=post("api:run-list", body, status=202).json()["id"])
    assert run.jobs.get().image == item.image


def test_one_key_is_one_run_and_another_body_is_refused(post, user):
    image, model = ImageFactory(user=user), ModelVersionFactory()
    body = {"images": [str(image.pk)], "members": [{"model": model.name}]}
    key = {"Idempotency-Key": "night-shift-1"}
    first = post("api:run-list", body, status=202, **key).json()["id"]
    assert post("api:run-list", body, status=202, **key).json()["id"] == first
    other = body | {"threshold": 0.7}
    refused = post("api:run-list", other, status=422, **key).json()
    assert refused["code"] == "idempotency_key_reused"
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"members": []}, 400, "members"),
        ({"ensemble": "x"}, 400, "members"),
        ({"members": [{"model": "nothing"}]}, 422, "no active model"),
        ({"members": [{"model": "lungs", "weight": -1}]}, 422, "weight"),
        ({"members": [{"model": "lungs", "weight": "nan"}]}, 400, "weight"),
        ({"members": [{"model": "lungs", "weight": 10**400}]}, 400, "weight"),
        ({"members": [{"model": "lungs", "device": "tpu"}]}, 422, "device"),
        ({"threshold": 2}, 422, "threshold"),
        ({"images": [str(uuid.UUID(int=5))]}, 422, "does not exist"),
        ({"uploads": [str(uuid.UUID(int=5))]}, 422, "does not exist"),
        ({"images": []}, 422, "at least one image"),
    ],
)
def test_a_run_that_cannot_be_says_why(post, user, changes, status, word):
    image = ImageFactory(user=user)
    ModelVersionFactory(name="lungs")
    body = {"images": [str(image.pk)], "members": [{"model": "lungs"}]} | changes
    said = post("api:run-list", body, status=status).content.decode()
    assert word in said
    assert not Run.objects.exists()


def test_anothers_image_is_as_one_that_is_not_there(post, user):
    ModelVersionFactory(name="lungs")
    own = ImageFactory(user=user)
    answers = []
    for pk in (ImageFactory().pk, uuid.uuid4()):
        body = {"images": [str(own.pk), str(pk)], "members": [{"model": "lungs"}]}
        answers.append(post("api:run-list", body, status=422).json()["detail"])
    assert answers[0] == answers[1]


def test_files_that_are_being_read_are_waited_for(post, user):
    ModelVersionFactory(name="lungs")
    upload = UploadFactory(user=user)
    body = {"uploads": [str(upload.pk)], "members": [{"model": "lungs"}]}
    answer = post("api:run-list", body, status=409)
    assert (answer.json()["code"], answer["Retry-After"]) == ("upload_reading", "2")


def test_a_run_is_cancelled_and_a_job_tried_again(post, user):
    job = JobFactory(user=user)
    body = post("api:run-cancel", None, job.run_id, status=200).json()
    assert (body["jobs"]["cancelled"], body["is_finished"]) == (1, True)
    assert post("api:job-retry", None, job.pk, status=200).json()["status"] == "queued"
    done = ResultFactory(user=user).job
    assert post("api:job-retry", None, done.pk, status=422).json()["code"] == "not_possible"
    post("api:run-cancel", None, JobFactory().run_id, status=404)


# --- waiting


def test_who_waits_is_answered_when_the_work_ends(post, user, monkeypatch):
    image, model = ImageFactory(user=user), ModelVersionFactory()

    def end(seconds):
        Job.objects.update(status=JobStatus.CANCELLED, finished_at=now())

    monkeypatch.setattr("accounts.api.waiting.time.sleep", end)
    body = {"images": [str(image.pk)], "members": [{"model": model.name}]}
    answer = post("api:run-list", body, status=200, query="?wait=30")
    assert answer.json()["is_finished"] is True
    assert "Retry-After" not in answer


def test_nobody_waits_longer_than_asked_nor_in_every_thread(post, user, settings):
    image, model = ImageFactory(user=user), ModelVersionFactory()
    body = {"images": [str(image.pk)], "members": [{"model": model.name}]}
    post("api:run-list", body, status=202, query="?wait=1")
    post("api:run-list", body, status=400, query="?wait=31")
    taken = [waiting._seats.acquire(blocking=False) for _ in range(settings.API_WAITERS)]
    try:
        assert all(taken)
        asked = []
        assert waiting.wait_until(lambda: asked.append(1), 30) is False  # at once
        assert asked == [1]
    finally:
        for _ in taken:
            waiting._seats.release()
    assert settings.API_WAITERS == 2


# --- files and models in one call


def analyze(post, model, status=202, seed=0, query="", headers=None, **more):
    form = {"file": png(seed), "model_name": model.name} | more
    return post(XRAY, form, status=status, form=True, query=query, **(headers or {}))


def test_files_and_models_in_one_call_become_a_run_once_they_are_read(post, user, monkeypatch):
    first, second = ModelVersionFactory(), ModelVersionFactory()
    names = {"model_name": [first.name, second.name], "weight": ["2", "1"], "device": "cpu"}
    answer = analyze(post, first, **names)
    body = answer.json()
    assert (body["state"], body["run"], body["jobs"]) == ("reading", None, [])
    assert answer["Location"] == body["result_url"]
    fake_decoder(monkeypatch, decoded())
    upload_ingest(body["upload"])
    told = post.get("api:order-detail", body["id"])
    assert (told["state"], len(told["jobs"])) == ("analysing", 1)
    run = Run.objects.get(pk=told["run"])
    shown = [(one.model_version, one.weight, one.device) for one in run.members.all()]
    assert shown == [(first, 2, "cpu"), (second, 1, "cpu")]
    upload_ingest(body["upload"])
    order_fulfil(body["upload"])
    assert Run.objects.count() == 1


def test_a_known_file_is_run_at_once(post, user, monkeypatch):
    first = analyze(post, ModelVersionFactory()).json()
    fake_decoder(monkeypatch, decoded())
    upload_ingest(first["upload"])
    again = analyze(post, ModelVersionFactory()).json()
    assert again["files"][0]["status"] == "duplicate"
    assert again["state"] == "analysing"


def test_a_finished_order_says_what_was_found(post, user):
    result = ResultFactory(user=user)
    upload = UploadFactory(user=user, finished=True)
    order = Order.objects.create(
        organisation=upload.organisation, user=user, upload=upload, choice={},
        run=result.job.run, closed_at=now(),
    )  # fmt: skip
    told = post.get("api:order-detail", order.pk)
    assert (told["state"], told["jobs"][0]["result"]) == ("finished", str(result.pk))
    assert told["results"][0]["affected_area_percent"] == 26.04


def test_what_cannot_be_run_is_said_in_the_order(post, user):
    form = {"file": SimpleUploadedFile("a.txt", b"no image"), "model_name": "lungs"}
    ModelVersionFactory(name="lungs")
    body = post(XRAY, form, status=200, form=True).json()
    assert (body["state"], body["run"]) == ("refused", None)
    assert "None of the files became an image" in body["problem"]


def test_a_picture_of_another_kind_is_not_run(post, user, monkeypatch):
    model = ModelVersionFactory(modalities=["xray", "ct"])
    body = analyze(post, model).json()
    image = ImageFactory(user=user, modality="ct")
    upload = Upload.objects.get(pk=body["upload"])
    upload.items.update(status="accepted", image=image, blob=None)
    Upload.objects.filter(pk=upload.pk).update(finished_at=now())
    assert orders_recover() == 1
    told = post.get("api:order-detail", body["id"])
    assert told["state"] == "refused"
    assert "ct" in told["problem"]
    assert orders_recover() == 0


@pytest.mark.parametrize(
    ("more", "status", "word"),
    [
        ({"model_name": "nothing"}, 422, "no active model"),
        ({"weight": ["1", "2"]}, 400, "one for each"),
        ({"weight": "x"}, 400, "weight"),
        ({"model_name": []}, 400, "members"),
        ({"model_name": "brains"}, 422, "was made for MRI"),
    ],
)
def test_a_call_that_makes_no_sense_takes_no_file(post, user, more, status, word):
    ModelVersionFactory(name="brains", modalities=["mri"])
    answer = analyze(post, ModelVersionFactory(), status=status, **more)
    assert word in answer.content.decode()
    assert not Upload.objects.exists()


def test_one_key_is_one_order(post, user):
    model, key = ModelVersionFactory(), {"Idempotency-Key": "k1"}
    first = analyze(post, model, headers=key).json()["id"]
    assert analyze(post, model, headers=key).json()["id"] == first
    refused = analyze(post, model, status=422, headers=key, threshold="0.7").json()
    assert refused["code"] == "idempotency_key_reused"
    assert (Order.objects.count(), Upload.objects.count()) == (1, 1)


def test_an_order_is_its_makers_alone(client, post, user):
    pk = analyze(post, ModelVersionFactory()).json()["id"]
    colleague = UserFactory(organisation=user.memberships.get().organisation)
    headers = bearer(pair_of(client, colleague)["access"])
    there = reverse("api:order-detail", args=[pk])
    assert client.get(there, headers=headers).status_code == 404


def test_a_key_needs_both_scopes(client, queued, monkeypatch):
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")
    model = ModelVersionFactory()
    for scopes, status in ((["run.submit"], 403), (["run.submit", "upload.create"], 202)):
        _key, text = a_key(scopes=scopes)
        form = {"file": png(), "model_name": model.name}
        answer = client.post(reverse(XRAY), form, headers=by_key(text))
        assert answer.status_code == status, answer.content


# --- verdicts


def test_a_verdict_is_a_version_and_an_overtaken_one_shows_the_latest(post, user):
    result = ResultFactory(user=user)
    body = {"result": str(result.pk), "seen": 0, "decision": "accepted", "comment": "Clear."}
    answer = post("api:review-list", body, status=201)
    assert (answer.json()["number"], answer.json()["comment"]) == (1, "Clear.")
    assert answer["Location"] == reverse("api:review-detail", args=[answer.json()["id"]])
    assert post("api:review-list", body, status=201).json()["number"] == 1
    late = body | {"decision": "rejected", "reason": "wrong region"}
    refused = post("api:review-list", late, status=409).json()
    assert (refused["code"], refused["latest"]["number"]) == ("overtaken", 1)
    assert Review.objects.count() == 1


def test_a_rejection_needs_its_reason(post, user):
    body = {"result": str(ResultFactory(user=user).pk), "seen": 0, "decision": "rejected"}
    assert (
        "why the result is rejected" in post("api:review-list", body, status=422).json()["detail"]
    )


def test_a_stranger_decides_on_nothing_and_a_clinician_not_at_all(client, post, user):
    other = {"result": str(ResultFactory().pk), "seen": 0, "decision": "accepted"}
    post("api:review-list", other, status=404)
    clinician = UserFactory(organisation=user.memberships.get().organisation, role=CLINICIAN)
    headers = bearer(pair_of(client, clinician)["access"])
    answer = client.post(
        reverse("api:review-list"), other, headers=headers, content_type="application/json"
    )
    assert answer.status_code == 403
    assert "Radiologist" in answer.json()["detail"]
