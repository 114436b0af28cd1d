"""The files of a ZIP while it is being made: each is kept, so that a killed worker loses one."""

from __future__ import annotations

from django.db import transaction

from accounts.models import Blob
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_delete, blob_keep
from imaging.services.leases import LeaseLost
from reports.models import Export, ExportItem, ExportStatus, ItemState

AT_ONCE = 100


def export_held(export: Export):
    """The row of `export` as long as it is still this claim's."""
    return Export.objects.filter(pk=export.pk, status=ExportStatus.RUNNING, attempt=export.attempt)


def part_keep(export: Export, item: ExportItem, *, ending: str, content: bytes) -> None:
    """Keep one finished file, under its patient's key, until the ZIP is whole. Raises LeaseLost."""
    staged = StagedBlob(
        organisation=export.organisation, kind="export", patient_id=item.result.patient_id
    )
    with staged:
        staged.write(content)
        staged.close()
        with transaction.atomic():
            if not export_held(export).update(deaths=1):  # something was finished: no death so far
                raise LeaseLost
            item.part, item.ending, item.state = blob_keep(staged), ending, ItemState.DONE
            item.save(update_fields=["part", "ending", "state", "version"])


def item_skip(item: ExportItem, reason: str) -> None:
    """Leave one result out, with the reason that its owner reads."""
    item.state, item.reason = ItemState.SKIPPED, reason
    item.save(update_fields=["state", "reason"])


def item_done(item: ExportItem) -> None:
    """Write down that this one is in the file, and in which version."""
    item.state = ItemState.DONE
    item.save(update_fields=["state", "version"])


def items_done(export: Export) -> None:
    """Write down that everything is in the file."""
    export.items.update(state=ItemState.DONE)


def parts_drop(export: Export) -> int:
    """Delete the single files of `export`. Called twice, the second finds nothing."""
    count = 0
    while held := list(export.items.exclude(part=None).values_list("pk", "part")[:AT_ONCE]):
        items, blobs = zip(*held, strict=True)
        with transaction.atomic():
            ExportItem.objects.filter(pk__in=items).update(part=None)
            for blob in Blob.objects.filter(pk__in=blobs):
                blob_delete(blob)
        count += len(held)
    return count


def parts_sweep() -> int:
    """Delete what a worker left that died between the ZIP and the end of its parts."""
    live = (ExportStatus.QUEUED, ExportStatus.RUNNING)
    left = Export.objects.exclude(status__in=live).filter(items__part__isnull=False).distinct()
    return sum(parts_drop(export) for export in left)
