"""The end of a run is told to whoever asked for it, in the app."""

from __future__ import annotations

from django.db.models import Count

from accounts.services.notices import notice_send
from imaging.models import Job, JobStatus, Run

LIVE = {JobStatus.QUEUED, JobStatus.RUNNING}


def run_hold(run_id) -> Run:
    """Lock the run for the rest of this transaction: of jobs that end at once one sees the others.

    Before the job's own row, as whoever cancels the run does it too.
    """
    runs = Run.objects.select_for_update(of=("self",)).select_related("requested_by")
    return runs.get(pk=run_id)


def run_end_tell(run: Run) -> None:
    """Send the notice if no job of `run`, which is held, is live any more.

    Whoever cancelled it knows that it is over, and a machine reads no notices.
    """
    if run.cancelled_at is not None or not run.requested_by.is_active:
        return
    rows = Job.objects.filter(run=run).order_by().values_list("status")
    counts = dict(rows.annotate(count=Count("pk")))
    if LIVE.isdisjoint(counts):
        ended = {"succeeded": JobStatus.SUCCEEDED, "failed": JobStatus.FAILED}
        facts = {name: counts.get(status, 0) for name, status in ended.items()}
        kind = "run_finished" if run.cohort_id is None else "cohort_run_finished"
        notice_send(to=run.requested_by, kind=kind, facts=facts)
