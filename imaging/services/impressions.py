"""A reader writes down what they see before they are sent what the models say."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.access import refusal
from accounts.models import User
from imaging.models import Image, Impression
from imaging.selectors import images_visible_to
from imaging.services.refusals import NotPossible

LONGEST = 4000


@transaction.atomic
def impression_save(*, by: User, image: Image, text: str) -> Impression:
    """Keep the first words of `by` on the image; a second time the first ones stay.

    Raises: PermissionDenied; NotPossible, in words.
    """
    if not images_visible_to(by, "review.save").filter(pk=image.pk).exists():
        raise PermissionDenied(refusal("review.save"))
    if not text.strip():
        raise NotPossible(_("Write down what you see, if only that you see nothing."))
    impression, is_new = Impression.objects.get_or_create(
        image=image,
        author=by,
        defaults={
            "organisation_id": image.organisation_id,
            "patient_id": image.patient_id,
            "text": text.strip()[:LONGEST],
        },
    )
    if is_new:
        audit.record(by, "impression.save", impression)
    return impression
