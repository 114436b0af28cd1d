"""The analysis that a MONAI Label client asks for: a run like any other, and only one of a kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from accounts.models import User
from imaging.models import Image, Job, JobStatus
from imaging.selectors import jobs_visible_to
from imaging.services.jobs import job_retry
from imaging.services.members import frozen_spec
from imaging.services.runs import run_submit

TAKEN_UP = (JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.SUCCEEDED)


def label_run_take_up(*, user: User, image: Image, choice: Mapping[str, Any], asked: str) -> Job:
    """Return the job of `image` by this very choice of models that `user` may see, or a new one.

    choice  members, threshold, fusion and ensemble as `run_submit` takes them.
    asked   the token's own id: one that failed is queued again when it is asked for again.

    Twice at once it is one run. Raises: NotPossible, in words.
    """
    spec = frozen_spec(
        choice["members"],
        threshold=choice["threshold"],
        ensemble=choice["ensemble"],
        fusion=choice["fusion"],
    )
    frozen = json.loads(json.dumps(spec.to_json()))
    if found := _same(user, image, frozen):
        return found
    key = json.dumps([asked, str(image.pk), frozen], sort_keys=True)
    token = hashlib.sha256(key.encode()).hexdigest()
    run = run_submit(user=user, images=[image], token=token, **choice)
    job = run.jobs.select_related("run", "image").get(image=image)
    if job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
        return job_retry(user=user, job=job)
    return job


def _same(user: User, image: Image, frozen: Mapping[str, Any]) -> Job | None:
    """The newest job that waits, runs or has succeeded; the same files of the same models."""
    jobs = jobs_visible_to(user).filter(image=image, status__in=TAKEN_UP)
    return next((job for job in jobs.order_by("-created_at") if job.run.frozen == frozen), None)
