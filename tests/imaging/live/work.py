"""What the tests ask of a live worker, and how they wait for it."""

from __future__ import annotations

import psutil
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.selectors import home_organisation
from imaging.formats.png import encode_png
from imaging.models import Image, JobStatus, Result, Run
from imaging.samples import chest_phantom
from imaging.services.runs import MemberChoice, run_submit
from imaging.services.uploads import upload_receive
from tests.imaging.live import wait_for

END_S = 150  # what a run of three small pictures may take on a busy machine, deaths included
SIZE = 256


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
    wait_for(lambda: finished(upload), END_S, worker.tail)
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


def finished(upload) -> bool:
    upload.refresh_from_db()
    return upload.finished_at is not None


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
