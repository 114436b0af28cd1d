"""What stands on a result about its making: each member's line, the libraries' versions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from imaging.inference.members import Outcome
from imaging.inference.metadata import ModelMetadata
from imaging.inference.spec import EnsembleSpec, MemberSpec

_PACKAGES = {
    "pytorch": ("torch", "monai"),
    "onnx": ("onnxruntime",),
    "tensorflow": ("keras", "torch"),
}


def facts_of(outcome: Outcome[Any]) -> dict[str, Any]:
    """Return how a member was run, as its record holds it."""
    names = ("device_used", "fallback", "load_ms", "run_ms", "forward_ms", "sha256")
    return {name: getattr(outcome, name) for name in names}


def member_record(
    member: MemberSpec,
    spec: EnsembleSpec,
    card: ModelMetadata,
    facts: Mapping[str, Mapping[str, Any]],
    areas: Mapping[str, int | None],
) -> dict[str, Any]:
    """Return one member's line; of one that did not run, the numbers are null."""
    why = "Weight 0: not run." if member.weight == 0 else "Not run."
    not_run = {
        "device_used": "",
        "fallback": why,
        "load_ms": None,
        "run_ms": None,
        "forward_ms": None,
        "sha256": next(iter(member.sha256.values()), ""),
    }
    return {
        "model": member.model,
        "version": card.version,
        "weight": member.weight,
        "share": round(spec.shares[member.model], 6),
        "device": member.device,
        "framework": card.framework,
        "area_px": areas.get(member.model),
        **facts.get(member.model, not_run),
    }


@cache
def library_versions(frameworks: frozenset[str]) -> dict[str, str]:
    """Return the versions of the libraries that took part, by name."""
    names = {"numpy", "torch"} | {name for framework in frameworks for name in _PACKAGES[framework]}
    return {name: version(name) for name in sorted(names)}
