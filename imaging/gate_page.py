"""What a page says of the input gate, and whether this person may set a refusal aside."""

from __future__ import annotations

from django.utils.translation import gettext as _

from imaging.models import GateVerdict, Result
from imaging.selectors import results_within

OVERRIDE = "gate.override"


def gate_context(result: Result, user) -> dict:
    """Return the gate's block: shown only where it says more than "pass"."""
    refused = result.gate_verdict == GateVerdict.REFUSE
    overridden = result.gate.get("overridden", False)
    return {
        "gate_title": gate_title(result),
        "gate_checks": result.gate.get("checks", []),
        "gate_unassessed": unassessed(result),
        "gate_refused": refused and not overridden,
        "gate_overridden": overridden,
        "override_reason": result.job.run.override_reason if overridden else "",
        "override_by": result.job.run.requested_by if overridden else None,
        "may_override": refused
        and not overridden
        and results_within(user, OVERRIDE).filter(pk=result.pk).exists(),
    }


def unassessed(result: Result) -> str:
    """Say for which models nobody can tell how like their training pictures this image is."""
    names = result.gate.get("unassessed", [])
    if not names or result.gate_verdict == GateVerdict.REFUSE:
        return ""
    return _(
        "Not assessed: how like the training pictures this image is, since %(models)s does not"
        " say what those looked like."
    ) % {"models": ", ".join(names)}


def gate_title(result: Result) -> str:
    """Return the gate's verdict in words, "" where nothing was to be said."""
    if result.gate.get("overridden"):
        return _("Analysed although the input check refused")
    if result.gate_verdict == GateVerdict.REFUSE:
        return _("Not analysed")
    return _("Analysed with a warning") if result.gate_verdict == GateVerdict.WARN else ""
