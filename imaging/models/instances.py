"""What DICOMweb can hand out: one row for each file that came as DICOM."""

from __future__ import annotations

from django.db import models

from accounts.vault.fields import SealedTextField
from imaging.models.base import blob_key
from imaging.models.patients import OfPatient, Patient, Series, Study
from imaging.models.sending import SourceFile


class Instance(OfPatient):
    """A DICOM instance: what its header says, and where its frames lie in the original.

    attributes  DICOM JSON (PS3.18 F.2) without pixels, as the decoding child read it.
    layout      where each frame lies and what its values are: imaging.formats.dicom.instance.
    native      its frames unpacked, once somebody asked for them and the original is compressed.
    problem     why it is not handed out, a code; blank: it is. Such a row says no more.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, models.CASCADE, related_name="instances")
    series = models.ForeignKey(Series, models.CASCADE, related_name="instances")
    source = models.OneToOneField(SourceFile, models.CASCADE, related_name="instance")
    sop_instance_uid = models.CharField(max_length=64, blank=True)
    sop_class_uid = models.CharField(max_length=64, blank=True)
    modality = models.CharField(max_length=16, blank=True)
    number = models.IntegerField(null=True, blank=True)
    attributes = SealedTextField(blank=True, default="")
    layout = models.JSONField(default=dict)
    native = blob_key(null=True, blank=True)
    problem = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["number", "sop_instance_uid"]
        indexes = [models.Index(fields=["study", "sop_instance_uid"])]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(problem="", sop_instance_uid=""), name="instance_named"
            )
        ]

    def __str__(self) -> str:
        return f"Instance {self.pk}"
