"""The strength meter beside a field for a new password."""

from __future__ import annotations

from django import template

from accounts.passwords.words import LEVELS, REASONS

register = template.Library()


@register.inclusion_tag("components/strength.html")
def strength(field) -> dict[str, object]:
    """Show how well the password in `field` withstands guessing; hidden without JavaScript."""
    return meter(field.id_for_label, getattr(field.form, "user", None))


def meter(target: str, user=None) -> dict[str, object]:
    """Return what components/strength.html shows for the field with the id `target`."""
    return {
        "target": target,
        "about": [user.name, user.email] if user is not None else [],
        "levels": LEVELS,
        "reasons": REASONS,
    }


@register.filter
def is_new_password(field) -> bool:
    """Say whether `field` is the first of those that take a new password."""
    return field.name == "password1" and field.widget_type == "password"
