"""What arrived of a large file so far: pieces of it, each encrypted, until all are here."""

from __future__ import annotations

import uuid

from django.db import models


class UploadPart(models.Model):
    """One piece of a file that is being sent; it goes when the file is whole, or given up."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    item = models.ForeignKey("UploadItem", models.CASCADE, related_name="parts", editable=False)
    offset = models.PositiveBigIntegerField(editable=False)
    blob = models.ForeignKey("accounts.Blob", models.PROTECT, related_name="+", editable=False)

    class Meta:
        ordering = ["offset"]
        constraints = [
            models.UniqueConstraint(fields=["item", "offset"], name="upload_part_offset")
        ]

    def __str__(self) -> str:
        return f"Part of {self.item_id} from {self.offset}"
