"""Patients, their studies, series and images."""

from __future__ import annotations

import json
import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.vault.fields import SealedTextField
from imaging.models.base import Clinical, Modality, blob_key, department_key
from imaging.models.sending import SourceFile
from imaging.models.standings import Standing


class Patient(Clinical):
    """A person of one organisation; identity is sealed, the record number found by blind index."""

    name = SealedTextField(blank=True, default="")
    record_number = SealedTextField(blank=True, default="")
    birth_date = SealedTextField(blank=True, default="")
    sex = SealedTextField(blank=True, default="")
    mrn_index = models.CharField(max_length=32, null=True, blank=True, editable=False)  # noqa: DJ001
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="one more with each correction of the identity"
    )

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [
            models.UniqueConstraint(fields=["organisation", "mrn_index"], name="patient_mrn_once")
        ]

    def __str__(self) -> str:
        return f"Patient {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:patient-detail", args=[self.pk])

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.pk


class OfPatient(Clinical):
    """A row whose sealed fields fall under its patient's key."""

    class Meta:
        abstract = True

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.patient_id


class Study(OfPatient, Standing):
    """A DICOM study: the images of one visit of one patient. A PNG has one of its own."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="studies")
    department = department_key()
    study_instance_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=8, choices=Modality)
    title = SealedTextField(blank=True, default="")
    accession_number = SealedTextField(blank=True, default="")
    accession_index = models.CharField(max_length=32, blank=True, editable=False)
    studied_at = SealedTextField(blank=True, default="")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="studies"
    )
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="nobody sees it; it may still be restored"
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name = _("study")
        verbose_name_plural = _("studies")
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "study_instance_uid"], name="study_uid_once"
            )
        ]
        indexes = [
            models.Index(fields=["organisation", "-created_at", "-id"]),
            models.Index(fields=["organisation", "modality", "-created_at", "-id"]),
            models.Index(fields=["organisation", "urgency", "created_at", "id"]),
            models.Index(fields=["organisation", "place", "-created_at", "-id"]),
            models.Index(fields=["organisation", "accession_index"]),
        ]

    def __str__(self) -> str:
        return f"Study {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:study-detail", args=[self.pk])


class Series(OfPatient):
    """A DICOM series."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, models.CASCADE, related_name="series")
    series_instance_uid = models.CharField(max_length=64)
    description = SealedTextField(blank=True, default="")

    class Meta:
        ordering = ["created_at"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_uid_once")
        ]

    def __str__(self) -> str:
        return f"Series {self.pk}"


class Image(OfPatient):
    """One analysable picture on one grid: a radiograph (1, Y, X) or a whole volume (Z, Y, X).

    DICOM calls it an Instance; PNG and NIfTI share the row, and so does a
    volume whose slices came as one file each: `files` names them all, `source`
    is the first of them. `facts` holds the Volume's numbers without its pixels
    (slope, intercept, spacing_mm, spacing_kind, unit, bits, raster, affine,
    padding, window as [center, width], missing = indices of slices that were
    not sent, low, high = P1 and P99 in real values, minimum, maximum) and no
    identity.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, models.CASCADE, related_name="images")
    series = models.ForeignKey(Series, models.CASCADE, related_name="images")
    source = models.ForeignKey(SourceFile, models.PROTECT, related_name="images")
    sop_instance_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=8, choices=Modality)
    dicom_modality = models.CharField(max_length=16, blank=True)
    depth = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    dtype = models.CharField(max_length=8)
    facts = models.JSONField(default=dict)
    header = SealedTextField(blank=True, default="", help_text="JSON of the file's header")
    warnings = models.JSONField(default=list)
    pixels = blob_key()
    thumbnail = blob_key()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "sop_instance_uid"], name="image_uid_once")
        ]

    def __str__(self) -> str:
        return f"Image {self.pk}"

    @property
    def kind(self) -> str:
        """The one word for what it is: MRI, CT, X-ray, and DICOM's beside it where it is finer."""
        word = str(self.get_modality_display())
        finer = self.modality == Modality.XRAY and self.dicom_modality
        return f"{word} ({finer})" if finer else word

    @property
    def body_part(self) -> str:
        """What the file says it shows (0018,0015), in capitals; "" where it does not say."""
        return str(json.loads(self.header or "{}").get("body_part", "")).strip().upper()

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.depth, self.height, self.width)


class ImageFile(models.Model):
    """One original file of an image, in the order of its slices.

    A file of several stacks stands under each of their images.
    """

    image = models.ForeignKey(Image, models.CASCADE, related_name="files")
    source = models.ForeignKey(SourceFile, models.PROTECT, related_name="image_files")
    position = models.PositiveIntegerField()
    sop_instance_uid = models.CharField(max_length=64, db_index=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["image", "position"], name="image_file_position")
        ]

    def __str__(self) -> str:
        return f"File {self.position} of image {self.image_id}"
