"""The vault's two tables: wrapped keys, encrypted files."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class VaultKey(models.Model):
    """One random key, wrapped under its parent: KEK → purpose, organisation → patient.

    An "index" key is an organisation's blind index key, kept as it was when its key was rotated.
    The row's id is the key id (kid) that stands in everything sealed under it.
    A destroyed key keeps its row, without its bytes: what it sealed stays sealed.
    """

    class Kind(models.TextChoices):
        PURPOSE = "purpose"
        ORGANISATION = "organisation"
        PATIENT = "patient"
        INDEX = "index"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=Kind, editable=False)
    purpose = models.CharField(max_length=32, blank=True, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    patient_id = models.UUIDField(null=True, blank=True, editable=False)
    wrapped = models.BinaryField(null=True)
    wrapped_by = models.CharField(
        max_length=32, editable=False, help_text="Fingerprint of the KEK, or the parent's id."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Opens, seals no more.")
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "accounts"
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(kind="purpose", organisation=None, patient_id=None) & ~Q(purpose="")
                    | Q(kind__in=["organisation", "index"], purpose="", organisation__isnull=False)
                    & Q(patient_id=None)
                    | Q(kind="patient", purpose="", organisation__isnull=False)
                    & Q(patient_id__isnull=False)
                ),
                name="vault_key_scope",
            ),
            models.CheckConstraint(
                condition=Q(wrapped=None, destroyed_at__isnull=False)
                | Q(wrapped__isnull=False, destroyed_at=None),
                name="vault_key_destroyed_iff_empty",
            ),
            models.UniqueConstraint(
                fields=["purpose"],
                condition=Q(kind="purpose", retired_at=None),
                name="vault_key_one_per_purpose",
            ),
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(kind="organisation", retired_at=None),
                name="vault_key_one_per_organisation",
            ),
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(kind="index"),
                name="vault_key_one_index",
            ),
            models.UniqueConstraint(
                fields=["organisation", "patient_id"],
                condition=Q(kind="patient", retired_at=None),
                name="vault_key_one_per_patient",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} key {self.pk}"


class Blob(models.Model):
    """One encrypted file; `size` and `sha256` are those of the plain content."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    patient_id = models.UUIDField(null=True, blank=True, db_index=True, editable=False)
    kind = models.CharField(max_length=32, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "accounts"
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(version__gte=1), name="blob_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} blob {self.pk}"
