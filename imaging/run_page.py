"""What the run form shows: every model as a row, filled as it was sent or as an ensemble says."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.http import QueryDict
from django.utils.translation import gettext as _

from imaging.forms import DEVICES
from imaging.models import Ensemble, EnsembleMember, Fusion, ModelVersion
from imaging.services.members import DEVICE


def choice_shown(
    listed: Sequence[tuple[ModelVersion, str]],
    ensembles: Sequence[Ensemble],
    *,
    asked: str,
    sent: QueryDict | None,
    as_suggested: bool = False,
    without: str = "",
) -> dict:
    """Return the member rows: as `sent`, else as the ensemble `asked` says, else the first one.

    `as_suggested` fills in the weights and the threshold that tuning proposed for it; `without`
    names a model that is left out at first, since it failed.
    """
    chosen = next((one for one in ensembles if str(one.pk) == asked), None)
    if chosen is None and ensembles:
        chosen = ensembles[0]
    saved = {one.model_version_id: one for one in chosen.members.all()} if chosen else {}
    rows = [
        _as_sent(model, reason, sent) if sent is not None
        else _as_saved(model, reason, saved.get(model.pk))
        for model, reason in listed
    ]  # fmt: skip
    for row in rows if sent is None else ():
        row["on"] = row["on"] and row["model"].name != without
    threshold = chosen.threshold if chosen else 0.5
    suggested = chosen.suggested if chosen else None
    if suggested and as_suggested and sent is None:
        _suggest(rows, suggested["weights"])
        threshold = suggested["threshold"]
    _share(rows)
    return {
        "ensemble": chosen,
        "rows": rows,
        "fusion": (chosen.fusion if chosen else Fusion.MEAN)
        if sent is None
        else sent.get("fusion", Fusion.MEAN),
        "fusions": Fusion.choices,
        "several_tasks": len({row["model"].type for row in rows if not row["reason"]}) > 1,
        "can_start": any(not row["reason"] for row in rows),
        "threshold": threshold if sent is None else sent.get("threshold", threshold),
        "suggested": suggested,
        "is_suggested": bool(suggested and as_suggested and sent is None),
    }


def _suggest(rows: list[dict], weights: dict[str, float]) -> None:
    for row in rows:
        if row["on"] and row["model"].name in weights:
            row["weight"] = _plain(float(weights[row["model"].name]))


def _as_saved(model: ModelVersion, reason: str, member: EnsembleMember | None) -> dict:
    return {
        "model": model,
        "reason": reason,
        "on": member is not None and not reason,
        "weight": _plain(member.weight) if member else 1,
        **_devices(member.device if member else "auto"),
    }


def _as_sent(model: ModelVersion, reason: str, sent: QueryDict) -> dict:
    return {
        "model": model,
        "reason": reason,
        "on": str(model.pk) in sent.getlist("member"),
        "weight": sent.get(f"weight_{model.pk}", "1"),
        **_devices(sent.get(f"device_{model.pk}", "auto")),
    }


def _devices(chosen: str) -> dict:
    """Return what is chosen and what there is to choose: a GPU by its number only if it was."""
    known = dict(DEVICES)
    if chosen not in known and DEVICE.fullmatch(chosen):
        known[chosen] = _("GPU number %(n)s") % {"n": chosen.partition(":")[2]}
    return {"device": chosen, "devices": list(known.items())}


def _plain(weight: float) -> float:
    """A whole weight is written without a decimal point."""
    return int(weight) if weight.is_integer() else weight


def _share(rows: list[dict]) -> None:
    """Add each row's share of 100 %, or None where it has no part."""
    weights = [_weight(str(row["weight"])) if row["on"] else 0.0 for row in rows]
    total = sum(weights)
    for row, weight in zip(rows, weights, strict=True):
        row["share"] = 100 * weight / total if total and row["on"] else None


def _weight(text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) and value > 0 else 0.0
