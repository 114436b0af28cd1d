"""Where in a picture a region lies, in words; a side of the body only where the file knows it."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.sides import Sides

ENDS = {
    "L": gettext_lazy("patient's left"),
    "R": gettext_lazy("patient's right"),
    "A": gettext_lazy("front"),
    "P": gettext_lazy("back"),
    "S": gettext_lazy("upper third"),
    "I": gettext_lazy("lower third"),
}
OF_PICTURE = {
    "left": gettext_lazy("left in the picture"),
    "right": gettext_lazy("right in the picture"),
    "top": gettext_lazy("upper third"),
    "bottom": gettext_lazy("lower third"),
}


def place_words(
    at: Sequence[float], shape: Sequence[int], sides: Sides | None, *, number: int | None = None
) -> str:
    """Return the third of the picture in which `at` (row, column) of `shape` lies.

    number  of the slice, where there are several.
    """
    down = _end(at[0], shape[0], "top", "bottom", sides)
    across = _end(at[1], shape[1], "left", "right", sides)
    where = [str(one) for one in (down, across) if one] or [_("in the middle")]
    if number is not None:
        where.insert(0, _("slice %(n)d") % {"n": number})
    return ", ".join(where)


def _end(at: float, length: int, low: str, high: str, sides: Sides | None) -> str | Promise:
    """The words of the nearer edge; "" in the middle third."""
    third = 3 * (at + 0.5) / length
    edge = low if third < 1 else high if third > 2 else ""
    if not edge:
        return ""
    return OF_PICTURE[edge] if sides is None else ENDS[getattr(sides, edge)]
