"""What a classification or a detection says: one row per class, one row per box."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import F, Q

from imaging.measures.numbers import half_up


class ClassVerdict(models.TextChoices):
    """Of labels that exclude each other the largest is positive, or uncertain when it is small."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNCERTAIN = "uncertain"


class Answer(models.Model):
    """One line of a result, in the order in which it is shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    position = models.PositiveIntegerField()
    label = models.CharField(max_length=200)
    n = models.PositiveSmallIntegerField(help_text="how many members answered")
    members = models.JSONField(default=dict, help_text="probability or score by model")

    class Meta:
        abstract = True


class ResultClass(Answer):
    """What the ensemble says of one label, and by which threshold (MEASURES §10)."""

    result = models.ForeignKey("imaging.Result", models.CASCADE, related_name="classes")
    p = models.FloatField()
    spread = models.FloatField(null=True, help_text="SD over the members; null for one")
    threshold = models.FloatField()
    origin = models.CharField(max_length=32, help_text="whose threshold it is")
    validated = models.BooleanField()
    verdict = models.CharField(max_length=16, choices=ClassVerdict)
    is_finding = models.BooleanField(default=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["result", "position"], name="result_class_position"),
            models.UniqueConstraint(fields=["result", "label"], name="result_class_label_once"),
            models.CheckConstraint(condition=Q(p__gte=0) & Q(p__lte=1), name="result_class_p"),
        ]

    def __str__(self) -> str:
        return f"{self.label} {half_up(self.p)}"


class ResultBox(Answer):
    """One box in pixels of the image, half-open, with its score (MEASURES §11)."""

    result = models.ForeignKey("imaging.Result", models.CASCADE, related_name="boxes")
    score = models.FloatField()
    x0 = models.FloatField()
    y0 = models.FloatField()
    x1 = models.FloatField()
    y1 = models.FloatField()
    plane = models.PositiveIntegerField(default=0, help_text="slice of the image, from 0")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["result", "position"], name="result_box_position"),
            models.CheckConstraint(
                condition=Q(score__gte=0) & Q(score__lte=1), name="result_box_score"
            ),
            models.CheckConstraint(
                condition=Q(x0__gte=0, y0__gte=0, x1__gt=F("x0"), y1__gt=F("y0")),
                name="result_box_holds_something",
            ),
        ]

    def __str__(self) -> str:
        return f"B{self.position} of {self.result_id}"

    @property
    def name(self) -> str:
        return f"B{self.position}"

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0
