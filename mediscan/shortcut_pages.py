"""The keys of each page as the help lists them; the lists under "?" are held against these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mediscan.shortcuts import SHORTCUTS

Words = str | Promise
LIST = ("?", SHORTCUTS["This list"])
CAPS = {"←": "ArrowLeft", "→": "ArrowRight", "↑": "ArrowUp", "↓": "ArrowDown"}


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one page: (as they are printed, what they do); what is said of them all."""

    slug: str
    title: Words
    rows: tuple[tuple[str, Words], ...]
    note: Words = ""

    def said(self) -> Iterator[tuple[str, str]]:
        """Yield each key with its words; those of a button without the key that stands in them."""
        for key, words in self.rows:
            yield key, re.sub(r" \([^)]*\)$", "", str(words))


def _called(*rows: tuple[str, str]) -> tuple[tuple[str, Words], ...]:
    return tuple((key, SHORTCUTS[name]) for key, name in rows)


LOOK = (
    ("W", _("Window and level (W)")), ("P", _("Pan (P)")), ("Z", _("Zoom by dragging (Z)")),
    ("+", _("Zoom in (+)")), ("-", _("Zoom out (−)")), ("I", _("Invert (I)")),
    ("0", _("Reset view (0)")),
)  # fmt: skip
TURN = (
    ("Shift+Z", _("Fit to the window (Shift+Z)")), ("F", _("Flip horizontally (F)")),
    ("Shift+F", _("Flip vertically (Shift+F)")), ("R", _("Rotate by a quarter (R)")),
)  # fmt: skip
MEASURE = (
    ("V", _("Value of a pixel (V)")), ("L", _("Length (L)")), ("Shift+L", _("Angle (Shift+L)")),
    ("Q", _("Ellipse: mean and area (Q)")), ("T", _("Rectangle: mean and area (T)")),
    ("U", _("Undo a measure")), ("G", _("Magnifier (G)")),
)  # fmt: skip
OVERLAY = _called(
    ("H", "Heatmap on or off"), ("M", "Mask on or off"), ("O", "Outline on or off"),
    ("B", "Boxes on or off"), ("D", "Disagreement on or off"), ("[", "Opacity down"),
    ("]", "Opacity up"), (",", "Threshold down"), (".", "Threshold up"),
)  # fmt: skip
PAN = _called(("←", "Pan left"), ("→", "Pan right"), ("↑", "Pan up"), ("↓", "Pan down"))
LEAF = _called(("↑", "Previous slice"), ("↓", "Next slice"))
FAR = _called(("Home", "First slice"), ("End", "Last slice"))

PAGES = (
    Keys("worklist", _("The worklist"), (
        ("J", _("Next study")), ("K", _("Previous study")), ("X", _("Select the study")),
        ("Enter", _("Do what its button says")), ("R", _("Run an ensemble on what is selected")),
        ("/", _("Search")), LIST,
    )),
    Keys("result", _("A result, and reading first"), (
        *LOOK, *TURN, *MEASURE, *OVERLAY, ("C", SHORTCUTS["Next colours"]),
        ("Space", SHORTCUTS["Bare image while held"]),
        *_called(("A", "Accept"), ("E", "Edit: keep this threshold"), ("X", "Reject"),
                 ("S", "Sign")),
        ("J", _("Next region")), ("Shift+J", _("Previous region")),
        ("Delete", _("Remove or keep the region shown")),
        ("N", _("Next result")), ("Shift+N", _("Previous result")), *PAN,
        ("Shift+↑", SHORTCUTS["Pan up"]), ("Shift+↓", SHORTCUTS["Pan down"]), *LEAF,
        ("PageUp", _("Several slices back")), ("PageDown", _("Several slices on")), *FAR,
        ("1–5", _("The windows of the list, in its order")), LIST,
    ), _("Arrows pan a single picture and leaf through a volume. A key is there where what it does"
         " is there: without boxes, none for boxes.")),
    Keys("compare", _("Two results side by side"), (
        *LOOK, *TURN, ("K", _("Link the views (K)")), ("Y", _("Beside or below each other (Y)")),
        *OVERLAY, *PAN, *LEAF, LIST,
    )),
    Keys("planes", _("Three planes at once"), (
        ("V", _("Move the point (V)")), *LOOK, *OVERLAY[:3],
        *_called(("←", "Point left"), ("→", "Point right"), ("↑", "Point up"),
                 ("↓", "Point down"), ("PageUp", "Previous slice"), ("PageDown", "Next slice")),
        LIST,
    )),
    Keys("paint", _("Painting a mask"), (
        ("B", _("Brush")), ("E", _("Eraser")), ("G", _("Fill")), ("W", _("Window")),
        ("Z", _("Undo")), ("Y", _("Redo")),
        ("+", _("Zoom in")), ("-", _("Zoom out")), ("[", _("Smaller brush")),
        ("]", _("Larger brush")), ("P", _("Copy previous slice")), ("N", _("Copy next slice")),
        ("I", _("Fill between painted slices")),
        ("←→↑↓", _("Move the brush; with Shift, far")), ("Space", _("Paint")),
        ("PageUp", SHORTCUTS["Previous slice"]), ("PageDown", SHORTCUTS["Next slice"]), *FAR,
    )),
)  # fmt: skip
