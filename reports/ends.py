"""The end of a file that took its time is told to whoever asked for it, in the app."""

from __future__ import annotations

from accounts.services.notices import notice_send
from reports.models import MANY, Export, ItemState


def export_end_tell(export: Export, *, failed: bool = False) -> None:
    """Send the notice. One report is made while its page is looked at: only its failure is told."""
    if export.cohort_id is not None and export.user.is_active:
        kind = "cohort_export_failed" if failed else "cohort_export_finished"
        notice_send(to=export.user, kind=kind, facts={"id": str(export.pk)[:8]})
        return
    if not export.user.is_active or (export.kind in MANY and not failed):
        return
    if failed:
        notice_send(to=export.user, kind="export_failed", facts={"id": str(export.pk)[:8]})
        return
    states = list(export.items.values_list("state", flat=True))
    left_out = states.count(ItemState.SKIPPED)
    facts = {"id": str(export.pk)[:8], "count": len(states) - left_out, "left_out": left_out}
    notice_send(to=export.user, kind="export_finished", facts=facts)
