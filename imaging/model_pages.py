"""One model version: its card, its files, how it was tried, and the yeses that let it serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, step_up
from accounts.selectors import user_may
from imaging.models import ModelState, ModelVersion
from imaging.models.approvals import ApprovalKind
from imaging.registry.approvals import (
    ACTIONS,
    model_approve,
    model_confirm,
    model_restore,
    why_not_approve,
)
from imaging.registry.goldens import golden_words
from imaging.registry.states import model_retire
from imaging.services.refusals import NotPossible


@require_GET
@requires("model.view")
def model_detail(request: HttpRequest, pk) -> HttpResponse:
    model = _model(pk)
    others = ModelVersion.objects.filter(name=model.name).exclude(pk=model.pk)
    context = {
        "model": model,
        "card": model.metadata.get("card", {}),
        "facts": model.facts,
        **_shown(model),
        "others": others.order_by("-created_at"),
        "golden": golden_words(model),
        "yeses": _yeses(request.user, model),
        "may_operate": user_may(request.user, ACTIONS[ApprovalKind.TECHNICAL]),
        "may_add": user_may(request.user, "model.add"),
        "states": ModelState,
    }
    return render(request, "imaging/model_detail.html", context)


@require_POST
@requires("model.approve_clinical")
@step_up
def model_approve_clinical(request: HttpRequest, pk) -> HttpResponse:
    return _yes(request, _model(pk), ApprovalKind.CLINICAL)


@require_POST
@requires("model.approve_technical")
@step_up
def model_approve_technical(request: HttpRequest, pk) -> HttpResponse:
    return _yes(request, _model(pk), ApprovalKind.TECHNICAL)


@require_POST
@requires("model.approve_technical")
@step_up
def model_retire_view(request: HttpRequest, pk) -> HttpResponse:
    model = _model(pk)
    said = _("Retired. It can no longer be chosen; what it found stays.")
    return _done(request, model, said, lambda: model_retire(user=request.user, model=model))


@require_POST
@requires("model.approve_technical")
@step_up
def model_restore_view(request: HttpRequest, pk) -> HttpResponse:
    model = _model(pk)
    said = _("Back in service, in the place of the other version.")
    return _done(request, model, said, lambda: model_restore(user=request.user, model=model))


@require_POST
@requires("model.add")
@step_up
def model_confirm_view(request: HttpRequest, pk) -> HttpResponse:
    model = _model(pk)
    said = _("Confirmed. It waits for its two yeses now.")
    return _done(request, model, said, lambda: model_confirm(user=request.user, model=model))


def _model(pk) -> ModelVersion:
    rows = ModelVersion.objects.select_related("added_by").prefetch_related("approvals__user")
    return get_object_or_404(rows, pk=pk)


def _yes(request: HttpRequest, model: ModelVersion, kind: ApprovalKind) -> HttpResponse:
    said = _("Your yes is noted.")
    return _done(
        request, model, said, lambda: model_approve(user=request.user, model=model, kind=kind)
    )


def _done(request: HttpRequest, model: ModelVersion, said: str, act: Callable) -> HttpResponse:
    try:
        act()
        messages.success(request, said)
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    return redirect("imaging:model-detail", pk=model.pk)


def _shown(model: ModelVersion) -> dict:
    """Return the numbers of metadata and trial as a person reads them."""
    metadata, facts = model.metadata, model.facts
    evaluation = metadata.get("card", {}).get("evaluation") or {}
    probe = facts.get("probe")
    return {
        "shapes": [shape_text(metadata.get(key)) for key in ("input_shape", "output_shape")],
        "grid": " × ".join(str(n) for n in facts.get("grid") or []),
        "evaluation": list(_flat(evaluation) if isinstance(evaluation, dict) else []),
        "probe": probe
        and {
            "shape": " × ".join(str(n) for n in probe["shape"]),
            "found": _probe_found(probe),
            "ms": round(probe["ms"]),
        },
    }


def _probe_found(probe: dict) -> str:
    """Say what came out of the drawn picture, by the model's task; older ones kept masks alone."""
    if probe["levels"]:
        low, high = (one / 255 for one in probe["levels"])
        return _("p from %(low).2f to %(high).2f") % {"low": low, "high": high}
    if classes := probe.get("classes"):
        return ", ".join(f"{label} {p:.2f}" for label, p in classes.items())
    return _("boxes: %(n)d") % {"n": probe.get("boxes", 0)}


def shape_text(shape) -> str:
    """Write a shape as 1 × 3 × 224 × 224; what may be of any size is a star."""
    if not isinstance(shape, list):
        return "—"
    if any(isinstance(one, list) for one in shape):
        return "; ".join(shape_text(one) for one in shape)
    return " × ".join("*" if one is None else str(one) for one in shape)


def _flat(values: dict, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the figures of a card one by one, those of nested sets under their name."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}, ")
        elif isinstance(value, int | float | str) and not isinstance(value, bool):
            yield name, str(value)


def _yeses(user, model: ModelVersion) -> list[dict]:
    """Return for each kind who gave it, or whether this person may, or why not."""
    given = {one.kind: one for one in model.approvals.all()}
    return [
        {
            "kind": kind,
            "label": {
                ApprovalKind.CLINICAL: _("Clinical, by a radiologist"),
                ApprovalKind.TECHNICAL: _("Technical, by an administrator"),
            }[kind],
            "given": given.get(kind),
            "is_mine": user_may(user, ACTIONS[kind]),
            "reason": why_not_approve(user, model, kind),
            "url": f"imaging:model-approve-{kind.value}",
        }
        for kind in ApprovalKind
    ]
