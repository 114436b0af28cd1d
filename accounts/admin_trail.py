"""The audit trail in the admin: read, filtered by words, and led to where it is verified."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import ACTIONS
from accounts.audit.state import last_check
from accounts.models import AuditEvent
from accounts.selectors import user_may
from accounts.tenancy import OfHouse

OUTCOMES = {"ok": _("Done"), "refused": _("Refused"), "failed": _("Failed")}


def words_of(code: str) -> str:
    """Say what an action or an outcome is; what an older house wrote stays as it is."""
    return gettext(ACTIONS[code].words) if code in ACTIONS else str(OUTCOMES.get(code, code))


class InWords(admin.AllValuesFieldListFilter):
    """Codes of the trail to filter by, each said in words."""

    def choices(self, changelist):
        for choice in super().choices(changelist):
            yield choice | {"display": words_of(choice["display"])}


@admin.register(AuditEvent)
class AuditEventAdmin(OfHouse, admin.ModelAdmin):
    list_display = ("at", "act", "end", "actor", "organisation", "target", "reason")
    list_select_related = ("actor", "organisation")
    list_filter = (("outcome", InWords), ("action", InWords))
    date_hierarchy = "at"
    show_full_result_count = False
    fields = (
        "at", "act", "action", "end", "actor", "role", "organisation", "target", "patient",
        "reason", "ip", "session", "request_id", "dicom", "version",
    )  # fmt: skip
    readonly_fields = fields

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    def changelist_view(self, request, extra_context=None):
        """Say who verifies the trail, and lead whoever may there."""
        told = {"last_check": last_check(), "may_verify": user_may(request.user, "audit.verify")}
        return super().changelist_view(request, told | (extra_context or {}))

    @admin.display(description=_("what was done"), ordering="action")
    def act(self, event: AuditEvent) -> str:
        return words_of(event.action)

    @admin.display(description=_("outcome"), ordering="outcome")
    def end(self, event: AuditEvent) -> str:
        return words_of(event.outcome)
