"""What DICOMweb can hand out: a row for each file that came as DICOM, or was made of a result."""

from __future__ import annotations

from django.db import models

from accounts.vault.fields import SealedTextField
from imaging.models.base import blob_key
from imaging.models.patients import OfPatient, Patient, Series, Study
from imaging.models.sending import SourceFile


class ResultObjects(OfPatient):
    """That SEG and SR of a result were made in one version of its verdict, or why they were not.

    version  of the signed decision that they say; 0: of none, as the models left it.
    problem  a code; blank: they are instances of the study. Later ones replace them there.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    result = models.ForeignKey("imaging.Result", models.CASCADE, related_name="objects_made")
    version = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name_plural = "result objects"
        constraints = [
            models.UniqueConstraint(fields=["result", "version"], name="result_objects_once")
        ]

    def __str__(self) -> str:
        return f"Objects of result {self.result_id}, version {self.version}"


class Instance(OfPatient):
    """A DICOM instance: what its header says, and where its frames lie in the original.

    made_of     the result that it was made of, its file in `blob`; none: it came, as `source`.

    attributes  DICOM JSON (PS3.18 F.2) without pixels, as the decoding child read it.
    layout      where each frame lies and what its values are: imaging.formats.dicom.instance.
    native      its frames unpacked, once somebody asked for them and the original is compressed.
    problem     why it is not handed out, a code; blank: it is. Such a row says no more.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, models.CASCADE, related_name="instances")
    series = models.ForeignKey(Series, models.CASCADE, related_name="instances")
    source = models.OneToOneField(
        SourceFile, models.CASCADE, null=True, blank=True, related_name="instance"
    )
    made_of = models.ForeignKey(
        ResultObjects, models.CASCADE, null=True, blank=True, related_name="instances"
    )
    blob = blob_key(null=True, blank=True)
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
            ),
            models.CheckConstraint(
                condition=models.Q(source__isnull=False, made_of=None, blob=None)
                | models.Q(source=None, made_of__isnull=False, blob__isnull=False),
                name="instance_came_or_was_made",
            ),
        ]

    def __str__(self) -> str:
        return f"Instance {self.pk}"

    @property
    def file(self):
        """The blob of the whole file."""
        return self.blob if self.source is None else self.source.blob
