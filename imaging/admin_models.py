"""The registry in the admin: sending a model in, watching it, and looking at what is there."""

from __future__ import annotations

import json

from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts.proof import is_fresh
from accounts.selectors import user_may
from accounts.tenancy import OfHouse
from imaging.model_forms import ModelZipForm, WeightFileForm
from imaging.models import ModelUpload, ModelVersion
from imaging.registry import model_retire
from imaging.registry.uploads import model_upload_receive
from imaging.services.refusals import NotPossible

ADD = "model.add"


class _Looked:
    """A list and a page to look at, for every overseer."""

    house = "*"

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(ModelVersion)
class ModelVersionAdmin(_Looked, OfHouse, admin.ModelAdmin):
    list_display = ("name", "version", "state", "type", "framework", "problem", "created_at")
    list_filter = ("state", "type", "framework")
    search_fields = ("name",)
    actions = ("retire",)
    fields = (
        "name", "version", "page", "state", "problem", "type", "framework", "modalities", "labels",
        "threshold", "card", "hashes", "tried", "origin", "added_by", "created_at",
    )  # fmt: skip
    readonly_fields = ("page", "card", "hashes", "tried")

    def has_add_permission(self, request) -> bool:
        return request.user.is_superuser or user_may(request.user, ADD)

    def add_view(self, request, form_url="", extra_context=None):
        """Take a ZIP, or a weight file with its form; the worker does the rest."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if not is_fresh(request):
            raise ReauthenticationRequired
        is_zip, sent = request.POST.get("sent") == "zip", request.method == "POST"
        by_zip = ModelZipForm(*((request.POST, request.FILES) if sent and is_zip else ()))
        by_file = WeightFileForm(*((request.POST, request.FILES) if sent and not is_zip else ()))
        if sent and (by_zip.is_valid() if is_zip else by_file.is_valid()):
            try:
                return self._received(request, by_zip if is_zip else by_file)
            except NotPossible as refusal:
                (by_zip if is_zip else by_file).add_error(None, str(refusal))
        context = {
            **self.admin_site.each_context(request),
            **(extra_context or {}),
            "title": _("Add a model"),
            "opts": self.opts,
            "by_zip": by_zip,
            "by_file": by_file,
        }
        there = "admin/imaging/modelversion/send.html"
        return TemplateResponse(request, there, context, status=422 if sent else 200)

    def _received(self, request, form):
        told = form.cleaned_data
        upload = model_upload_receive(
            user=request.user,
            file=told.get("zip") or told["file"],
            form=form.metadata() if isinstance(form, WeightFileForm) else None,
        )
        messages.info(request, _("Received. It is being looked at now."))
        return redirect("admin:imaging_modelupload_change", upload.pk)

    @admin.display(description="page")
    def page(self, model: ModelVersion) -> str:
        words = _("Card, trial and approval")
        return format_html('<a href="{}">{}</a>', model.get_absolute_url(), words)

    @admin.display(description="model card")
    def card(self, model: ModelVersion) -> str:
        return _pretty(model.metadata.get("card", {}))

    @admin.display(description="sha256")
    def hashes(self, model: ModelVersion) -> str:
        return _pretty(model.sha256)

    @admin.display(description="tried and timed")
    def tried(self, model: ModelVersion) -> str:
        return _pretty(model.facts)

    @admin.action(description="Retire: may no longer be chosen", permissions=["operate"])
    def retire(self, request, queryset) -> None:
        for model in queryset:
            model_retire(user=request.user, model=model)
        messages.success(request, _("%(n)d retired.") % {"n": queryset.count()})


@admin.register(ModelUpload)
class ModelUploadAdmin(_Looked, OfHouse, admin.ModelAdmin):
    list_display = ("created_at", "name", "status", "model_version", "user", "finished_at")
    list_select_related = ("model_version", "user")
    list_filter = ("status",)
    change_form_template = "admin/imaging/modelupload/progress.html"
    fields = (
        "name", "size", "sha256", "user", "created_at", "finished_at", "answers",
    )  # fmt: skip
    readonly_fields = (*fields[:4], "answers")
    show_full_result_count = False

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def changelist_view(self, request, extra_context=None):
        add = reverse("admin:imaging_modelversion_add")
        return super().changelist_view(request, {"add_model": add, **(extra_context or {})})

    @admin.display(description="answers of the form")
    def answers(self, upload: ModelUpload) -> str:
        return _pretty(upload.form) if upload.form else "—"


def _pretty(value: dict) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
