"""Exports, for operators: what was made, when, and how it ended."""

from __future__ import annotations

from django.contrib import admin

from accounts.tenancy import OfHouse
from reports.models import Export


@admin.register(Export)
class ExportAdmin(OfHouse, admin.ModelAdmin):
    list_display = ("id", "kind", "status", "user", "organisation", "created_at", "finished_at")
    fields = (
        "id", "kind", "status", "error", "user", "organisation", "size", "downloads", "created_at",
        "finished_at", "expires_at",
    )  # fmt: skip
    list_select_related = ("user", "organisation")
    list_filter = ("status", "kind")
    date_hierarchy = "created_at"
    show_full_result_count = False
    view_on_site = False  # its owner's alone

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
