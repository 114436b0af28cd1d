"""What stands in the film beside a picture: the study's other images, and the newest prior."""

from __future__ import annotations

from imaging.models import Result
from imaging.selectors import results_visible_to

MOST_READ, MOST_SHOWN = 60, 12


def film(result: Result, user) -> dict:
    """Return the latest result of each other image of the study, and of the study before it."""
    study = result.image.study
    found = (
        results_visible_to(user)
        .filter(patient=result.patient_id)
        .exclude(image=result.image_id)
        .order_by("-image__study__created_at", "-created_at")[:MOST_READ]
    )
    latest: dict = {}
    for one in found:
        latest.setdefault(one.image_id, one)
    here = [one for one in latest.values() if one.image.study_id == study.pk]
    before = [one for one in latest.values() if one.image.study.created_at < study.created_at]
    return {"images": here[:MOST_SHOWN], "prior": next(iter(before), None)}
