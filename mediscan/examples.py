"""An example for every answer of the API: examples.json holds one of each body, by its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")
LAST_PAGE = {"next": None, "previous": None}


def shown(result: dict, generator: Any, request: Any, public: bool) -> dict:
    """Put an example beside each answer that has a body; drf-spectacular calls it at the end."""
    known = json.loads(FILE.read_text(encoding="utf-8"))
    for methods in result["paths"].values():
        for told in methods.values():
            for status, answer in told["responses"].items():
                if status.startswith("2"):
                    _show(answer.get("content", {}), known)
    return result


def _show(content: dict, known: dict[str, Any]) -> None:
    for one in content.values():
        example = _example(one["schema"], known)
        if example is not None and "examples" not in one:
            one["examples"] = {"Answer": {"value": example}}


def _example(schema: dict, known: dict[str, Any]) -> Any:
    """Return the example of a body, of a page or list of such bodies; None for a file."""
    if schema.get("type") == "array":
        return [_example(schema["items"], known)]
    name = schema.get("$ref", "").rpartition("/")[2]
    if name.endswith("Page"):
        return LAST_PAGE | {"results": [known[name.removesuffix("Page") + "Body"]]}
    return known.get(name)
