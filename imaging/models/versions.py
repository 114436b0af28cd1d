"""Models that were taken in, version by version."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class ModelState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    CHECKED = "checked", _("Checked")
    ACTIVE = "active", _("Active")
    RETIRED = "retired", _("Retired")
    QUARANTINED = "quarantined", _("Quarantined")


class ModelOrigin(models.TextChoices):
    FOLDER = "folder", _("The models folder")
    STORE = "store", _("Taken in")


class ModelVersion(models.Model):
    """One version of one model in the registry.

    Its files lie in models/<name>/, or where it was taken in (`origin`) in the store as
    <name>@<version>. `signature` is the registry key's over name, version, hashes and metadata;
    `facts` says how the file was converted, tried and timed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=64)
    version = models.CharField(_("version"), max_length=32)
    type = models.CharField(_("type"), max_length=16)
    framework = models.CharField(_("framework"), max_length=16)
    modalities = models.JSONField(
        _("modalities"), default=list, help_text=_('for instance ["xray"]')
    )
    labels = models.JSONField(
        _("labels"), default=list, help_text=_("finding labels, in channel order")
    )
    threshold = models.FloatField(_("threshold"), default=0.5)
    metadata = models.JSONField(_("metadata"), default=dict)
    sha256 = models.JSONField(
        _("SHA-256"), default=dict, help_text=_("{file: hex} of every model file")
    )
    origin = models.CharField(
        _("origin"), max_length=8, choices=ModelOrigin, default=ModelOrigin.FOLDER
    )
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("added by"),
    )
    signature = models.CharField(max_length=128, blank=True, editable=False)
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    state = models.CharField(
        _("state"), max_length=16, choices=ModelState, default=ModelState.DRAFT
    )
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        ordering = ["name", "version"]
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_version_once"),
            models.CheckConstraint(
                condition=~Q(state=ModelState.ACTIVE) | Q(problem=""),
                name="model_active_without_problem",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:model-detail", args=[self.pk])
