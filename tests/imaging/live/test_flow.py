"""The real queue, the real engine, real models: upload, run, result, cancel, stop."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Picture

from accounts.vault.storage import blob_open
from imaging.measures.reference import dice
from imaging.models import Ensemble, Image, Job, JobStatus, Result
from imaging.services.runs import MemberChoice, run_cancel, run_submit
from tests.imaging.live import Worker, wait_for
from tests.imaging.live.work import (
    alive,
    assert_each_job_ended_once,
    ended,
    engine_at_work,
    sent,
    submit,
    uploaded,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def test_upload_run_and_result_through_the_real_queue(user, worker, models):
    images = uploaded(user, worker)
    ensemble = Ensemble.objects.get(organisation=None, name="xray-lungs")
    members = [
        MemberChoice(one.model_version, one.weight, one.device)
        for one in ensemble.members.select_related("model_version")
    ]
    run = run_submit(user=user, images=images, members=members, threshold=0.5, ensemble=ensemble)
    assert_each_job_ended_once(run, worker)
    for result in Result.objects.filter(job__run=run):
        assert result.members.count() == len(members)
        assert result.operating["t"] == 0.5
        assert result.measurements.get(name="area_percent").value is not None
    assert run.jobs.filter(deaths=0, attempt=1).count() == 3


@pytest.mark.data
def test_three_real_radiographs_find_their_lungs(user, worker, models, data_root):
    """Of another hospital than the models were trained on; Dice against its own masks."""
    folder = data_root / "cxr_shenzhen_external"
    paths = sorted((folder / "images").glob("*.png"))[:3]
    images = sent(user, worker, [SimpleUploadedFile(p.name, p.read_bytes()) for p in paths])
    ensemble = Ensemble.objects.get(organisation=None, name="xray-lungs")
    members = [
        MemberChoice(one.model_version, one.weight, one.device)
        for one in ensemble.members.select_related("model_version")
    ]
    run = run_submit(user=user, images=images, members=members, threshold=0.5, ensemble=ensemble)
    assert_each_job_ended_once(run, worker)
    for path, image in zip(paths, images, strict=True):
        result = image.results.get()
        with blob_open(result.maps.get(name="ensemble").blob) as reader:
            q = np.frombuffer(reader.read(), np.uint8).reshape(image.shape)[0]
        reference = np.asarray(Picture.open(folder / "masks" / path.name).convert("L")) > 127
        assert dice(q >= result.level, reference) > 0.8, path.name
        assert result.agreement["sentence"]
        assert {one.name for one in result.maps.all()} >= {"ensemble", "disagreement", "member-2"}


def test_stopping_in_the_middle_of_a_run_gives_the_job_back(user, worker, models, tmp_path):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker)
    left, started = worker.descendants(), time.monotonic()
    worker.process.terminate()
    worker.process.wait(10)
    assert time.monotonic() - started < 10
    assert not [process for process in left if alive(process)]
    assert run.jobs.filter(status=JobStatus.QUEUED, deaths=0).count() == 3
    with Worker(tmp_path / "second.log") as second:
        assert_each_job_ended_once(run, second)


def test_cancelling_stops_the_engine_soon(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine = engine_at_work(run, worker)
    run_cancel(user=user, run=run)
    assert ended(run, worker).get(JobStatus.CANCELLED)
    wait_for(lambda: not alive(engine), 15, worker.tail)
    again = submit(user, list(Image.objects.all())[:1], models[:1])
    assert_each_job_ended_once(again, worker)


def test_nothing_of_a_patient_or_a_file_is_in_the_log(user, worker, models):
    run = submit(user, uploaded(user, worker, seeds=(1,)), models[:1])
    ended(run, worker)
    text = Path(worker.log).read_text(errors="replace")
    assert str(Job.objects.get().pk) in text
    assert "chest-" not in text
    assert user.email not in text
