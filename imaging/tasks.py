"""What the queue calls. Each task claims, computes, hands over; none raises into the queue."""

from __future__ import annotations

import logging

from django.db import OperationalError

from accounts import audit
from accounts.tracing import traced
from accounts.vault.damage import damages_tell
from imaging.engine.client import EngineDied, EngineTimeout
from imaging.models import Job
from imaging.registry import models_verify
from imaging.registry import uploads as model_uploads
from imaging.services import analysis, instances, jobs, painting, uploads
from imaging.services.leases import LeaseLost, WorkerStopping
from imaging.types import InferenceError, Refused

logger = logging.getLogger(__name__)
UNEXPECTED = "The analysis failed unexpectedly."


@audit.as_worker
def ingest_upload(upload_id: str) -> None:
    """Read the files of one upload.

    State before: some items wait. State after: none does, or the doorbell rang
    again. Delivered twice, the second run finds the lease taken or nothing to do.
    """
    try:
        uploads.upload_ingest(upload_id)
    except Exception:  # ours to read in the log; the upload's lease runs out and it is taken up
        logger.exception("upload %s: ingest failed", upload_id)
    damages_tell()


@audit.as_worker
def run_job(job_id: str) -> None:
    """Analyse one image.

    State before: queued. State after: succeeded or failed, or queued again after
    a death. Delivered twice, the claim makes the second run a no-op.
    """
    try:
        job = jobs.job_claim(job_id)
        if job is None:
            logger.info("job %s: nothing to do", job_id)
        else:
            with traced(job.request_id):
                _analyse(job)
    except Exception:  # the database is gone: the lease runs out and the job is taken up again
        logger.exception("job %s: could not be closed", job_id)
    damages_tell()


@audit.as_worker
def take_model(upload_id: str) -> None:
    """Take in one model that an administrator sent.

    State before: queued. State after: succeeded or failed, or queued again when the worker was
    told to stop. Delivered twice, the claim makes the second run a no-op.
    """
    try:
        taken = model_uploads.model_upload_take(upload_id)
        logger.info("model upload %s: %s", upload_id, taken.pk if taken else "nothing taken in")
    except LeaseLost:
        logger.info("model upload %s: another worker's", upload_id)
    except WorkerStopping:
        logger.info("model upload %s: given back", upload_id)
        model_uploads.model_upload_release(upload_id)
    except Exception:  # its lease runs out and it is taken up again, three times
        logger.exception("model upload %s failed", upload_id)


@audit.as_worker
def measure_review(review_id: str) -> None:
    """Measure the mask that a reader painted.

    State before: no row. State after: measured, or a problem in words. Delivered twice, the
    second writes nothing; a death is counted and taken up again.
    """
    try:
        painting.review_measure(review_id)
    except Exception:  # taken up again within a minute, three times
        logger.exception("review %s: not measured", review_id)
    damages_tell()


@audit.as_worker
def tell_instances(which: str) -> None:
    """Tell originals that came as DICOM and are not told yet.

    State before: no row of an original. State after: some have one. Delivered twice, the second
    writes nothing; what is left is rung for again within a minute.
    """
    try:
        instances.untold_tell()
    except Exception:  # rung for again within a minute
        logger.exception("instances: not told")
    damages_tell()


@audit.as_worker
def unpack_instance(instance_id: str) -> None:
    """Unpack the frames of one compressed instance.

    State before: none are kept. State after: they are. Delivered twice, the second finds them;
    what failed is asked for again by whoever wants it.
    """
    try:
        instances.frames_unpack(instance_id)
    except (Refused, EngineDied, EngineTimeout) as error:
        logger.warning("instance %s: not unpacked: %s", instance_id, type(error).__name__)
    except Exception:
        logger.exception("instance %s: not unpacked", instance_id)
    damages_tell()


def _analyse(job: Job) -> None:
    try:
        analysis.job_analyse(job)
    except InferenceError as error:
        logger.info("job %s failed: an expected reason", job.pk)
        jobs.job_fail(job, error=str(error))
        models_verify(job.run)
    except (EngineDied, EngineTimeout) as error:
        logger.warning("job %s: %s", job.pk, type(error).__name__)
        jobs.job_died(job, error=str(error))
    except LeaseLost:
        logger.info("job %s: cancelled, or another worker's", job.pk)
    except WorkerStopping:
        logger.info("job %s: given back", job.pk)
        jobs.job_release(job)
    except OperationalError:  # the database's fault, not the job's
        raise
    except Exception:
        logger.exception("job %s failed", job.pk)
        jobs.job_fail(job, error=UNEXPECTED)
    else:
        logger.info("job %s succeeded", job.pk)
