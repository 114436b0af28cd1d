"""How a study stands, kept beside it so that ten thousand of them sort and count by an index."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class Work(models.TextChoices):
    """What the newest jobs of a study's images say, the one that needs somebody first."""

    NEW = "new", gettext_lazy("Not analysed")
    LIVE = "live", gettext_lazy("In progress")
    FAILED = "failed", gettext_lazy("Failed")
    CANCELLED = "cancelled", gettext_lazy("Cancelled")
    DONE = "done", gettext_lazy("Analysed")


class Reading(models.TextChoices):
    """Whether somebody has read what there is."""

    NOTHING = "", gettext_lazy("Nothing to read")
    UNREAD = "unread", gettext_lazy("Needs review")
    DRAFT = "draft", gettext_lazy("To sign")
    SIGNED = "signed", gettext_lazy("Signed")


class Standing(models.Model):
    """Derived columns: only imaging.services.standings writes them, from jobs, results, reviews.

    answer      the result that decides: the worst unread one; where all are read, the worst read.
    review      the version that counts of the decision on `answer`.
    job         the job that decides `work`.
    urgency     the lower the sooner: unread by severity and disagreement, then what failed, the
                drafts, what has no result, the signed.
    place       the order of "by status".
    assessed    how many images have a severity word, and how many were analysed without one.
    """

    work = models.CharField(max_length=12, choices=Work, default=Work.NEW, editable=False)
    reading = models.CharField(
        max_length=8, choices=Reading, default=Reading.NOTHING, blank=True, editable=False
    )
    answer = models.ForeignKey(
        "imaging.Result", models.SET_NULL, null=True, related_name="+", editable=False
    )
    review = models.ForeignKey(
        "imaging.Review", models.SET_NULL, null=True, related_name="+", editable=False
    )
    job = models.ForeignKey(
        "imaging.Job", models.SET_NULL, null=True, related_name="+", editable=False
    )
    ensemble = models.ForeignKey(
        "imaging.Ensemble", models.SET_NULL, null=True, related_name="+", editable=False
    )
    severity = models.CharField(max_length=16, blank=True, default="", editable=False)
    disagree = models.BooleanField(default=False, editable=False)
    signed_at = models.DateTimeField(null=True, editable=False)
    urgency = models.PositiveSmallIntegerField(default=40, editable=False)
    place = models.PositiveSmallIntegerField(default=4, editable=False)
    assessed = models.PositiveIntegerField(default=0, editable=False)
    not_assessed = models.PositiveIntegerField(default=0, editable=False)
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+",
        editable=False,
    )  # fmt: skip

    class Meta:
        abstract = True
