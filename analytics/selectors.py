"""What the dashboard says about one person and the plan they work under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils.functional import Promise
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent, Blob, Invitation, Membership, Organisation, Plan, User
from accounts.selectors import home_organisation, user_may
from accounts.services.invitations import invitations_of
from imaging.models import ItemStatus, Job, JobStatus, Result, Run, UploadItem
from imaging.selectors import JOB, KEPT_JOBS, results_visible_to, runs_visible_to

RECENT = 5
NEARLY_FULL = 0.8


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit of the plan and how much of it is used; no limit means without end."""

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


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The six fields of the account, and what happened lately."""

    is_email_verified: bool
    previous_login: datetime | None
    uploads: int
    files: int
    predictions: int
    failed: int
    plan: Plan | None
    organisation: Organisation | None
    resets_at: datetime
    meters: Sequence[Meter]
    runs: Sequence[Run] | None  # None: not for this role
    results: Sequence[Result] | None
    invitations: Sequence[Invitation]

    @property
    def is_new(self) -> bool:
        """Nothing was run or found yet: the first steps say more than empty tables."""
        return not (self.runs or self.results)

    @property
    def next_step(self) -> str:
        """The first thing this person has not done yet: upload, run, or nothing more."""
        if not self.files:
            return "upload"
        return "" if self.predictions or self.runs else "run"


def dashboard_of(user: User) -> Dashboard:
    """Read everything that the dashboard shows; the number of queries is constant."""
    organisation = home_organisation(user)
    month = localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    uploads, files = _uploads_of(user)
    predictions, failed = _predictions_of(user)
    return Dashboard(
        is_email_verified=EmailAddress.objects.filter(
            user=user, email__iexact=user.email, verified=True
        ).exists(),
        previous_login=_previous_login_of(user),
        uploads=uploads,
        files=files,
        predictions=predictions,
        failed=failed,
        plan=organisation.plan if organisation else None,
        organisation=organisation,
        resets_at=_next_month(month),
        meters=_meters(organisation, month) if organisation else [],
        runs=list(_recent_runs(user)) if user_may(user, "run.view") else None,
        results=list(_recent_results(user)) if user_may(user, "result.view") else None,
        invitations=list(invitations_of(user).select_related("organisation")),
    )


def _previous_login_of(user: User) -> datetime | None:
    """Return the login before this one; only the audit trail remembers it."""
    logins = AuditEvent.objects.filter(target=f"user:{user.pk}", action="session.start")
    return logins.order_by("-at").values_list("at", flat=True)[1:2].first()


def _uploads_of(user: User) -> tuple[int, int]:
    """Count acts of sending and files; what was refused is not counted."""
    found = (
        UploadItem.objects.filter(upload__user=user)
        .exclude(status=ItemStatus.REFUSED)
        .exclude(image__study__deleted_at__isnull=False)
        .aggregate(uploads=Count("upload", distinct=True), files=Count("pk"))
    )
    return found["uploads"], found["files"]


def _predictions_of(user: User) -> tuple[int, int]:
    found = Job.objects.filter(JOB.kept, run__requested_by=user).aggregate(
        succeeded=Count("pk", filter=Q(status=JobStatus.SUCCEEDED)),
        failed=Count("pk", filter=Q(status=JobStatus.FAILED)),
    )
    return found["succeeded"], found["failed"]


def _meters(organisation: Organisation, month: datetime) -> list[Meter]:
    """Measure the organisation against its plan, all in one query."""
    plan = organisation.plan
    used = (
        Organisation.objects.filter(pk=organisation.pk)
        .values(
            runs=_per_organisation(Run.objects.filter(created_at__gte=month), Count("pk")),
            storage=_per_organisation(Blob.objects.all(), Sum("size")),
            members=_per_organisation(
                Membership.objects.current().of_people(), Count("user", distinct=True)
            ),
        )
        .get()
    )
    return [
        Meter("runs", _("Runs this month"), used["runs"] or 0, plan.runs_per_month),
        Meter("storage", _("Storage"), used["storage"] or 0, plan.storage_bytes),
        Meter("members", _("Members"), used["members"] or 0, plan.members),
    ]


def _per_organisation(rows: QuerySet, total) -> Subquery:
    return Subquery(
        rows.filter(organisation=OuterRef("pk"))
        .order_by()
        .values("organisation")
        .annotate(total=total)
        .values("total")
    )


def _recent_runs(user: User) -> QuerySet:
    return (
        runs_visible_to(user)
        .filter(requested_by=user)
        .annotate(
            images=Count("jobs", filter=KEPT_JOBS),
            succeeded=Count("jobs", filter=Q(jobs__status=JobStatus.SUCCEEDED) & KEPT_JOBS),
            failed=Count("jobs", filter=Q(jobs__status=JobStatus.FAILED) & KEPT_JOBS),
            live=Count("jobs", filter=Q(jobs__finished_at=None, jobs__isnull=False) & KEPT_JOBS),
        )
        .order_by("-created_at", "-id")[:RECENT]
    )


def _recent_results(user: User) -> QuerySet:
    return (
        results_visible_to(user)
        .select_related("image", "job__run")
        .defer("agreement", "timings", "versions", "table", "job__run__frozen")
        .order_by("-created_at", "-id")[:RECENT]
    )


def _next_month(month: datetime) -> datetime:
    if month.month == 12:
        return month.replace(year=month.year + 1, month=1)
    return month.replace(month=month.month + 1)
