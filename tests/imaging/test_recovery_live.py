"""The real queue, the real engine, real models: kill anything, and each job ends exactly once."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from PIL import Image as Picture

from accounts.selectors import home_organisation
from accounts.vault.storage import blob_open
from imaging.formats.png import encode_png
from imaging.measures.reference import dice
from imaging.models import Ensemble, Image, Job, JobStatus, ModelState, ModelVersion, Result, Run
from imaging.registry import models_sync
from imaging.samples import chest_phantom
from imaging.services.runs import MemberChoice, run_cancel, run_submit
from imaging.services.uploads import upload_receive
from tests.accounts.factories import UserFactory
from tests.imaging.live import Worker, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]

END_S = 150  # what a run of three small pictures may take on a busy machine, deaths included
SIZE = 256


@pytest.fixture(autouse=True)
def short_leases(settings):
    settings.LEASE_S = 6


@pytest.fixture
def models(short_leases) -> list[ModelVersion]:
    models_sync()
    found = list(ModelVersion.objects.filter(state=ModelState.ACTIVE, type="segmentation"))
    if not found:
        pytest.skip("the models folder holds no active model")
    return found


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def worker(tmp_path, models):
    call_command("createcachetable", "cache", verbosity=0)
    with Worker(tmp_path / "worker.log") as worker:
        yield worker


def uploaded(user, worker, seeds=(1, 2, 3), size: int = SIZE) -> list[Image]:
    """Upload drawn chests and wait until the worker has read them."""
    return sent(
        user,
        worker,
        [
            SimpleUploadedFile(f"chest-{seed}.png", encode_png(chest_phantom(size, seed)))
            for seed in seeds
        ],
    )


def sent(user, worker, files) -> list[Image]:
    upload = upload_receive(
        user=user, organisation=home_organisation(user), files=files, modality="xray"
    )
    wait_for(lambda: _finished(upload), END_S, worker.tail)
    images = [item.image for item in upload.items.select_related("image").order_by("position")]
    assert all(images), [item.reason for item in upload.items.all()]
    return images


def submit(user, images, models) -> Run:
    members = [MemberChoice(model, 1, "cpu") for model in models]
    return run_submit(user=user, images=images, members=members, threshold=0.5)


def ended(run: Run, worker) -> dict[str, int]:
    """Wait until nothing of the run lives; return its states, counted."""
    wait_for(lambda: not run.jobs.live().exists(), END_S, worker.tail)
    states = list(run.jobs.values_list("status", flat=True))
    return {state: states.count(state) for state in set(states)}


def engine_at_work(run: Run, worker) -> psutil.Process:
    """Wait until a job runs and its engine is there."""
    wait_for(lambda: run.jobs.filter(status=JobStatus.RUNNING).exists(), END_S, worker.tail)
    return wait_for(lambda: worker.engine, END_S, worker.tail)


def assert_each_job_ended_once(run: Run, worker) -> None:
    count = run.jobs.count()
    assert ended(run, worker) == {JobStatus.SUCCEEDED: count}
    assert Result.objects.filter(job__run=run).count() == count
    assert all(one.maps.filter(name="ensemble").exists() for one in Result.objects.all())


def test_upload_run_and_result_through_the_real_queue(user, worker, models):
    images = uploaded(user, worker)
    ensemble = Ensemble.objects.filter(organisation=None).first()
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


def test_kill_9_of_the_engine_child(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker).kill()
    assert_each_job_ended_once(run, worker)
    assert run.jobs.filter(deaths=1).count() == 1


def test_kill_9_of_the_worker_process(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine = engine_at_work(run, worker)
    engine.parent().kill()
    assert_each_job_ended_once(run, worker)
    assert run.jobs.filter(deaths=1).count() == 1
    assert not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE


def test_kill_9_of_the_whole_cluster(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker)
    worker.kill_cluster()
    assert_each_job_ended_once(run, worker)
    assert run.jobs.filter(deaths=1).count() == 1


def test_kill_9_of_an_idle_worker_that_holds_the_queue(user, worker, models):
    images = uploaded(user, worker, seeds=(1,))
    for process in worker.idle_workers():
        process.kill()
    run = submit(user, images, models[:1])
    assert_each_job_ended_once(run, worker)


def test_kill_9_of_the_supervisor_leaves_nothing_running_and_another_goes_on(
    user, worker, models, tmp_path
):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker)
    left = worker.descendants()
    worker.supervisor.kill()
    with Worker(tmp_path / "second.log") as second:
        assert_each_job_ended_once(run, second)
    wait_for(lambda: not [p for p in left if _alive(p)], 30, worker.tail)


def test_kill_9_of_supervisor_and_cluster_together_leaves_nothing_running(user, worker, models):
    run = submit(user, uploaded(user, worker, seeds=(1,)), models[:1])
    engine_at_work(run, worker)
    left, cluster = worker.descendants(), worker.cluster
    worker.supervisor.kill()
    cluster.kill()
    wait_for(lambda: not [p for p in left if _alive(p)], 30, worker.tail)


def test_stopping_in_the_middle_of_a_run_gives_the_job_back(user, worker, models, tmp_path):
    run = submit(user, uploaded(user, worker), models[:1])
    engine_at_work(run, worker)
    left, started = worker.descendants(), time.monotonic()
    worker.process.terminate()
    worker.process.wait(10)
    assert time.monotonic() - started < 10
    assert not [process for process in left if _alive(process)]
    assert run.jobs.filter(status=JobStatus.QUEUED, deaths=0).count() == 3
    with Worker(tmp_path / "second.log") as second:
        assert_each_job_ended_once(run, second)


def test_cancelling_stops_the_engine_soon(user, worker, models):
    run = submit(user, uploaded(user, worker), models[:1])
    engine = engine_at_work(run, worker)
    run_cancel(user=user, run=run)
    assert ended(run, worker).get(JobStatus.CANCELLED)
    wait_for(lambda: not _alive(engine), 15, worker.tail)
    again = submit(user, list(Image.objects.all())[:1], models[:1])
    assert_each_job_ended_once(again, worker)


def test_nothing_of_a_patient_or_a_file_is_in_the_log(user, worker, models):
    run = submit(user, uploaded(user, worker, seeds=(1,)), models[:1])
    ended(run, worker)
    text = Path(worker.log).read_text(errors="replace")
    assert str(Job.objects.get().pk) in text
    assert "chest-" not in text
    assert user.email not in text


def _finished(upload) -> bool:
    upload.refresh_from_db()
    return upload.finished_at is not None


def _alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
