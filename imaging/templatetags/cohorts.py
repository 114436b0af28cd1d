"""What the page of a cohort looks up."""

from __future__ import annotations

from django import template

from imaging.models import CohortImage, Modality, Result
from imaging.selectors_cohorts import year_of

register = template.Library()


@register.filter
def of_image(results: dict, one: CohortImage) -> list[Result]:
    """Return the results of a row's image."""
    return results.get(one.image_id, [])


@register.filter
def year_told(one: CohortImage, told: set[tuple[str, str]]) -> str:
    """Return the year of a row, or a dash where too few share it."""
    return year_of(one, told) or "—"


@register.filter
def choice_words(choice: dict[str, str]) -> list[str]:
    """Return the words of the filter that a cohort was made by; a department is an id alone."""
    told = {key: value for key, value in choice.items() if key != "department"}
    if "modality" in told:
        told["modality"] = str(Modality(told["modality"]).label)
    return list(told.values())
