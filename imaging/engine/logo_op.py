"""Reading the logo that an administrator sent: what is printed is drawn anew by the child."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imaging.engine.serving import Progress

LOGO = "logo.png"


def redraw_logo(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the logo of the file at `path` into `out_dir` as a PNG of ours. Raises: Refused."""
    from imaging.formats.logo import read_logo

    (Path(args["out_dir"]) / LOGO).write_bytes(read_logo(Path(args["path"]), args["name"]))
    return {"logo": LOGO}
