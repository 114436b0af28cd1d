"""PURE: a DICOM person name as people write it."""

from __future__ import annotations


def person_name(text: str) -> str:
    """Return "Family, Given Middle" of a DICOM PN (PS3.5 6.2.1.2); other text stays as it is.

    Of several scripts (parted by "=") the first that is not empty is taken; a
    prefix goes before the given name, a suffix after it.
    """
    group = next((one for one in text.split("=") if one.strip("^ ")), "")
    if "^" not in group:
        return group.strip()
    family, given, middle, prefix, suffix = [
        part.strip() for part in (group.split("^") + [""] * 5)[:5]
    ]
    first = " ".join(part for part in (prefix, given, middle, suffix) if part)
    return ", ".join(part for part in (family, first) if part)
