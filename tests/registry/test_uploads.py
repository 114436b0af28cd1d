"""A model sent by an administrator: received, taken in by the worker once, or refused in words."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest
from django.utils.timezone import now

from accounts.models import AuditEvent
from imaging import tasks
from imaging.models import ModelUpload, ModelVersion
from imaging.models.approvals import TakingStatus
from imaging.registry.uploads import (
    DIED,
    TASK,
    UNANSWERED,
    incoming,
    model_upload_describe,
    model_upload_receive,
    model_uploads_recover,
)
from imaging.services.leases import WorkerStopping
from imaging.services.refusals import NotPossible
from tests.accounts.factories import UserFactory
from tests.registry.sent import form, places, sent_folder, weight_file

pytestmark = pytest.mark.django_db
__all__ = ["places"]


@pytest.fixture
def sender():
    return UserFactory(role="administrator")


def zip_of(folder):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"{folder.name}/{path.name}")
    return weight_file(buffer.getvalue(), "mine.zip")


def test_it_waits_as_a_row_a_file_and_one_call(places, sender, queued):
    upload = model_upload_receive(user=sender, file=weight_file(), form=form())
    assert queued == [(TASK, str(upload.pk))]
    assert incoming(upload).read_bytes() == weight_file().read()
    assert incoming(upload).stat().st_mode & 0o777 == 0o600
    assert AuditEvent.objects.get(action="model.upload").actor == sender


def test_a_weight_file_with_a_form_is_taken_in_once(places, sender, queued):
    upload = model_upload_receive(user=sender, file=weight_file(), form=form())
    for _ in range(2):
        tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    model = ModelVersion.objects.get()
    assert (upload.status, upload.model_version, upload.attempt) == ("succeeded", model, 1)
    assert (model.state, model.added_by) == ("checked", sender)
    assert model.facts["original"][0]["file"] == "net.onnx"
    assert not incoming(upload).exists()


def test_a_zip_of_a_folder_is_taken_in(places, sender, queued):
    upload = model_upload_receive(user=sender, file=zip_of(sent_folder(places)))
    tasks.take_model(str(upload.pk))
    assert ModelVersion.objects.get().name == "mine"


def test_a_form_need_not_say_whether_background_is_a_channel(places, sender, queued):
    two = form(labels={"0": "background", "1": "spot"}, output_shape=[None, 2, 16, 16])
    upload = model_upload_receive(user=sender, file=weight_file(), form=two)
    tasks.take_model(str(upload.pk))
    assert ModelVersion.objects.get().metadata["output_shape"] == [None, 1, 16, 16]


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.", "net.pt",
         "asks for `posix.system`, which is not allowed. Nothing was run."),
        (b"PK\x03\x04broken", "net.zip", "The ZIP cannot be read"),
        (b"hello", "net.bin", "no model file that is known"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_and_nothing_stays(places, sender, queued, data, name, sentence):
    more = None if name.endswith(".zip") else form(framework="pytorch")
    upload = model_upload_receive(user=sender, file=weight_file(data, name), form=more)
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert (upload.status, sentence in upload.error) == ("failed", True), upload.error
    assert not ModelVersion.objects.exists()
    assert not incoming(upload).exists()
    assert AuditEvent.objects.get(action="model.refuse").outcome == "refused"


def test_what_is_empty_or_too_large_is_not_received(places, sender, queued, settings):
    with pytest.raises(NotPossible, match="empty"):
        model_upload_receive(user=sender, file=weight_file(b""))
    settings.UPLOAD_MAX_MODEL_BYTES = 10
    with pytest.raises(NotPossible, match="at most"):
        model_upload_receive(user=sender, file=weight_file())
    assert queued == []
    assert not ModelUpload.objects.exists()


def test_a_lost_call_is_rung_again_and_three_deaths_end_it(places, sender, queued):
    upload = model_upload_receive(user=sender, file=weight_file(), form=form())
    queued.clear()
    assert model_uploads_recover() == 1
    assert queued == [(TASK, str(upload.pk))]
    past = now() - timedelta(minutes=1)
    ModelUpload.objects.update(status=TakingStatus.RUNNING, lease_until=past, attempt=3)
    model_uploads_recover()
    upload.refresh_from_db()
    assert (upload.status, upload.error) == ("failed", DIED)
    assert not incoming(upload).exists()


def test_a_worker_that_stops_gives_it_back(places, sender, queued, monkeypatch):
    upload = model_upload_receive(user=sender, file=weight_file(), form=form())

    def stop(*args, **kwargs):
        raise WorkerStopping

    monkeypatch.setattr("imaging.registry.uploads.model_take", stop)
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert (upload.status, upload.attempt, upload.lease_until) == ("queued", 0, None)
    assert len(queued) == 2


def test_an_unforeseen_failure_leaves_it_to_its_lease(places, sender, queued, monkeypatch):
    upload = model_upload_receive(user=sender, file=weight_file(), form=form())
    monkeypatch.setattr("imaging.registry.uploads.model_take", lambda *a, **k: 1 / 0)
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert (upload.status, incoming(upload).exists()) == ("running", True)


def test_a_weight_file_alone_asks_and_is_forgotten_after_a_week(places, sender, queued):
    upload = model_upload_receive(user=sender, file=weight_file())
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    assert (upload.status, upload.told["framework"], upload.rung_at) == ("asking", "onnx", None)
    assert model_uploads_recover() == 0
    ModelUpload.objects.update(created_at=now() - timedelta(days=8))
    assert model_uploads_recover() == 1
    upload.refresh_from_db()
    assert (upload.status, upload.error) == ("failed", UNANSWERED)
    assert not incoming(upload).exists()


def test_a_description_starts_the_count_of_deaths_anew(places, sender, queued):
    upload = model_upload_receive(user=sender, file=weight_file())
    ModelUpload.objects.update(attempt=2)
    tasks.take_model(str(upload.pk))
    upload.refresh_from_db()
    model_upload_describe(user=sender, upload=upload, form=form())
    with pytest.raises(NotPossible, match="any more"):
        model_upload_describe(user=sender, upload=upload, form=form())
    upload.refresh_from_db()
    assert (upload.status, upload.attempt) == ("queued", 0)
    assert AuditEvent.objects.filter(action="model.describe").count() == 1
