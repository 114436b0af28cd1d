"""Telling DICOM instances: their headers as JSON, and compressed frames unpacked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imaging.engine.serving import Progress
from imaging.types import Refused

FRAMES = "frames.raw"


def describe_instances(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write what each of `files`, names in `out_dir`, says of itself beside it; return the names.

    A name is "" where a file says nothing that could be told.
    """
    from imaging.formats.dicom.instance import describe_instance

    folder, told = Path(args["out_dir"]), []
    for number, name in enumerate(args["files"]):
        try:
            found = describe_instance(folder / name)
            (folder / f"{number}.json").write_text(json.dumps(found, allow_nan=False), "ascii")
        except (Refused, ValueError):  # ValueError: a number that JSON does not know
            told.append("")
        else:
            told.append(f"{number}.json")
        progress("files", number + 1, len(args["files"]))
    return {"told": told}


def unpack_frames(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the frames of the DICOM file at `path`, one after another, into `out_dir`.

    Raises: Refused.
    """
    from imaging.formats.dicom.instance import native_frames

    size = 0
    with (Path(args["out_dir"]) / FRAMES).open("wb") as file:
        for number, frame in enumerate(native_frames(Path(args["path"]))):
            size += file.write(frame)
            progress("frames", number + 1, number + 1)
    return {"frames": FRAMES, "size": size}
