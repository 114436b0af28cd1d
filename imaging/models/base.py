"""What most tables of the hall begin with."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Clinical(models.Model):
    """A row of one organisation, known by a UUID before it is saved."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation",
        models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("organisation"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        abstract = True


def blob_key(**options) -> models.ForeignKey:
    return models.ForeignKey(
        "accounts.Blob", models.PROTECT, related_name="+", editable=False, **options
    )


def department_key() -> models.ForeignKey:
    """Whose study it is within the house; null: nobody's but the whole organisation's."""
    return models.ForeignKey(
        "accounts.Department",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("department"),
    )


class Modality(models.TextChoices):
    """What a person chooses between; DICOM codes are finer (CR and DX are X-rays)."""

    XRAY = "xray", _("X-ray")
    MRI = "mri", _("MRI")
    CT = "ct", "CT"
