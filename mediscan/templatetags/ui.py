"""The site's own template tags: icons, chips, numbers, and where in the site a page stands."""

from __future__ import annotations

import math

from django import template
from django.conf import settings
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, gettext_lazy, gettext_noop

from accounts.plan_limits import is_plan_limit
from imaging.measures.numbers import half_up
from imaging.models import Modality
from imaging.sayings import said
from imaging.scope import glasses_open
from mediscan.navigation import links_for
from mediscan.shortcuts import SHORTCUTS
from mediscan.templatetags.icons import LINES, SHAPES
from mediscan.unwell import unwell

register = template.Library()
register.filter("said", said)

gettext_noop("Research use only. Not for diagnostic use")  # the setting's own words
NONE = "—"
DIRECTIONS = {"left", "right", "logout"}  # mirrored where one reads from the right
TITLES = {"dr", "prof", "mr", "mrs", "ms"}

SEVERITIES = {  # word -> (css class, icon, label)
    "low": ("low", "low", gettext_lazy("Low")),
    "moderate": ("mod", "moderate", gettext_lazy("Moderate")),
    "high": ("high", "high", gettext_lazy("High")),
    "no finding": ("", "minus", gettext_lazy("No finding")),
    "not assessed": ("", "info", gettext_lazy("Not assessed")),
}
STATUSES = {  # of an upload, a file, a run, a job, an export
    "coming": ("", "upload", gettext_lazy("Coming")),
    "waiting": ("", "clock", gettext_lazy("Waiting")),
    "received": ("", "clock", gettext_lazy("Received")),
    "checking": ("info", "search", gettext_lazy("Checking")),
    "accepted": ("low", "check", gettext_lazy("Accepted")),
    "listed": ("info", "list", gettext_lazy("List of files")),
    "duplicate": ("info", "layers", gettext_lazy("Already here")),
    "ready": ("low", "check", gettext_lazy("Ready")),
    "refused": ("high", "close", gettext_lazy("Refused")),
    "queued": ("", "clock", gettext_lazy("Queued")),
    "running": ("info", "play", gettext_lazy("Running")),
    "succeeded": ("low", "check", gettext_lazy("Succeeded")),
    "failed": ("high", "warning", gettext_lazy("Failed")),
    "cancelled": ("", "close", gettext_lazy("Cancelled")),
    "revoked": ("", "close", gettext_lazy("Revoked")),
    "expired": ("", "clock", gettext_lazy("Expired")),
    "superseded": ("mod", "layers", gettext_lazy("Superseded")),
    "deleted": ("", "trash", gettext_lazy("Deleted")),
    "withdrawn": ("", "close", gettext_lazy("Withdrawn")),
    "restored": ("low", "retry", gettext_lazy("Restored")),
    "erased": ("", "trash", gettext_lazy("Erased")),
    "destroyed": ("", "close", gettext_lazy("Destroyed")),
    "purged": ("", "trash", gettext_lazy("Removed for good")),
    "unread": ("info", "eye", gettext_lazy("Needs review")),
    "edited": ("", "edit", gettext_lazy("Edited")),
    "rejected": ("", "close", gettext_lazy("Rejected")),
    "draft": ("", "edit", gettext_lazy("Draft")),
    "checked": ("info", "check", gettext_lazy("Checked")),
    "delivered": ("low", "check", gettext_lazy("Delivered")),
    "given_up": ("high", "warning", gettext_lazy("Given up")),
    "off": ("mod", "minus", gettext_lazy("Off")),
    "active": ("low", "check", gettext_lazy("Active")),
    "quarantined": ("mod", "warning", gettext_lazy("Quarantined")),
    "retired": ("", "minus", gettext_lazy("Retired")),
    "proposed": ("info", "clock", gettext_lazy("Proposed")),
    "approved": ("low", "check", gettext_lazy("Approved")),
    "declined": ("high", "close", gettext_lazy("Declined")),
    "replaced": ("", "layers", gettext_lazy("Replaced")),
}
FINDINGS = {  # of a part of the house
    "ok": ("low", "check", gettext_lazy("Well")),
    "warn": ("mod", "warning", gettext_lazy("Look at it")),
    "fail": ("high", "close", gettext_lazy("Fails")),
}
OUTCOMES = {  # of an act in the trail
    "ok": ("low", "check", gettext_lazy("Done")),
    "refused": ("mod", "lock", gettext_lazy("Refused")),
    "failed": ("high", "warning", gettext_lazy("Failed")),
    "whole": ("low", "check", gettext_lazy("Whole")),
    "damaged": ("high", "warning", gettext_lazy("Damaged")),
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """Draw one icon as inline SVG; a name that is not drawn yet raises KeyError."""
    if name in SHAPES:
        return format_html(
            '<svg class="i f" viewBox="0 0 14 14" aria-hidden="true"><path d="{}"/></svg>',
            SHAPES[name],
        )
    return format_html(
        '<svg class="{}" viewBox="0 0 20 20" aria-hidden="true"><path d="{}"/></svg>',
        "i dirflip" if name in DIRECTIONS else "i",
        LINES[name],
    )


@register.simple_tag
def offered_languages() -> list[tuple[str, str]]:
    """Return each language, named in its own words: Django's own tag translates the names."""
    return settings.LANGUAGES


@register.simple_tag(takes_context=True)
def research_notice(context: template.Context) -> SafeString | str:
    """Say the notice in English always, and beside it in the page's language."""
    said = context.get("research_notice", "")
    here = gettext(said) if said else said
    if here == said:
        return said
    pair = '<span lang="en">{}</span> · <span lang="{}">{}</span>'
    return format_html(pair, said, get_language(), here)


@register.simple_tag
def severity_chip(word: str | None) -> SafeString:
    """Say a severity by word, shape and colour; no word is "not assessed"."""
    return _chip(SEVERITIES[(word or "not assessed").lower()])


@register.simple_tag
def status_chip(status: str) -> SafeString:
    """Say the state of work; a state without a look of its own is shown by its word."""
    plain = ("", "info", str(status).replace("_", " ").capitalize())
    return _chip(STATUSES.get(str(status).lower(), plain))


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> list:
    """Return the links that this person may use, the current one marked."""
    return links_for(context["request"])


@register.simple_tag
def shortcut_words() -> dict[str, str]:
    """Return how the list of keys says what each does, by what the scripts call it."""
    return {name: str(words).replace("%%", "%") for name, words in SHORTCUTS.items()}


@register.simple_tag(takes_context=True)
def emergencies(context: template.Context) -> list:
    """Return this person's open emergency accesses, for the banner of every page."""
    request = context.get("request")
    user = getattr(request, "user", None)
    return glasses_open(user) if user is not None else []


@register.simple_tag
def house_unwell() -> list:
    """Return what is wrong with the house, in sentences for everybody."""
    return unwell()


@register.simple_tag
def finding_chip(state: str) -> SafeString:
    """Say how a part of the house is, by word, shape and colour."""
    return _chip(FINDINGS[state])


@register.simple_tag(takes_context=True)
def unread_notices(context: template.Context) -> int:
    """Count what this person was told and has not read."""
    user = context["request"].user
    return user.notices.filter(read_at=None).count() if user.is_authenticated else 0


@register.filter
def over_plan(form) -> bool:
    """Say whether the plan is what a form was refused by."""
    found = form.errors.as_data().values() if form else ()
    return any(is_plan_limit(error) for errors in found for error in errors)


@register.filter
def outcome_chip(outcome: str) -> SafeString:
    """Say how an act of the trail ended, by word, shape and colour."""
    return _chip(OUTCOMES.get(outcome, ("", "info", outcome)))


@register.filter
def number(value: float | None, digits: int = 2) -> str:
    """Write a number in the reader's locale; — where there is none."""
    if value is None or value == "" or not math.isfinite(value):
        return NONE
    return _written(value, digits)


@register.filter
def signed(value: float | None, digits: int = 2) -> str:
    """Write a difference with its sign; nothing before a nought; — where there is none."""
    if value is not None and round(value, digits) == 0:
        return number(0, digits)
    text = number(value, digits)
    return f"+{text}" if text != NONE and value > 0 else text


@register.filter
def percent2(value: float | None) -> str:
    """Write a percentage (0 to 100) with two digits; — where there is none."""
    text = number(value, 2)
    return text if text == NONE else f"{text} %"


@register.filter
def machine(value: float) -> str:
    """Write a number as attributes and scripts read it: no grouping, a point."""
    return repr(value)


@register.filter(name="bytes")
def size(value: float | None) -> str:
    """Write a size in the decimal units of disks: 0 B, 812 kB, 3.4 MB."""
    if value is None:
        return NONE
    amount, unit = float(value), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    digits = 0 if unit in ("B", "kB") or amount >= 99.95 else 1
    return f"{_written(amount, digits)} {unit}"


@register.filter
def modality(value: str | None) -> str:
    """Say a kind of image as people call it; — where it is not known."""
    return str(Modality(value).label) if value else NONE


@register.filter
def short_id(value: object) -> str:
    """Shorten a UUID to the eight characters that people read out."""
    return str(value).replace("-", "")[:8]


@register.filter
def fours(value: str) -> str:
    """Group a key or a code by four, as people read and type it."""
    return " ".join(value[at : at + 4] for at in range(0, len(value), 4))


@register.filter
def initials(user: object) -> str:
    """Take two letters of a person's name, else of their e-mail address."""
    words = (getattr(user, "name", "") or getattr(user, "email", "") or "?").split()
    words = [word for word in words if word.lower().rstrip(".") not in TITLES] or words
    letters = words[0][:2] if len(words) == 1 else words[0][0] + words[-1][0]
    return letters.upper()


def _written(value: float, digits: int) -> str:
    """Round, then write: Django's number_format alone would cut the digits off."""
    return number_format(half_up(value, digits), digits, use_l10n=True, force_grouping=True)


def _chip(look: tuple[str, str, object]) -> SafeString:
    css, shape, label = look
    return format_html('<span class="{}">{}{}</span>', f"chip {css}".strip(), icon(shape), label)
