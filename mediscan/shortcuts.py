"""How the tables of keys in static/js call what a key does; the list under "?" says it so."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SHORTCUTS = {
    "Accept": _("Accept"),
    "Bare image while held": _("Bare image while held"),
    "Boxes on or off": _("Boxes on or off"),
    "Disagreement on or off": _("Disagreement on or off"),
    "Edit: keep this threshold": _("Edit: keep this threshold"),
    "First slice": _("First slice"),
    "Heatmap on or off": _("Heatmap on or off"),
    "Last slice": _("Last slice"),
    "Mask on or off": _("Mask on or off"),
    "Next colours": _("Next colours"),
    "Next slice": _("Next slice"),
    "Opacity down": _("Opacity down"),
    "Opacity up": _("Opacity up"),
    "Outline on or off": _("Outline on or off"),
    "Pan down": _("Pan down"),
    "Pan left": _("Pan left"),
    "Pan right": _("Pan right"),
    "Pan up": _("Pan up"),
    "Point down": _("Point down"),
    "Point left": _("Point left"),
    "Point right": _("Point right"),
    "Point up": _("Point up"),
    "Previous slice": _("Previous slice"),
    "Reject": _("Reject"),
    "Sign": _("Sign"),
    "This list": _("This list"),
    "Threshold down": _("Threshold down"),
    "Threshold up": _("Threshold up"),
    "%n slices back": _("%%n slices back"),
    "%n slices on": _("%%n slices on"),
}
