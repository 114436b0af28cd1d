"""Writing a result as DICOM: the child alone reads the originals that it is written beside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from imaging.engine.serving import Progress
from imaging.types import Refused


def compose(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Write the objects of one result into `out_dir`; return their names.

    `files` are the originals in the order of the slices, `map` the uint8 map or mask where there
    is one, `probability` the models' map or "", `grey` the picture as it is viewed where it is no
    DICOM, `pdf` the report or "".
    With `anonymous` each says that the identity is gone: the `files` are without it already.
    With `tell` the header of each is written beside it as JSON, and `told` names these files.
    Raises: Refused where the originals' headers carry too little.
    """
    from imaging.confidential.rewriting import mark
    from imaging.dicom_out.objects import HeaderTooBare, header_of, objects_of
    from imaging.dicom_out.request import Request

    folder, request = Path(args["out_dir"]), Request.from_json(args["request"])
    try:
        made = objects_of(
            request,
            [folder / name for name in args["files"]],
            grey=None
            if request.capture is None
            else _array(folder, args["grey"], request.shape[1:]),
            levels=_array(folder, args["map"], request.shape) if args["map"] else None,
            probability=_array(folder, args["probability"], request.shape)
            if args["probability"]
            else None,
            pdf=(folder / args["pdf"]).read_bytes() if args["pdf"] else None,
        )
    except HeaderTooBare as error:
        raise Refused("dicom-header", str(error)) from error
    for name, dataset in made.items():
        if args.get("anonymous"):
            mark(dataset)
        dataset.save_as(folder / name, enforce_file_format=True)
    if not args.get("tell"):
        return {"files": sorted(made), "told": []}
    for name in made:
        told = json.dumps(header_of(folder / name), allow_nan=False)
        (folder / _header_name(name)).write_text(told, "ascii")
    return {"files": sorted(made), "told": [_header_name(name) for name in sorted(made)]}


def _header_name(name: str) -> str:
    return name.replace(".dcm", ".json")


def _array(folder: Path, name: str, shape: Sequence[int]) -> np.ndarray:
    return np.fromfile(folder / name, np.uint8).reshape(shape)
