"""Cohorts: pictures that researchers may use without knowing whose they are."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy

from accounts.vault.fields import blind_index


class Cohort(models.Model):
    """A named set of images of one organisation, for some researchers, until a day, for a purpose.

    `choice` is the filter as it was when the rows were made; what came later is not in it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey("accounts.Organisation", models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    purpose = models.CharField(max_length=500)
    choice = models.JSONField(default=dict)
    until = models.DateField(help_text="the last day on which it is open")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="cohort_name_once"),
            models.CheckConstraint(condition=~Q(purpose=""), name="cohort_says_its_purpose"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.closed_at is None and self.until >= localdate()

    def pseudonym(self, kind: str, pk: uuid.UUID) -> str:
        """Return what stands here for a study or a patient: a keyed hash, another per cohort."""
        return self.secret(kind, pk)[:10].upper()

    def secret(self, kind: str, pk: uuid.UUID) -> str:
        """Return 32 hexadecimal digits that only the house's key gives, another per cohort."""
        return blind_index(self.organisation_id, f"cohort:{self.pk}:{kind}", str(pk))


class CohortReader(models.Model):
    """A researcher to whom the cohort was given."""

    cohort = models.ForeignKey(Cohort, models.CASCADE, related_name="readers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "user"], name="cohort_reader_once")
        ]

    def __str__(self) -> str:
        return f"Reader {self.pk} of {self.cohort_id}"


class Hold(models.TextChoices):
    """Why a picture is held back until a person has looked for text in it."""

    NONE = "", gettext_lazy("Nothing")
    BURNED_IN = "burned-in", gettext_lazy("The file says that text is burned into the picture")
    CAPTURE = "capture", gettext_lazy("A screenshot, ultrasound or other picture that carries text")
    PICTURE = "picture", gettext_lazy("A PNG, JPEG or TIFF: nobody knows how it was made")


class HoldState(models.TextChoices):
    FREE = "free", gettext_lazy("In the cohort")
    HELD = "held", gettext_lazy("Held back")
    CLEARED = "cleared", gettext_lazy("Reviewed, no text")
    REFUSED = "refused", gettext_lazy("Left out: text in the picture")


SHOWN = (HoldState.FREE, HoldState.CLEARED)
_DECIDED = (HoldState.CLEARED, HoldState.REFUSED)


class CohortImage(models.Model):
    """One image of a cohort; its own id is all that a researcher is told of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cohort = models.ForeignKey(Cohort, models.CASCADE, related_name="images")
    image = models.ForeignKey("imaging.Image", models.CASCADE, related_name="+")
    position = models.PositiveIntegerField()
    year = models.CharField(max_length=4, blank=True, help_text="of the study, as its file says")
    hold = models.CharField(max_length=12, choices=Hold, blank=True)
    state = models.CharField(max_length=8, choices=HoldState, default=HoldState.HELD)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "image"], name="cohort_image_once"),
            models.UniqueConstraint(fields=["cohort", "position"], name="cohort_image_position"),
            models.CheckConstraint(
                condition=Q(state=HoldState.FREE, hold="") | ~Q(state=HoldState.FREE) & ~Q(hold=""),
                name="cohort_image_free_iff_no_hold",
            ),
            models.CheckConstraint(
                condition=Q(state__in=_DECIDED, decided_by__isnull=False, decided_at__isnull=False)
                | ~Q(state__in=_DECIDED) & Q(decided_by=None, decided_at=None),
                name="cohort_image_decided_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Image {self.position} of {self.cohort_id}"

    @property
    def organisation(self):
        """For the trail, which asks each row whose it is."""
        return self.cohort.organisation

    @property
    def vault_patient_id(self) -> uuid.UUID:
        """For the trail, where an auditor asks who saw a patient."""
        return self.image.patient_id

    @property
    def study_name(self) -> str:
        return self.cohort.pseudonym("study", self.image.study_id)

    @property
    def patient_name(self) -> str:
        return self.cohort.pseudonym("patient", self.image.patient_id)
