"""A model that an administrator sent: received by the web, taken in by the worker."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from imaging import queue
from imaging.engine.client import EngineError
from imaging.formats.names import clean_name
from imaging.models import ModelUpload, ModelVersion
from imaging.models.approvals import TakingStatus
from imaging.registry.store import store_root
from imaging.registry.taking import Sent, model_look, model_take
from imaging.services.leases import MAX_DEATHS, LeaseKeeper, LeaseLost, lease_end
from imaging.services.refusals import NotPossible
from imaging.types import InferenceError

logger = logging.getLogger(__name__)
TASK = "imaging.tasks.take_model"
DIED = "The worker died three times on this model. It is too large or damaged."
UNEXPECTED = "The model could not be taken in. The log names the reason."
UNANSWERED = "Nobody described this file within a week. Send it again."
ASKED_FOR = timedelta(days=7)
_ASKING = {
    "status": TakingStatus.ASKING, "lease_until": None, "rung_at": None, "step": "",
    "steps_done": 0,
}  # fmt: skip
_PIECE = 1 << 20


def model_upload_receive(
    *, user: User, file: UploadedFile, form: Mapping[str, Any] | None = None
) -> ModelUpload:
    """Keep the file as it came and leave the rest to the worker. Raises NotPossible."""
    most = settings.UPLOAD_MAX_MODEL_BYTES
    if not file.size:
        raise NotPossible(_("The file is empty."))
    if file.size > most:
        raise NotPossible(
            _("The file has %(size)d MiB; at most %(most)d MiB are taken.")
            % {"size": file.size >> 20, "most": most >> 20}
        )
    upload = ModelUpload(user=user, name=clean_name(file.name or ""), size=file.size, form=form)
    upload.sha256 = _write(file, incoming(upload))
    try:
        return _queued(upload)
    except BaseException:
        incoming(upload).unlink()
        raise


def incoming(upload: ModelUpload) -> Path:
    """Return where the file waits; it is removed when the upload is closed."""
    folder = store_root() / ".incoming"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / upload.pk.hex


@transaction.atomic
def _queued(upload: ModelUpload) -> ModelUpload:
    upload.rung_at = now()
    upload.save(force_insert=True)
    audit.record(upload.user, "model.upload", upload)
    queue.enqueue(TASK, str(upload.pk))
    return upload


def model_upload_take(upload_id: str) -> ModelVersion | None:
    """Take one upload in, in the worker; None where there is nothing to claim, or it was refused.

    Delivered twice, the claim makes the second a no-op. Raises LeaseLost, WorkerStopping.
    """
    upload = _claimed(upload_id)
    if upload is None:
        return None
    keeper = LeaseKeeper(lambda: _held(upload))

    def progress(step: str, done: int, total: int) -> None:
        keeper()
        shown = {"step": step[:40], "steps_done": done, "steps_total": total}
        if not _held(upload).update(lease_until=lease_end(), **shown):
            raise LeaseLost

    sent = Sent(incoming(upload), upload.name, upload.form, user=upload.user)
    hear = {"on_progress": progress, "on_wait": keeper, "trace": upload.request_id}
    try:
        if upload.form is None and not upload.is_zip:
            _ask(upload, model_look(sent, **hear))
            return None
        model = model_take(sent, **hear)
    except (InferenceError, EngineError) as error:
        logger.info("model upload %s refused", upload.pk)
        model_upload_fail(upload, error=str(error))
        return None
    _close(upload, TakingStatus.SUCCEEDED, model_version=model)
    return model


def _ask(upload: ModelUpload, told: Mapping[str, Any]) -> None:
    """Let it wait for a person to describe it; no worker has it meanwhile."""
    _held(upload).update(told=dict(told), **_ASKING)


@transaction.atomic
def model_upload_describe(*, user: User, upload: ModelUpload, form: Mapping[str, Any]) -> None:
    """Give a file that asks its metadata.json and send it to the worker. Raises NotPossible."""
    asking = ModelUpload.objects.filter(pk=upload.pk, status=TakingStatus.ASKING)
    again = {"status": TakingStatus.QUEUED, "rung_at": now(), "attempt": 0, "error": ""}
    if not asking.update(user=user, form=dict(form), **again):
        raise NotPossible(_("This file does not wait for a description any more."))
    audit.record(user, "model.describe", upload)
    queue.enqueue(TASK, str(upload.pk))


def model_upload_fail(upload: ModelUpload, *, error: str) -> None:
    """Close `upload` with a sentence for its sender; nothing happens when it is no longer ours.

    A file that could be read is kept, and asks again: the description may be what is wrong.
    """
    with transaction.atomic():
        if upload.form and upload.told:
            done = _held(upload).update(error=error[:500], **_ASKING)
        else:
            done = _close(upload, TakingStatus.FAILED, error=error[:500])
        if done:
            audit.record(upload.user, "model.refuse", upload, outcome="refused", reason=error)


@transaction.atomic
def model_upload_release(upload_id: str) -> None:
    """Give an upload back unharmed, as a worker does that was told to stop."""
    back = {"status": TakingStatus.QUEUED, "lease_until": None, "rung_at": now()}
    running = ModelUpload.objects.filter(pk=upload_id, status=TakingStatus.RUNNING)
    if running.update(attempt=F("attempt") - 1, **back):
        queue.enqueue(TASK, upload_id)


def model_uploads_recover() -> int:
    """Ring again for what was lost; give up what died three times."""
    dead = Q(status=TakingStatus.RUNNING, lease_until__lt=Now())
    given_up = ModelUpload.objects.filter(dead, attempt__gte=MAX_DEATHS)
    uploads = list(given_up.select_related("user"))
    for upload in uploads:
        model_upload_fail(upload, error=DIED)
    return len(uploads) + _unanswered() + _ring_lost(dead)


def _unanswered() -> int:
    """Close what waited a week for its description, and drop the file."""
    old = Q(status=TakingStatus.ASKING, created_at__lt=now() - ASKED_FOR)
    closed = {"status": TakingStatus.FAILED, "finished_at": now(), "error": UNANSWERED}
    uploads = list(ModelUpload.objects.filter(old).select_related("user"))
    for upload in uploads:
        with transaction.atomic():
            if ModelUpload.objects.filter(old, pk=upload.pk).update(**closed):
                audit.record(
                    upload.user, "model.refuse", upload, outcome="refused", reason=UNANSWERED
                )
        incoming(upload).unlink(missing_ok=True)
    return len(uploads)


def _ring_lost(dead: Q) -> int:
    waits = ModelUpload.objects.filter(finished_at=None).exclude(status=TakingStatus.ASKING)
    heard = queue.waiting(TASK) if waits.exists() else set()
    free = dead | Q(status=TakingStatus.QUEUED)
    lost = ModelUpload.objects.filter(free, attempt__lt=MAX_DEATHS).values_list("pk", flat=True)
    count = 0
    for pk in lost:
        if str(pk) not in heard:
            with transaction.atomic():
                ModelUpload.objects.filter(pk=pk).update(rung_at=now())
                queue.enqueue(TASK, str(pk))
            count += 1
    return count


def _claimed(upload_id: str) -> ModelUpload | None:
    free = Q(status=TakingStatus.QUEUED) | Q(status=TakingStatus.RUNNING, lease_until__lt=Now())
    taken = ModelUpload.objects.filter(free, pk=upload_id, attempt__lt=MAX_DEATHS).update(
        status=TakingStatus.RUNNING, attempt=F("attempt") + 1, lease_until=lease_end()
    )
    return ModelUpload.objects.select_related("user").get(pk=upload_id) if taken else None


def _held(upload: ModelUpload):
    """Fenced by the try and by the call: each description begins to count anew."""
    mine = {"attempt": upload.attempt, "rung_at": upload.rung_at}
    return ModelUpload.objects.filter(pk=upload.pk, status=TakingStatus.RUNNING, **mine)


def _close(upload: ModelUpload, status: TakingStatus, **fields) -> bool:
    closed = {"status": status, "finished_at": now(), "lease_until": None, "step": "", **fields}
    if not _held(upload).update(**closed):
        return False
    incoming(upload).unlink(missing_ok=True)
    return True


def _write(file: UploadedFile, target: Path) -> str:
    """Write what came in one piece after another; return its sha256."""
    digest = hashlib.sha256()
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as there:
        file.seek(0)
        while piece := file.read(_PIECE):
            digest.update(piece)
            there.write(piece)
        there.flush()
        os.fsync(there.fileno())
    return digest.hexdigest()
