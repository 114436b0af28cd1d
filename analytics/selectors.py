"""What the dashboard says about one person and the plan they work under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.db.models import Count, Q, QuerySet

from accounts.models import AuditEvent, Invitation, Organisation, Plan, User
from accounts.selectors import home_organisation, user_may
from accounts.services.invitations import invitations_of
from analytics.meters import Meter, meters_of
from imaging.models import ItemStatus, Job, JobStatus, Result, Run, UploadItem
from imaging.months import month_start, next_month
from imaging.selectors import JOB, KEPT_JOBS, results_visible_to, runs_visible_to

RECENT = 5


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
        resets_at=next_month(month_start()),
        meters=meters_of(organisation) if organisation else [],
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
