"""POST /infer/: the house's own run, taken up, not repeated; the answer in each of its forms."""

from __future__ import annotations

from datetime import timedelta

import nrrd
import numpy as np
import pytest
from django.utils.timezone import now

from accounts.models import AuditEvent
from accounts.services.api_keys import api_key_create
from imaging.models import (
    Ensemble,
    Instance,
    Job,
    JobStatus,
    LabelSession,
    ModelVersion,
    Result,
    ResultClass,
    ResultObjects,
    Run,
    Upload,
)
from imaging.monai_label import infer
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, ModelVersionFactory, ResultFactory, stored
from tests.imaging.monai_label.calls import Caller, body, parts, token_of

pytestmark = pytest.mark.django_db
SLICER = {"result_extension": ".nrrd", "result_dtype": "uint8"}


@pytest.fixture(autouse=True)
def no_patience(settings):
    settings.LABEL_WAIT_S = 0


@pytest.fixture
def model(db) -> ModelVersion:
    return ModelVersionFactory(name="lungs")


@pytest.fixture
def image(user):
    return ImageFactory(user=user)


def done(job: Job, **fields) -> Result:
    """What a worker leaves of a job."""
    closed = {"status": JobStatus.SUCCEEDED, "started_at": now(), "finished_at": now()}
    Job.objects.filter(pk=job.pk).update(**closed)
    job.refresh_from_db()
    return ResultFactory(job=job, **fields)


def test_it_starts_one_run_says_that_it_runs_and_takes_it_up(ml, queued, model, image, tmp_path):
    waits = ml.infer("lungs", str(image.pk), status=503, params=SLICER)
    assert waits["Retry-After"] == "5"
    assert waits.json()["code"] == "still_running"
    assert ml.infer("lungs", str(image.pk), status=503).json()["run"] == waits.json()["run"]
    run = Run.objects.get()
    assert str(run.pk) == waits.json()["run"]
    assert len(queued) == 1
    result = done(run.jobs.get())
    params, name, content = parts(ml.infer("lungs", str(image.pk), params=SLICER))
    path = tmp_path / name
    path.write_bytes(content)
    mask, _header = nrrd.read(str(path))
    assert set(np.unique(mask)) == {0, 1}
    assert (params["result"], params["label_names"]) == (str(result.pk), {"lung fields": 1})
    assert Run.objects.count() == 1
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"run.submit", "result.view", "image.download"} <= actions


def test_another_person_of_the_department_takes_up_the_same(ml, queued, user, model, image):
    ml.infer("lungs", str(image.pk), status=503)
    other = UserFactory(organisation=user.memberships.first().organisation)
    Caller(token_of(other)).infer("lungs", str(image.pk), status=503)
    assert Run.objects.count() == 1


def test_another_version_or_ensemble_is_another_run(ml, queued, user, model, image):
    ml.infer("lungs", str(image.pk), status=503)
    ModelVersionFactory(name="lungs", version="2.0.0")
    ml.infer("lungs", str(image.pk), status=503)
    assert Run.objects.count() == 2


@pytest.mark.parametrize(("status", "said", "code"), [
    (JobStatus.FAILED, 422, "analysis_failed"), (JobStatus.CANCELLED, 409, "cancelled"),
])  # fmt: skip
def test_what_failed_is_said_and_queued_again_when_it_is_asked_again(
    ml, queued, monkeypatch, model, image, status, said, code
):
    error = "Out of memory." if status == JobStatus.FAILED else ""

    def ends(is_done, seconds):
        Job.objects.update(status=status, finished_at=now(), error=error)
        return is_done()

    monkeypatch.setattr(infer, "wait_until", ends)
    answer = ml.infer("lungs", str(image.pk), status=said)
    assert answer.json()["code"] == code
    assert error in answer.json()["detail"]
    monkeypatch.undo()
    ml.infer("lungs", str(image.pk), status=503)
    assert (Run.objects.count(), Job.objects.get().status) == (1, JobStatus.QUEUED)
    assert AuditEvent.objects.filter(action="job.retry").count() == 1


def test_the_forms_of_the_answer(ml, queued, model, image):
    ml.infer("lungs", str(image.pk), status=503)
    result = done(Job.objects.get())
    alone = ml.infer("lungs", str(image.pk), query="&output=image")
    assert alone["Content-Disposition"].endswith('.nii.gz"')
    told = ml.infer("lungs", str(image.pk), query="&output=json").json()
    assert told["result"] == str(result.pk)
    raw = {"result_extension": ".nrrd", "result_compress": False}
    series = image.series.series_instance_uid  # as OHIF names it
    plain = body(ml.infer("lungs", series, query="&output=image", params=raw))
    head, _empty, voxels = plain.partition(b"\n\n")
    assert b"encoding: raw" in head
    assert len(voxels) == image.depth * image.height * image.width


def test_seg_is_the_one_that_stands_in_the_study(ml, queued, model, image):
    def seg(status):
        return ml.infer("lungs", str(image.pk), status=status, query="&output=dicom_seg")

    seg(503)
    result = done(Job.objects.get())
    assert seg(422).json()["code"] == "no_seg"
    about = {"organisation": image.organisation, "patient": image.patient, "study": image.study,
             "series": image.series, "sop_instance_uid": "1.2.3"}  # fmt: skip
    Instance.objects.create(source=image.source, **about)
    assert seg(503).json()["code"] == "still_writing"
    made = ResultObjects.objects.create(
        organisation=image.organisation, patient=image.patient, result=result
    )
    assert seg(422).json()["code"] == "no_seg"
    blob = stored(image.organisation, b"a SEG", "object", image.patient_id)
    Instance.objects.create(made_of=made, blob=blob, modality="SEG", **about)
    answer = seg(200)
    assert (answer["Content-Type"], body(answer)) == ("application/dicom", b"a SEG")
    type(image.patient).objects.update(version=2)
    assert seg(409).json()["code"] == "identity_corrected"


def test_classes_are_told_and_no_mask_is_made_up(ml, queued, user, image):
    ModelVersionFactory(name="signs", type="classification", labels=["opacity"])
    ml.infer("signs", str(image.pk), status=503)
    result = done(Job.objects.get(), type="classification", table=[], severity="not assessed",
                  labels=["opacity"])  # fmt: skip
    ResultClass.objects.create(
        organisation=result.organisation, result=result, position=1, label="opacity", n=1, p=0.25,
        threshold=0.5, origin="model", validated=False, verdict="negative",
    )  # fmt: skip
    told = ml.infer("signs", str(image.pk)).json()
    assert told["prediction"] == [{"idx": 1, "label": "opacity", "score": 0.25}]
    assert "label_names" not in told
    refused = ml.infer("signs", str(image.pk), status=422, query="&output=image")
    assert refused.json()["code"] == "no_mask"


def test_what_the_input_check_refused_is_said_in_words(ml, queued, model, image):
    ml.infer("lungs", str(image.pk), status=503)
    gate = {"checks": [{"model": "lungs", "sentence": "This is no chest."}]}
    done(Job.objects.get(), gate=gate, gate_verdict="refuse")
    answer = ml.infer("lungs", str(image.pk), status=422).json()
    assert (answer["code"], answer["detail"]) == ("not_analysed", "This is no chest.")


def test_who_reads_first_is_not_sent_the_answer_before(ml, queued, user, model, image):
    ml.infer("lungs", str(image.pk), status=503)
    done(Job.objects.get())
    type(user).objects.filter(pk=user.pk).update(read_first=True)
    for output in ("", "&output=json", "&output=image", "&output=dicom_seg"):
        answer = ml.infer("lungs", str(image.pk), status=403, query=output)
        assert answer.json()["code"] == "read_first"
    assert ml.get("/datastore/").json()["label_tags"] == {}


@pytest.mark.parametrize(("sent", "query", "code"), [
    ({"params": {"result_extension": ".mha"}}, "", "invalid"),
    ({"params": {"result_dtype": "int16"}}, "", "invalid"),
    ({"params": {"modality": "pet"}}, "", "invalid"),
    ({}, "&output=asap", "invalid"),
    ({"label": ("scribbles.nii.gz", b"x")}, "", "label_not_taken"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said(ml, model, image, sent, query, code):
    answer = ml.infer("lungs", str(image.pk), status=400, query=query, **sent)
    assert answer.json()["code"] == code
    assert not Run.objects.exists()


def test_no_picture_no_such_model_no_such_session(ml, model, image):
    ml.infer("lungs", status=400)
    ml.infer("hearts", str(image.pk), status=404)
    ml.infer("lungs", status=404, query="&session_id=00000000-0000-4000-8000-000000000001")
    ml.infer("lungs", "../../etc/passwd", status=404)
    ml.infer("lungs", "%00", status=404)
    assert not Run.objects.exists()


def test_the_wrong_kind_of_picture_and_a_spent_plan_are_said(ml, queued, user, model):
    scan = ImageFactory(user=user, modality="ct")
    answer = ml.infer("lungs", str(scan.pk), status=422)
    assert "was made for X-ray" in answer.json()["detail"]


def test_a_key_without_the_scope_starts_nothing(user, image, model):
    house = user.memberships.first().organisation
    key, _text = api_key_create(
        organisation=house, name="Reader", scopes=["result.view"], networks=[],
        expires_at=now() + timedelta(days=1), by=user,
    )  # fmt: skip
    machine = Caller(token_of(key.account.user, organisation=house, api_key=key))
    answer = machine.infer("lungs", str(image.pk), status=403)
    assert "run.submit" in answer.json()["detail"]
    machine.put_session("chest.png", b"x", status=403)


# --- files


def read(upload: Upload, image=None, **refusal) -> None:
    """What a worker leaves of an upload of one file."""
    told = {"status": "refused", **refusal} if refusal else {"status": "accepted", "image": image}
    item = upload.items.get()
    for name, value in told.items():
        setattr(item, name, value)
    item.save()
    Upload.objects.filter(pk=upload.pk).update(finished_at=now())


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x40\x00\x00\x00\x40\x08\x00\x00\x00\x00"


def test_a_file_is_kept_filed_once_and_analysed(ml, queued, user, model, image):
    sent = {"file": ("chest.png", PNG)}
    assert ml.infer("lungs", status=503, **sent).json()["code"] == "file_reading"
    assert ml.infer("lungs", status=503, **sent).json()["code"] == "file_reading"
    upload, session = Upload.objects.get(), LabelSession.objects.get()
    assert (upload.modality, upload.user, session.upload) == ("xray", user, upload)
    read(upload, image)
    assert ml.infer("lungs", status=503, **sent).json()["code"] == "still_running"
    assert (Upload.objects.count(), Run.objects.count()) == (1, 1)
    assert Job.objects.get().image == image


def test_a_file_that_cannot_be_read_is_refused_in_the_uploads_words(ml, queued, model):
    session = ml.put_session("chest.png", PNG).json()["session_id"]
    by_session = {"query": f"&session_id={session}"}
    ml.infer("lungs", status=503, **by_session)
    read(Upload.objects.get(), code="raster-broken", reason="The PNG is cut short.")
    for _again in range(2):
        answer = ml.infer("lungs", status=422, **by_session).json()
        assert (answer["code"], answer["detail"]) == ("raster-broken", "The PNG is cut short.")
    assert Upload.objects.count() == 1
    item = Upload.objects.get().items.get()
    item.code = "quota-storage"
    item.save()
    ml.infer("lungs", status=503, **by_session)
    assert Upload.objects.count() == 2, "a refusal that passes is asked anew"


def test_a_file_is_of_the_kind_that_the_model_reads_or_that_is_said(ml, queued, model):
    ModelVersionFactory(name="either", modalities=["ct", "mri"])
    sent = {"file": ("volume.nrrd", b"NRRD0004\ntype: short\n\n")}
    answer = ml.infer("either", status=422, **sent)
    assert answer.json()["code"] == "modality-missing"
    ml.infer("either", status=503, params={"modality": "mri"}, **sent)
    assert Upload.objects.latest("created_at").modality == "mri"


def test_an_ensemble_is_asked_as_a_model_is(ml, queued, user, model, image):
    house = user.memberships.first().organisation
    ensemble = Ensemble.objects.create(
        organisation=house, name="two lungs", modalities=["xray"], state="approved"
    )
    for position, one in enumerate((model, ModelVersionFactory(name="more"))):
        ensemble.members.create(model_version=one, weight=1, position=position, device="auto")
    ml.infer("two-lungs", str(image.pk), status=503)
    assert Run.objects.get().ensemble == ensemble
