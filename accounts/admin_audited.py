"""What the admin changes stands in the audit trail as well."""

from __future__ import annotations

from accounts import audit
from accounts.models import Membership
from accounts.roles import OVERSIGHT
from accounts.services.memberships import membership_tell


class Audited:
    """Changes in the admin stand in the audit trail as well."""

    def save_model(self, request, obj, form, change) -> None:
        super().save_model(request, obj, form, change)
        verb = "change" if change else "create"
        self._record(request, verb, obj, ", ".join(form.changed_data))

    def save_formset(self, request, form, formset, change) -> None:
        """Rows beside a row, such as an organisation's members, are written down as well."""
        for gone in formset.deleted_forms:
            if not gone.instance._state.adding:
                self._record(request, "delete", gone.instance)
        super().save_formset(request, form, formset, change)
        for obj in formset.new_objects:
            self._record(request, "create", obj)
        for obj, changed in formset.changed_objects:
            self._record(request, "change", obj, ", ".join(changed))

    def delete_model(self, request, obj) -> None:
        self._record(request, "delete", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request, queryset) -> None:
        for obj in queryset:
            self._record(request, "delete", obj)
        super().delete_queryset(request, queryset)

    def _record(self, request, verb: str, obj, reason: str = "") -> None:
        audit.record(
            request.user,
            f"{obj._meta.model_name}.{verb}",
            obj,
            reason=reason,
            request_id=getattr(request, "request_id", ""),
        )
        if isinstance(obj, Membership):
            raised = verb != "delete" and obj.role in OVERSIGHT
            membership_tell(obj, raised=raised, request=request)
