"""Taking the identity out of DICOM files: the child alone reads the originals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imaging.engine.serving import Progress


def deidentify(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write each of `files`, names in `out_dir`, without identity beside it; return the names.

    `known` has for each the UIDs by keyword for a header that lacks them; `disguise` says under
    which names and days the patient leaves (imaging.confidential.disguise).
    Raises: Refused for the first that cannot leave: a series goes whole or not at all.
    """
    from imaging.confidential.disguise import Disguise
    from imaging.confidential.files import deidentify as written

    folder, disguise = Path(args["out_dir"]), Disguise.from_json(args["disguise"])
    names = []
    for number, (name, known) in enumerate(zip(args["files"], args["known"], strict=True)):
        names.append(anonymous_name(number))
        written(folder / name, folder / names[-1], disguise, known)
        progress("files", number + 1, len(args["files"]))
    return {"files": names}


def anonymous_name(number: int) -> str:
    return f"{number + 1:05d}.dcm"
