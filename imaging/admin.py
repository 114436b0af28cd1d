"""The registry and the work, for operators: ids, states and times, never a patient."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.tenancy import OfHouse
from imaging.admin_models import ModelUploadAdmin, ModelVersionAdmin
from imaging.models import (
    Ensemble,
    EnsembleMember,
    Heartbeat,
    Job,
    JobStatus,
    Member,
    Run,
    Upload,
)
from imaging.sayings import said
from imaging.selectors import JOB, all_deleted
from imaging.services.jobs import job_retry
from imaging.services.refusals import NotPossible

__all__ = ["ModelUploadAdmin", "ModelVersionAdmin"]
AGAIN = (JobStatus.FAILED, JobStatus.CANCELLED)


class ReadOnly:
    """A list and a page to look at; changes go through actions.

    The row's page on the site is its organisation's: an operator finds nothing there.
    """

    view_on_site = False

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


class Retried:
    """Jobs that failed or were cancelled are queued again, from the list or from a row's page."""

    actions = ("retry",)
    change_form_template = "admin/imaging/retry.html"

    def closed_jobs(self, rows: QuerySet) -> QuerySet[Job]:
        """Return the jobs behind `rows` that may be queued again."""
        raise NotImplementedError

    @admin.action(description=_("Queue failed or cancelled jobs again"), permissions=["operate"])
    def retry(self, request, queryset) -> None:
        jobs = self.closed_jobs(queryset).select_related("run", "image")
        if not jobs:
            messages.warning(request, _("Nothing to queue: no job here failed or was cancelled."))
        _each(request, jobs, lambda job: job_retry(user=request.user, job=job))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        told = {"retried": object_id if self._may_retry(request, object_id) else ""}
        return super().change_view(request, object_id, form_url, told | (extra_context or {}))

    def _may_retry(self, request, object_id: str) -> bool:
        row = self.get_object(request, object_id)
        if row is None or not self.has_operate_permission(request):
            return False
        return self.closed_jobs(self.model.objects.filter(pk=row.pk)).exists()


def _each(request, queryset, act) -> None:
    """Queue each job by `act`; say how many went well and why others did not."""
    count = 0
    for row in queryset:
        try:
            act(row)
        except NotPossible as error:
            messages.error(request, str(error))
        else:
            count += 1
    if count:
        words = ngettext("%(n)d job is queued.", "%(n)d jobs are queued.", count)
        messages.success(request, words % {"n": count})


class Reasons:
    """Why it failed, in the language of whoever reads it."""

    @admin.display(description=_("reason"))
    def why(self, row) -> str:
        return said(row.error) or "—"


class EnsembleMemberInline(ReadOnly, OfHouse, admin.TabularInline):
    model = EnsembleMember
    house = "*"  # the ensemble that it stands under was asked
    extra = 0


@admin.register(Ensemble)
class EnsembleAdmin(ReadOnly, OfHouse, admin.ModelAdmin):
    house_too = Q(organisation=None)  # came with the installation
    list_display = ("name", "title", "number", "state", "organisation", "type", "created_at")
    list_select_related = ("organisation",)
    fields = (
        "name", "title", "number", "state", "organisation", "type", "modalities", "fusion",
        "threshold", "thresholds", "union", "created_by", "created_at", "decided_by", "decided_at",
        "reason",
    )  # fmt: skip
    inlines = (EnsembleMemberInline,)


class MemberInline(ReadOnly, OfHouse, admin.TabularInline):
    model = Member
    house = "run__organisation"
    extra = 0


class OfKeptStudies:
    """Jobs of a study that was deleted are in no list, for operators neither."""

    def get_queryset(self, request) -> QuerySet:
        return super().get_queryset(request).filter(JOB.kept)


class JobInline(Reasons, OfKeptStudies, ReadOnly, OfHouse, admin.TabularInline):
    model = Job
    extra = 0
    fields = ("id", "status", "attempt", "deaths", "why", "started_at", "finished_at")
    readonly_fields = fields
    show_change_link = True


@admin.register(Run)
class RunAdmin(Retried, ReadOnly, OfHouse, admin.ModelAdmin):
    list_display = ("id", "title", "requested_by", "organisation", "created_at", "cancelled_at")
    list_select_related = ("requested_by", "organisation")
    list_filter = ("organisation",)
    date_hierarchy = "created_at"
    fields = (
        "id", "title", "organisation", "requested_by", "ensemble", "threshold", "created_at",
        "cancelled_at",
    )  # fmt: skip
    inlines = (MemberInline, JobInline)
    show_full_result_count = False

    def get_queryset(self, request) -> QuerySet:
        return super().get_queryset(request).exclude(all_deleted())

    def closed_jobs(self, rows: QuerySet) -> QuerySet[Job]:
        return Job.objects.filter(JOB.kept, run__in=rows, status__in=AGAIN)


@admin.register(Job)
class JobAdmin(Reasons, Retried, OfKeptStudies, ReadOnly, OfHouse, admin.ModelAdmin):
    list_display = (
        "id", "status", "attempt", "deaths", "step", "why", "created_at", "started_at",
        "finished_at",
    )  # fmt: skip
    list_filter = ("status",)
    fields = (
        "id", "run", "image", "organisation", "status", "attempt", "deaths", "lease_until",
        "rung_at", "step", "steps_done", "steps_total", "why", "created_at", "started_at",
        "finished_at",
    )  # fmt: skip
    show_full_result_count = False

    def closed_jobs(self, rows: QuerySet) -> QuerySet[Job]:
        return rows.filter(JOB.kept, status__in=AGAIN)


@admin.register(Upload)
class UploadAdmin(ReadOnly, OfHouse, admin.ModelAdmin):
    list_display = ("id", "user", "organisation", "created_at", "finished_at", "attempt", "deaths")
    fields = (
        "id", "user", "organisation", "department", "modality", "first_volume", "keep_known",
        "created_at", "finished_at", "attempt", "deaths",
    )  # fmt: skip
    list_select_related = ("user", "organisation")
    date_hierarchy = "created_at"
    show_full_result_count = False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly, OfHouse, admin.ModelAdmin):
    house = ""
    list_display = ("name", "at", "facts")
