"""What an organisation uses of its plan: limits with a meter, and what is only counted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Blob, Organisation, Plan
from accounts.services.membership_rules import seats_taken
from imaging.models import ItemStatus, Job, JobStatus, Run, UploadItem
from imaging.months import month_start
from imaging.selectors import JOB

NEARLY_FULL = 0.8


@dataclass(frozen=True, slots=True)
class Meter:
    """One number of the plan and how much of it is used; no limit means without end."""

    name: str
    label: str | Promise
    used: int
    limit: int | None

    @property
    def low(self) -> float:
        return NEARLY_FULL * (self.limit or 0)

    @property
    def high(self) -> float:
        return 0.999 * (self.limit or 0)

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.used >= self.limit


def meters_of(organisation: Organisation) -> list[Meter]:
    """Measure the organisation against its plan: three queries, whatever it holds.

    A seat that was offered counts as taken, as it does when somebody is invited.
    Uploads and predictions have no limit of their own.
    """
    month, plan = month_start(), organisation.plan
    runs = Run.objects.filter(created_at__gte=month)
    kept = UploadItem.objects.exclude(status=ItemStatus.REFUSED)
    sent = kept.filter(upload__created_at__gte=month)
    jobs = Job.objects.filter(JOB.kept, status=JobStatus.SUCCEEDED, finished_at__gte=month)
    used = (
        Organisation.objects.filter(pk=organisation.pk)
        .values(
            runs=_per_organisation(runs, Count("pk")),
            storage=_per_organisation(Blob.objects.all(), Sum("size")),
            uploads=_per_organisation(sent, Count("upload", distinct=True)),
            predictions=_per_organisation(jobs, Count("pk")),
        )
        .get()
    )
    seats = len(seats_taken(organisation))
    return [
        Meter("runs", _("Runs this month"), used["runs"] or 0, plan.runs_per_month),
        Meter("storage", _("Storage"), used["storage"] or 0, plan.storage_bytes),
        Meter("members", _("Seats"), seats, plan.members),
        Meter("uploads", _("Uploads this month"), used["uploads"] or 0, None),
        Meter("predictions", _("Predictions this month"), used["predictions"] or 0, None),
    ]


def beyond(plan: Plan, meters: list[Meter]) -> list[str]:
    """Name what is used more than `plan` allows."""
    limits = {
        "runs": plan.runs_per_month, "storage": plan.storage_bytes, "members": plan.members,
    }  # fmt: skip
    return [
        str(meter.label)
        for meter in meters
        if (limit := limits.get(meter.name)) is not None and meter.used > limit
    ]


def _per_organisation(rows: QuerySet, total) -> Subquery:
    return Subquery(
        rows.filter(organisation=OuterRef("pk"))
        .order_by()
        .values("organisation")
        .annotate(total=total)
        .values("total")
    )
