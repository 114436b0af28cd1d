"""Converting one model that nobody trusts: unpacked, converted, compared, timed and tried."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from imaging.engine.golden import golden_run
from imaging.engine.infer_ops import probe
from imaging.engine.serving import Progress
from imaging.inference.conversion.arriving import arrive
from imaging.inference.conversion.converting import Converted, convert
from imaging.inference.conversion.probing import ChannelsDiffer
from imaging.inference.conversion.timing import NO_OPENVINO, has_openvino, timings
from imaging.inference.fields import read_object
from imaging.inference.metadata import METADATA_FILE, read_metadata
from imaging.inference.spec import why_not_runnable

MOST_PROBED = 1 << 20  # pixels
STEPS = ("unpacking", "converting", "timing", "golden")


def convert_model(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Convert the model at `path` into `out_dir`/<name>; say what became of it.

    path      a model folder, a ZIP of one, or with `form` a weight file that is called `name`.
    trusted   TorchScript and exported programs are taken too.

    Raises: MetadataError, ModelFileError.
    """
    path, out = Path(args["path"]), Path(args["out_dir"])
    progress(STEPS[0], 0, len(STEPS))
    folder = path if path.is_dir() else arrive(path, args["name"], args["form"], out / "work")
    progress(STEPS[1], 1, len(STEPS))
    made = _converted(folder, out / folder.name.partition("@")[0], args)
    progress(STEPS[2], 2, len(STEPS))
    times = timings(out / made.metadata["name"], made.grid, out / "work")
    told: dict[str, Any] = {
        "timings": [one.to_json() for one in times],
        "probe": _probed(out, made),
    }
    progress(STEPS[3], 3, len(STEPS))
    told["golden"] = golden_run(out, made.metadata["name"], lambda *_: None)
    return {"model": _told(made) | told}


def _converted(folder: Path, out: Path, args: Mapping[str, Any]) -> Converted:
    """Convert. Whether (background, X) is one channel or two is not asked: the network says it."""
    try:
        return convert(folder, out, trusted=args["trusted"])
    except ChannelsDiffer as error:
        if args["form"] is None or error.found != 1 or len(args["form"]["labels"]) != 2:
            raise
        record = read_object(folder / METADATA_FILE, "The form")
        axis = -1 if record["framework"] == "tensorflow" else 1
        record["output_shape"][axis] = 1
        (folder / METADATA_FILE).write_text(json.dumps(record), encoding="utf-8")
        shutil.rmtree(out)
        return convert(folder, out, trusted=args["trusted"])


def _probed(out: Path, made: Converted) -> dict[str, Any] | None:
    """Run the whole analysis on a drawn picture.

    None where this version cannot run the model, and for a large volume, which takes minutes.
    """
    name = made.metadata["name"]
    metadata = read_metadata(out / name)
    pixels = prod(metadata.tiling.roi_size if metadata.tiling else metadata.target_size)
    if why_not_runnable(metadata) or pixels > MOST_PROBED:
        return None
    told = probe({"models_dir": str(out), "model": name, "device": "cpu"}, lambda *_: None)
    found = {key: told[key] for key in ("shape", "levels", "classes", "boxes")}
    return found | {"ms": told["member"]["run_ms"]}


def _told(made: Converted) -> dict[str, Any]:
    return {
        "name": made.metadata["name"],
        "file": made.file,
        "notes": [*made.notes, *([] if has_openvino() else [NO_OPENVINO])],
        "agreement": made.agreement,
        "grid": list(made.grid),
    }
