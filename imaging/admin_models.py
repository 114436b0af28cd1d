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
from django.utils.translation import gettext_lazy

from accounts.proof import is_fresh
from accounts.selectors import user_may
from accounts.tenancy import OfHouse
from imaging.model_answers import initial_of, metadata_of
from imaging.model_forms import ModelDescriptionForm, ModelSendForm
from imaging.models import ModelUpload, ModelVersion
from imaging.models.approvals import TakingStatus
from imaging.registry import model_retire
from imaging.registry.uploads import model_upload_describe, model_upload_receive
from imaging.sayings import said
from imaging.services.refusals import NotPossible

ADD = "model.add"
FORMATS = (
    (".zip", gettext_lazy("the model's folder: metadata.json, model.*, README.md, LICENSE")),
    (".pt .pth", gettext_lazy("torch.save(model), or model.state_dict() with its network named")),
    (".onnx", gettext_lazy("an export as one file, with standard operators")),
    (".keras .h5", gettext_lazy("model.save() of plain layers")),
    (".safetensors", gettext_lazy("numbers alone, with their network named")),
)


class _Looked:
    """A list and a page to look at, for every overseer."""

    house = "*"

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(ModelVersion)
class ModelVersionAdmin(_Looked, OfHouse, admin.ModelAdmin):
    list_display = ("name", "version", "state", "type", "framework", "lacks", "created_at")
    list_filter = ("state", "type", "framework")
    search_fields = ("name",)
    actions = ("retire",)
    fields = (
        "name", "version", "page", "state", "lacks", "type", "framework", "modalities", "labels",
        "threshold", "card", "hashes", "tried", "origin", "added_by", "created_at",
    )  # fmt: skip
    readonly_fields = ("page", "lacks", "card", "hashes", "tried")

    def has_add_permission(self, request) -> bool:
        return request.user.is_superuser or user_may(request.user, ADD)

    def add_view(self, request, form_url="", extra_context=None):
        """Take a ZIP or a weight file; the worker looks into it and does the rest."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if not is_fresh(request):
            raise ReauthenticationRequired
        sent = request.method == "POST"
        form = ModelSendForm(*((request.POST, request.FILES) if sent else ()))
        if sent and form.is_valid():
            try:
                upload = model_upload_receive(user=request.user, file=form.cleaned_data["file"])
                return redirect("admin:imaging_modelupload_change", upload.pk)
            except NotPossible as refusal:
                form.add_error("file", str(refusal))
        context = {
            **self.admin_site.each_context(request),
            **(extra_context or {}),
            "title": _("Add a model"),
            "opts": self.opts,
            "form": form,
            "formats": FORMATS,
        }
        there = "admin/imaging/modelversion/send.html"
        return TemplateResponse(request, there, context, status=422 if sent else 200)

    @admin.display(description=gettext_lazy("page"))
    def page(self, model: ModelVersion) -> str:
        words = _("Card, trial and approval")
        return format_html('<a href="{}">{}</a>', model.get_absolute_url(), words)

    @admin.display(description=gettext_lazy("problem"))
    def lacks(self, model: ModelVersion) -> str:
        return said(model.problem) or "—"

    @admin.display(description=gettext_lazy("model card"))
    def card(self, model: ModelVersion) -> str:
        return _pretty(model.metadata.get("card", {}))

    @admin.display(description=gettext_lazy("SHA-256"))
    def hashes(self, model: ModelVersion) -> str:
        return _pretty(model.sha256)

    @admin.display(description=gettext_lazy("tried and timed"))
    def tried(self, model: ModelVersion) -> str:
        return _pretty(model.facts)

    @admin.action(
        description=gettext_lazy("Retire: may no longer be chosen"), permissions=["operate"]
    )
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

    def change_view(self, request, object_id, form_url="", extra_context=None):
        """Show how far it is; of a file that asks, take the description."""
        upload = self.get_object(request, object_id)
        asks = upload is not None and upload.status == TakingStatus.ASKING
        if not (asks and (request.user.is_superuser or user_may(request.user, ADD))):
            told = {"title": _("A model on its way in"), **(extra_context or {})}
            return super().change_view(request, object_id, form_url, told)
        if not is_fresh(request):
            raise ReauthenticationRequired
        sent = request.method == "POST"
        form = ModelDescriptionForm(
            request.POST if sent else None, told=upload.told, initial=initial_of(upload)
        )
        if sent and form.is_valid():
            try:
                model_upload_describe(user=request.user, upload=upload, form=metadata_of(form))
            except NotPossible as refusal:
                messages.error(request, str(refusal))
            return redirect("admin:imaging_modelupload_change", upload.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Describe the model"),
            "opts": self.opts,
            "upload": upload,
            "told": upload.told,
            "form": form,
        }
        there = "admin/imaging/modelupload/describe.html"
        return TemplateResponse(request, there, context, status=422 if sent else 200)

    @admin.display(description=gettext_lazy("answers of the form"))
    def answers(self, upload: ModelUpload) -> str:
        return _pretty(upload.form) if upload.form else "—"


def _pretty(value: dict) -> str:
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False))
