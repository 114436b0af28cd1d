"""What the convert child can do for one model that nobody trusts: look into it, or convert it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from imaging.engine.serving import Progress
from imaging.inference.conversion.telling import tell

LOOKING = "looking"


def look(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Say what the weight file at `path`, which is called `name`, tells of itself.

    Raises: ModelFileError.
    """
    progress(LOOKING, 0, 1)
    return {"told": tell(Path(args["path"]), args["name"]).to_json()}


def convert_model(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Convert; the frameworks wake here, and not for what was refused at a look."""
    work = import_module("imaging.engine.convert_work")
    found: dict[str, Any] = work.convert_model(args, progress)
    return found


def golden(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Run the golden case of the model `name`, whose folder lies in `root`."""
    work = import_module("imaging.engine.golden")
    return {"golden": work.golden_run(Path(args["root"]), args["name"], progress)}


OPS = {"convert": convert_model, "look": look, "golden": golden}
