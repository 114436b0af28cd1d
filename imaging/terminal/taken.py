"""What the commands print of a model that was just taken in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imaging.models import ModelVersion
from imaging.registry.goldens import golden_words


def taken_lines(model: ModelVersion) -> Iterator[str]:
    """Yield its state, its hash, how it was converted and timed, and what comes next."""
    yield f"{model}: {model.get_state_display().lower()}. {model.problem}".rstrip()
    for file, digest in model.sha256.items():
        yield f"  {file}  sha256 {digest}"
    for note in model.facts.get("notes") or []:
        yield f"  {note}"
    for row in model.facts.get("timings") or []:
        grid = " × ".join(str(n) for n in row["grid"])
        serves = ", serves" if row["serves"] else f", differs by {row['apart']:.1g}"
        yield f"  {row['engine']}: {row['ms']:.1f} ms on {grid}{serves}"
    yield f"  {golden_words(model)['sentence']}"
    if not model.problem:
        yield "Two people approve it now, on its page or in the admin."


def taken_facts(model: ModelVersion) -> dict[str, Any]:
    """Return the same for a machine."""
    return {
        "id": str(model.pk),
        "name": model.name,
        "version": model.version,
        "state": model.state,
        "problem": model.problem,
        "sha256": model.sha256,
        "notes": model.facts.get("notes") or [],
        "timings": model.facts.get("timings") or [],
        "golden": golden_words(model),
    }
