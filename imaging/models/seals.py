"""What a result was when it was stored, as keyed digests: an edit past the code shows."""

from __future__ import annotations

from django.db import models


class ResultSeal(models.Model):
    """One per result; `parts` holds a digest for each of its fields and rows, `mac` binds them."""

    result = models.OneToOneField(
        "imaging.Result", models.CASCADE, primary_key=True, related_name="seal"
    )
    kid = models.UUIDField(editable=False)
    parts = models.JSONField(editable=False)
    mac = models.CharField(max_length=64, editable=False)

    def __str__(self) -> str:
        return f"Seal of {self.result_id}"
