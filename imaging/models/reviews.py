"""A person's verdict on a result: each saving is a row of its own, and a signed one is closed."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.vault.fields import SealedTextField


class Decision(models.TextChoices):
    """What a reader says of a result; none is ever chosen beforehand."""

    ACCEPTED = "accepted", gettext_lazy("Accepted")
    EDITED = "edited", gettext_lazy("Edited")
    REJECTED = "rejected", gettext_lazy("Rejected")


class RejectReason(models.TextChoices):
    """Why a result is rejected, coded so that it can be counted."""

    WRONG = "wrong region", gettext_lazy("Something is marked that should not be")
    MISSED = "missed region", gettext_lazy("Something is not marked that should be")
    PICTURE = "picture", gettext_lazy("The picture is not fit: position, quality, artefact")
    MODEL = "wrong model", gettext_lazy("These models are not made for this picture")
    OTHER = "other", gettext_lazy("Another reason, given in the comment")


class Meaning(models.TextChoices):
    """What a signature stands for; shown and printed beside the name."""

    AUTHORED = "authored", gettext_lazy("Authored: these are my own findings")
    REVIEWED = "reviewed", gettext_lazy("Reviewed: I have checked the findings")
    APPROVED = "approved", gettext_lazy("Approved: I stand for the report")


class Review(models.Model):
    """One version of the verdict on one result; the highest number is the one that counts.

    An edit is another cut, a mask (painted or sent) or the result without some lesions, one alone:
    threshold, level  where the reader set the cut, one of the result's table.
    mask              what the reader painted, uint8 0 or 1 (Z, Y, X) on the image's grid.
    sent, sent_name   the file of a mask that was drawn elsewhere; the engine makes `mask` of it.
    removed           the positions of the result's lesions that the reader took away; what is left
                      of the mask is written when it is measured.
    row, lesions      what is measured there, as in the result's table; of a mask null until the
                      engine has measured it, or `problem` says why it could not.
    dice              of an edit: how far it and the result's map, cut at the saved threshold, are
                      the same pixels, 0 to 1; null where both are empty or it is not known.
    amendment         why a signed version was followed by this one; blank otherwise.
    digest, kid, mac  the signature over the content (imaging.services.signing); blank: unsigned.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    patient = models.ForeignKey("imaging.Patient", models.PROTECT, related_name="+")
    result = models.ForeignKey("imaging.Result", models.PROTECT, related_name="reviews")
    number = models.PositiveSmallIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reviews")
    created_at = models.DateTimeField(auto_now_add=True)
    decision = models.CharField(max_length=16, choices=Decision)
    reason = models.CharField(max_length=16, choices=RejectReason, blank=True)
    comment = SealedTextField(blank=True)
    amendment = SealedTextField(blank=True)
    threshold = models.FloatField(null=True)
    level = models.PositiveSmallIntegerField(null=True)
    mask = models.ForeignKey(
        "accounts.Blob", models.PROTECT, related_name="+", null=True, editable=False
    )
    sent = models.ForeignKey(
        "accounts.Blob", models.PROTECT, related_name="+", null=True, editable=False
    )
    sent_name = SealedTextField(blank=True, default="")
    removed = models.JSONField(default=list)
    row = models.JSONField(null=True)
    lesions = models.JSONField(default=list)
    dice = models.FloatField(null=True, editable=False)
    problem = models.CharField(max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, editable=False)
    rung_at = models.DateTimeField(null=True, editable=False)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    signed_at = models.DateTimeField(null=True)
    meaning = models.CharField(max_length=16, choices=Meaning, blank=True)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    kid = models.UUIDField(null=True, editable=False)
    mac = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["result", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["result", "number"], name="review_number_once"),
            models.CheckConstraint(
                condition=Q(decision="rejected", reason__gt="")
                | Q(~Q(decision="rejected"), reason=""),
                name="review_reason_iff_rejected",
            ),
            models.CheckConstraint(
                condition=~Q(decision="edited")
                & Q(
                    threshold=None, level=None, mask=None, row__isnull=True, removed=[], sent=None
                )
                | Q(
                    decision="edited", threshold__isnull=False, level__isnull=False,
                    row__isnull=False, mask=None, removed=[], sent=None,
                )
                | Q(decision="edited", threshold=None, level=None, mask__isnull=False)
                | Q(decision="edited", threshold=None, level=None, sent__isnull=False)
                | Q(decision="edited", threshold=None, level=None) & ~Q(removed=[]),
                name="review_cut_or_mask_iff_edited",
            ),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, meaning="", mac="")
                | Q(
                    signed_at__isnull=False, signed_by__isnull=False, meaning__gt="", mac__gt=""
                ),
                name="review_signed_whole",
            ),
            models.CheckConstraint(
                condition=Q(dice=None) | Q(decision="edited", dice__gte=0, dice__lte=1),
                name="review_dice_of_edits",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"Version {self.number} of the review of {self.result_id}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:result-detail", args=[self.result_id]) + "#decision"

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.patient_id

    @property
    def has_mask(self) -> bool:
        """Say whether the edit is a mask of its own: painted, sent or left over, not a cut."""
        return self.mask_id is not None or self.sent_id is not None or bool(self.removed)

    @property
    def is_waiting(self) -> bool:
        """Say whether its mask is still to be measured."""
        return self.has_mask and self.row is None and not self.problem

    @property
    def left_out(self) -> str:
        """The lesions that were removed, as they are called: L2, L5."""
        return ", ".join(f"L{number}" for number in self.removed)

    @property
    def is_signed(self) -> bool:
        return self.signed_at is not None
