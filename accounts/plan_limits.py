"""A refusal because the plan is used up says what still works, and where the plan can be read."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

PLAN_LIMIT = "plan-limit"  # the code of such a refusal


def is_plan_limit(error: ValidationError) -> bool:
    """Say whether the plan is what refuses."""
    return any(one.code == PLAN_LIMIT for one in error.error_list)


def refusal_told(error: ValidationError) -> str:
    """Return the sentences of a refusal; one of the plan leads to the plan's page."""
    said = " ".join(error.messages)
    if not is_plan_limit(error):
        return said
    return format_html(
        '{} {} <a href="{}">{}</a>', said, still_works(), reverse("analytics:plans"),
        _("The plan and its limits"),
    )  # fmt: skip


def still_works() -> str:
    """Say what a plan that is used up leaves as it is."""
    return _("What is here stays open: results, reviews, reports and exports.")
