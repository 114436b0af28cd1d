"""What the page of a cohort looks up."""

from __future__ import annotations

from django import template

from imaging.models import CohortImage, Result

register = template.Library()


@register.filter
def of_image(results: dict, one: CohortImage) -> list[Result]:
    """Return the results of a row's image."""
    return results.get(one.image_id, [])
