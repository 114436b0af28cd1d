"""What an analysis says in the `params` of an answer: the names that MONAI Label's writers use."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from imaging.models import Result
from imaging.monai_label.files import label_names
from imaging.monai_label.offers import Offer


def told_of(result: Result, offer: Offer) -> dict[str, Any]:
    """Return labels, classes and boxes with what they were made by; `result` leads to the rest."""
    told: dict[str, Any] = {
        "model": offer.name,
        "result": str(result.pk),
        "run": str(result.job.run_id),
        "image": str(result.image_id),
        "type": result.type,
        "said": result.said,
        "notice": settings.RESEARCH_NOTICE,
    }
    if result.is_measured:
        told |= {"label_names": label_names(result), "threshold": result.threshold}
    if result.type == "classification":
        told["prediction"] = [
            {"idx": one.position, "label": one.label, "score": one.p}
            for one in result.classes.all()
        ]
    if result.type == "detection":
        told["boxes"] = [
            {
                "label": one.label,
                "score": one.score,
                "plane": one.plane,
                "box": [one.x0, one.y0, one.x1, one.y1],
            }
            for one in result.boxes.all()
        ]
    return told
