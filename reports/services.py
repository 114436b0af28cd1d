"""The life of an export: asked for, made by the worker, offered, expired."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Blob
from accounts.services.outbox import event_note
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_delete, blob_keep
from imaging import queue
from imaging.models import CohortImage, Result
from imaging.services.leases import MAX_DEATHS, LeaseKeeper, LeaseLost, lease_end
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_numbered
from reports.choosing import MOST_RESULTS, signed_versions
from reports.ends import export_end_tell
from reports.models import KINDS, MANY, Export, ExportItem, ExportKind, ExportStatus
from reports.parts import export_held, parts_drop, parts_sweep

logger = logging.getLogger(__name__)
TASK = "reports.tasks.make_export"
KEPT = timedelta(days=7)
LIVE = (ExportStatus.QUEUED, ExportStatus.RUNNING)
STALE = timedelta(seconds=60)


@transaction.atomic
def export_create(
    *,
    user,
    kind: str,
    results: list[Result],
    version: int | None = None,
    signed_only: bool = False,
) -> Export:
    """Ask for a file of `results`, all of one organisation. Raises NotPossible.

    version      of one PDF: an earlier version of the verdict than the one that counts.
    signed_only  leave out what is not signed; the file tells the versions that are signed now,
                 whatever is saved before it is made.
    """
    signed = signed_versions(results) if signed_only else {}
    if signed_only:
        results = [one for one in results if one.pk in signed]
    organisation_id = _organisation_of(kind, results, version, signed_only=signed_only)
    export = Export(organisation_id=organisation_id, user=user, kind=kind, rung_at=now())
    export.save(force_insert=True)
    ExportItem.objects.bulk_create(
        ExportItem(
            export=export,
            organisation_id=organisation_id,
            result=result,
            position=position,
            version=signed.get(result.pk, version),
        )
        for position, result in enumerate(results, start=1)
    )
    audit.record(user, "export.create", export)
    queue.enqueue(TASK, str(export.pk))
    return export


def _organisation_of(
    kind: str, results: list[Result], version: int | None, *, signed_only: bool
) -> UUID:
    """Return whose results these are. Raises NotPossible for what is no file of ours."""
    if kind not in KINDS:
        raise NotPossible(_("There is no such kind of export."))
    if not results and signed_only:
        raise NotPossible(
            _("None of the selected images has a signed result that is yours to export.")
        )
    if not results:
        raise NotPossible(
            _("None of the selected images has a result that is yours to export. ")
            + _("Run an ensemble first.")
        )
    if len(results) > MOST_RESULTS:
        raise NotPossible(_("At most %(n)d results fit one export.") % {"n": MOST_RESULTS})
    if kind in MANY and len(results) > 1:
        raise NotPossible(_("Such a file is of one result. Choose one, or a ZIP."))
    is_there = kind == ExportKind.PDF and version and review_numbered(results[0], version)
    if version is not None and not is_there:
        raise NotPossible(_("There is no such version of this report."))
    organisations = {result.organisation_id for result in results}
    if len(organisations) > 1:
        raise NotPossible(_("An export holds the results of one organisation."))
    return organisations.pop()


def export_claim(export_id: str) -> Export | None:
    """Take an export for this worker by one UPDATE; None when there is nothing to take."""
    free = Q(status=ExportStatus.QUEUED) | Q(status=ExportStatus.RUNNING, lease_until__lt=Now())
    taken = Export.objects.filter(free, pk=export_id, deaths__lt=MAX_DEATHS).update(
        status=ExportStatus.RUNNING,
        attempt=F("attempt") + 1,
        deaths=F("deaths") + 1,
        lease_until=lease_end(),
    )
    return (
        Export.objects.select_related("organisation", "user").get(pk=export_id) if taken else None
    )


def export_keeper(export: Export) -> LeaseKeeper:
    """Return what its maker calls often. Raises LeaseLost, WorkerStopping when called."""
    return LeaseKeeper(lambda: export_held(export))


def export_fill(export: Export, chunks: Iterator[bytes], *, patient_id: UUID | None = None) -> None:
    """Write the file piece by piece and close `export`. Raises LeaseLost, WorkerStopping."""
    keep = export_keeper(export)
    staged = StagedBlob(
        organisation=export.organisation, kind="export", patient_id=patient_id, chunk_size=1 << 20
    )
    with staged:  # outside of any transaction: SQLite has one writer at a time
        for chunk in chunks:
            keep()
            staged.write(chunk)
        _close(export, staged)


@transaction.atomic
def _close(export: Export, staged: StagedBlob) -> None:
    ended = export_held(export).update(
        status=ExportStatus.SUCCEEDED,
        blob=blob_keep(staged),
        size=staged.size,
        finished_at=now(),
        expires_at=now() + KEPT,
        lease_until=None,
    )
    if not ended:
        raise LeaseLost
    audit.record(export.user, "export.succeed", export)
    if export.cohort_id is None:  # a researcher's file is nobody else's
        event_note("export.ready", {"export": export.pk}, organisation_id=export.organisation_id)
    export_end_tell(export)


def export_fail(export: Export, *, error: str) -> None:
    """Close `export` with a sentence for its user; nothing happens when it is no longer ours."""
    with transaction.atomic():
        ended = export_held(export).update(
            status=ExportStatus.FAILED, error=error[:500], finished_at=now(), lease_until=None
        )
        if ended:
            audit.record(export.user, "export.fail", export, outcome="failed")
            export_end_tell(export, failed=True)


@transaction.atomic
def export_release(export: Export) -> None:
    """Give `export` back unharmed: the worker was told to stop, or others are to have a turn."""
    back = {"status": ExportStatus.QUEUED, "lease_until": None, "rung_at": now()}
    if export_held(export).update(deaths=0, **back):
        queue.enqueue(TASK, str(export.pk))


@transaction.atomic
def export_cancel(*, user, export: Export) -> bool:
    """End `export` while it is being made; its worker notices within seconds. Twice: nothing."""
    live = Export.objects.filter(pk=export.pk, status__in=LIVE)
    ended = live.update(
        status=ExportStatus.CANCELLED, finished_at=now(), lease_until=None, attempt=F("attempt") + 1
    )
    if ended:
        audit.record(user, "export.cancel", export)
        parts_drop(export)
    return bool(ended)


@transaction.atomic
def export_delete(*, user, export: Export) -> bool:
    """Take the finished file away before it expires; the line stays. Twice: nothing."""
    locked = Export.objects.select_for_update(of=("self",)).select_related("blob").get(pk=export.pk)
    if locked.blob is None:
        return False
    Export.objects.filter(pk=export.pk).update(blob=None, deleted_at=now())
    blob_delete(locked.blob)
    audit.record(user, "export.delete", export)
    return True


@transaction.atomic
def export_taken(*, user, export: Export, whole: bool) -> None:
    """Write down that the file leaves the house; a further part of it is counted once."""
    if whole:
        Export.objects.filter(pk=export.pk).update(downloads=F("downloads") + 1)
    audit.record(user, "export.download", export)


def exports_recover() -> int:
    """Ring again for what was lost, give up what died three times, forget what expired."""
    return _ring_lost() + _give_up() + _expire() + parts_sweep()


def _ring_lost() -> int:
    dead = Q(status=ExportStatus.RUNNING, lease_until__lt=Now())
    unheard = Q(status=ExportStatus.QUEUED, rung_at__lt=Now() - STALE)
    waiting = queue.waiting(TASK)
    count = 0
    for pk in Export.objects.filter(dead | unheard, deaths__lt=MAX_DEATHS).values_list(
        "pk", flat=True
    ):
        if str(pk) not in waiting:
            with transaction.atomic():
                Export.objects.filter(pk=pk).update(rung_at=now())
                queue.enqueue(TASK, str(pk))
            count += 1
    return count


def _give_up() -> int:
    dead = Export.objects.filter(
        status=ExportStatus.RUNNING, lease_until__lt=Now(), deaths__gte=MAX_DEATHS
    )
    why = _("The worker died three times while making this file. Try a smaller selection.")
    exports = list(dead.select_related("organisation", "user"))
    for export in exports:
        export_fail(export, error=why)
    return len(exports)


def _expire() -> int:
    count = 0
    for export in Export.objects.filter(expires_at__lt=now(), blob__isnull=False):
        with transaction.atomic():
            blob = Blob.objects.get(pk=export.blob_id)
            Export.objects.filter(pk=export.pk).update(blob=None)
            blob_delete(blob)
        count += 1
    return count


def exports_holding(
    results: Iterable[UUID], images: Iterable[UUID]
) -> tuple[type[Export], set[UUID]]:
    """Return the exports whose file holds one of these: an erasure takes the whole file.

    Of a cohort with one of these images every file goes, whether or not it was in it.
    """
    items = ExportItem.objects.filter(result__in=list(results))
    cohorts = CohortImage.objects.filter(image__in=list(images)).values("cohort")
    found = set(items.values_list("export", flat=True))
    return Export, found | set(
        Export.objects.filter(cohort__in=cohorts).values_list("pk", flat=True)
    )
