"""How the pages write who a patient is: name, day of birth, sex, age, and when a study was made."""

from __future__ import annotations

from datetime import date, datetime

from django import template
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy, ngettext

from imaging.formats.person import person_name
from imaging.forms_identity import day_of

register = template.Library()
register.filter("person", person_name)

SEXES = {
    "F": gettext_lazy("female"), "M": gettext_lazy("male"), "O": gettext_lazy("other"),
}  # fmt: skip


@register.filter
def day(stored: str) -> str:
    """Write a DICOM date as the page's language does; what is none stays as it came."""
    found = day_of(stored)
    return date_format(found, "DATE_FORMAT") if found else stored


@register.filter
def sex(stored: str) -> str:
    """Write a DICOM sex (PS3.3 C.7.1.1: F, M, O) as a word; what is none stays as it came."""
    return str(SEXES.get(stored, stored))


@register.filter
def moment(stored: str) -> str:
    """Write when a study was made ("2026-11-21 08:42", the time may lack)."""
    try:
        found = datetime.fromisoformat(stored)
    except ValueError:
        return stored
    return date_format(
        found, "DATETIME_FORMAT" if len(stored) > len("2026-11-21") else "DATE_FORMAT"
    )


@register.filter
def age(stored: str, studied_at: str) -> str:
    """Write the whole years between a birth and a study; nothing where either is unknown."""
    born = day_of(stored)
    try:
        seen = date.fromisoformat(studied_at[:10])
    except ValueError:
        return ""
    if born is None or born > seen:
        return ""
    years = seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
    return ngettext("%(n)d year", "%(n)d years", years) % {"n": years}
