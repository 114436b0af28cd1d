"""The registry and the work, for operators: ids, states and times, never a patient."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Q, QuerySet

from accounts.tenancy import OfHouse
from imaging.admin_models import ModelUploadAdmin, ModelVersionAdmin
from imaging.models import (
    Ensemble,
    EnsembleMember,
    Heartbeat,
    Job,
    Member,
    Run,
    Upload,
)
from imaging.selectors import JOB, all_deleted
from imaging.services.jobs import job_retry
from imaging.services.refusals import NotPossible

__all__ = ["ModelUploadAdmin", "ModelVersionAdmin"]


class ReadOnly:
    """A list and a page to look at; changes go through actions."""

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


def _each(request, queryset, act, done: str) -> None:
    """Do `act` on each row; say how many went well and why others did not."""
    count = 0
    for row in queryset:
        try:
            act(row)
        except NotPossible as error:
            messages.error(request, str(error))
        else:
            count += 1
    if count:
        messages.success(request, f"{count} {done}.")


class EnsembleMemberInline(ReadOnly, OfHouse, admin.TabularInline):
    model = EnsembleMember
    house = "*"  # the ensemble that it stands under was asked
    extra = 0


@admin.register(Ensemble)
class EnsembleAdmin(ReadOnly, OfHouse, admin.ModelAdmin):
    house_too = Q(organisation=None)  # came with the installation
    list_display = ("name", "title", "organisation", "type", "threshold", "created_at")
    list_select_related = ("organisation",)
    inlines = (EnsembleMemberInline,)


class MemberInline(ReadOnly, OfHouse, admin.TabularInline):
    model = Member
    house = "run__organisation"
    extra = 0


class OfKeptStudies:
    """Jobs of a study that was deleted are in no list, for operators neither."""

    def get_queryset(self, request) -> QuerySet:
        return super().get_queryset(request).filter(JOB.kept)


class JobInline(OfKeptStudies, ReadOnly, OfHouse, admin.TabularInline):
    model = Job
    extra = 0
    fields = ("id", "status", "attempt", "deaths", "error", "started_at", "finished_at")
    readonly_fields = fields
    show_change_link = True


@admin.register(Run)
class RunAdmin(ReadOnly, OfHouse, admin.ModelAdmin):
    list_display = ("id", "title", "requested_by", "organisation", "created_at", "cancelled_at")
    list_select_related = ("requested_by", "organisation")
    list_filter = ("organisation",)
    date_hierarchy = "created_at"
    inlines = (MemberInline, JobInline)
    show_full_result_count = False

    def get_queryset(self, request) -> QuerySet:
        return super().get_queryset(request).exclude(all_deleted())


@admin.register(Job)
class JobAdmin(OfKeptStudies, ReadOnly, OfHouse, admin.ModelAdmin):
    list_display = (
        "id", "status", "attempt", "deaths", "step", "error", "created_at", "started_at",
        "finished_at",
    )  # fmt: skip
    list_filter = ("status",)
    fields = (
        "id", "run", "image", "organisation", "status", "attempt", "deaths", "lease_until",
        "rung_at", "step", "steps_done", "steps_total", "error", "created_at", "started_at",
        "finished_at",
    )  # fmt: skip
    actions = ("retry",)
    show_full_result_count = False

    @admin.action(description="Queue failed or cancelled jobs again", permissions=["operate"])
    def retry(self, request, queryset) -> None:
        _each(request, queryset, lambda job: job_retry(user=request.user, job=job), "queued")


@admin.register(Upload)
class UploadAdmin(ReadOnly, OfHouse, admin.ModelAdmin):
    list_display = ("id", "user", "organisation", "created_at", "finished_at", "attempt", "deaths")
    list_select_related = ("user", "organisation")
    date_hierarchy = "created_at"
    show_full_result_count = False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly, OfHouse, admin.ModelAdmin):
    house = ""
    list_display = ("name", "at", "facts")
