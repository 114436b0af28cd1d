"""PURE: how a person wants the pages: what they may choose, and where each choice is kept."""

from __future__ import annotations

from collections.abc import Mapping

THEMES = ("", "light", "dark")  # "": as the device has it
FIELDS = ("name", "theme", "palette", "shortcuts", "mails_runs")  # of the person's row


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """Return what of `after` differs from `before`; raises ValueError for what is none of FIELDS.

    A theme is one of THEMES; a palette's names belong to whoever draws.
    """
    strange = set(after) - set(FIELDS)
    if strange:
        raise ValueError(f"no preference: {', '.join(sorted(strange))}")
    if after.get("theme", "") not in THEMES:
        raise ValueError(f"{after['theme']!r} is no theme; choose of {THEMES}")
    return {name: value for name, value in after.items() if before[name] != value}
