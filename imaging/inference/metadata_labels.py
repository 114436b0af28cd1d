"""Check the keys of metadata.json that name things: labels, findings, reference, channels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from imaging.inference.fields import Fields, show

GREY = "grey"
BACKGROUND = "background"


def label_names(fields: Fields) -> tuple[str, ...]:
    """Take `labels`: keys "0", "1", … without a gap, names that differ."""
    table = fields.take("labels")
    if not isinstance(table, dict) or not table:
        fields.fail("labels", f"{show(table)} is not an object of names.")
    wanted = [str(index) for index in range(len(table))]
    if sorted(table) != sorted(wanted):
        fields.fail("labels", f"keys {show(sorted(table))} are not consecutive: {show(wanted)}.")
    names = [table[key] for key in wanted]
    for name in names:
        if not isinstance(name, str) or not name.strip():
            fields.fail("labels", f"{show(name)} is not a name.")
    if len({label_key(name) for name in names}) != len(names):
        fields.fail("labels", f"a name stands twice in {show(names)}.")
    return tuple(names)


def label_key(name: str) -> str:
    """Return what two spellings of one label share."""
    return " ".join(re.sub(r"[_-]+", " ", name).casefold().split())


def reference_plan(fields: Fields, names: tuple[str, ...]) -> dict[str, Any]:
    """Take `reference`: the organ mask, from another model or from labels of this one."""
    if not fields.has("reference"):
        return {}
    inner = fields.inner("reference")
    model, labels = inner.text("model", None), inner.texts("labels", None)
    inner.done()
    if (model is None) == (labels is None):
        fields.fail("reference", "needs either model or labels.")
    for label in labels or ():
        if label not in names:
            fields.fail("reference", f"{show(label)} is not one of the labels {show(list(names))}.")
    return {"model": model} if model else {"labels": labels}


def finding_labels(
    fields: Fields, kind: str, names: tuple[str, ...], reference: Mapping[str, Any]
) -> tuple[str, ...]:
    """Take `findings`; by default every label but background and the reference labels."""
    chosen = fields.texts("findings", None)
    for label in chosen or ():
        if label not in names:
            fields.fail("findings", f"{show(label)} is not one of the labels {show(list(names))}.")
    left = [n for n in names if label_key(n) != BACKGROUND and n not in reference.get("labels", ())]
    found = tuple(name for name in names if name in (chosen or left))
    if kind == "segmentation" and not found:
        fields.fail("labels", f"{show(list(names))} hold no finding.")
    return found


def channel_names(fields: Fields, count: int | None) -> tuple[str, ...]:
    """Take `channels`; 1 is grey, 3 is grey repeated, others must be named."""
    if count is None:
        fields.fail("input_shape", "the channel count must be a number, not null.")
    given = fields.take("channels", count)
    names = [GREY] * given if type(given) is int and given in (1, 3) else given
    if names == count:
        fields.fail("channels", f"input_shape has {count} channels; name each of them.")
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        fields.fail("channels", f"{show(given)} is not 1, 3 or a list of names.")
    if len(names) != count:
        fields.fail("channels", f"{show(given)} does not fit input_shape with {count} channels.")
    return tuple(names)
