"""Plans in the admin, and the requests of organisations for another one."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from accounts.admin_audited import Audited
from accounts.models import Plan, PlanRequest
from accounts.services.plan_requests import plan_request_decide
from accounts.tenancy import OfHouse

GRANT, DECLINE = "grant", "decline"


@admin.register(Plan)
class PlanAdmin(Audited, OfHouse, admin.ModelAdmin):
    house = "organisations"
    list_display = ("name", "slug", "runs_per_month", "storage", "members")
    prepopulated_fields = {"slug": ("name",)}

    def get_actions(self, request):
        """One at a time: the page of one plan says what stands in the way and what to do."""
        return {name: one for name, one in super().get_actions(request).items()
                if name != "delete_selected"}  # fmt: skip

    def delete_view(self, request, object_id, extra_context=None):
        plan = self.get_object(request, object_id)
        told = {} if plan is None else {
            "houses": plan.organisations.all(),
            "asked": PlanRequest.objects.filter(plan=plan).select_related("organisation"),
        }  # fmt: skip
        return super().delete_view(request, object_id, told | (extra_context or {}))

    @admin.display(description=_("storage"), ordering="storage_bytes")
    def storage(self, plan: Plan) -> str:
        return "—" if plan.storage_bytes is None else filesizeformat(plan.storage_bytes)


class DecisionForm(forms.ModelForm):
    """What the operator decides, and says to whoever asked."""

    decision = forms.ChoiceField(
        label=_("decision"),
        choices=[("", "—"), (GRANT, _("Grant: the plan holds at once")), (DECLINE, _("Decline"))],
    )

    class Meta:
        model = PlanRequest
        fields = ("answer",)
        widgets = {"answer": forms.Textarea(attrs={"rows": 3})}


@admin.register(PlanRequest)
class PlanRequestAdmin(OfHouse, admin.ModelAdmin):
    """Open ones are decided here, once; the others are there to be read."""

    form = DecisionForm
    list_display = ("organisation", "plan", "words", "state", "asked_by", "asked_at", "decided_at")
    list_select_related = ("organisation", "plan", "asked_by")
    list_filter = ("state",)
    facts = ("organisation", "plan_now", "plan", "words", "asked_by", "asked_at")
    ends = ("state", "answer", "decided_by", "decided_at")

    def get_fields(self, request, obj=None):
        is_asked = self.has_change_permission(request, obj)
        return (*self.facts, *(("decision", "answer") if is_asked else self.ends))

    def get_readonly_fields(self, request, obj=None):
        return self.facts

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        is_open = obj is None or obj.is_open
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False

    @admin.display(description=_("plan now"))
    def plan_now(self, asked: PlanRequest) -> str:
        return str(asked.organisation.plan)

    def save_model(self, request, obj, form, change) -> None:
        given = form.cleaned_data
        try:
            plan_request_decide(
                by=request.user,
                request=obj,
                grant=given["decision"] == GRANT,
                answer=given["answer"],
            )
        except ValidationError as error:  # somebody was faster
            obj.refused = " ".join(error.messages)

    def log_change(self, request, obj, message):
        return None if hasattr(obj, "refused") else super().log_change(request, obj, message)

    def response_change(self, request, obj):
        """Say either that it was decided or why not, never both."""
        if not hasattr(obj, "refused"):
            return super().response_change(request, obj)
        messages.error(request, obj.refused)
        return redirect(request.path)
