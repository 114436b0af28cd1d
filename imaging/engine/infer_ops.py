"""What the infer child can do: analyse checked arrays with models that stay loaded."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from imaging.engine.records import pixels_read, volume_from_json
from imaging.engine.serving import Progress
from imaging.inference.cache import ModelCache
from imaging.inference.devices import cuda_count, resolve
from imaging.inference.ensembles import model_folder
from imaging.inference.metadata import ModelMetadata, read_metadata
from imaging.inference.pipeline import analyse as run_pipeline
from imaging.inference.spec import EnsembleSpec, MemberSpec, spec_from_members
from imaging.measures.measuring import measure
from imaging.measures.numbers import rounded
from imaging.measures.probability import LEVELS
from imaging.measures.reference import dice
from imaging.measures.region import Region
from imaging.measures.removing import without
from imaging.types import InferenceError, Volume

MASK = "mask.raw"
MOST_LESIONS = 1200  # an answer is one line of at most 1 MiB
cv2.setNumThreads(1)  # a child per core: its own pool costs half as much again and gains nothing
_PROBE_DEFAULT = 64  # pixels a side, where a network takes any size
_PROBE_MODALITY = {"xray": "DX", "mri": "MR", "ct": "CT"}


@cache
def models_of(models_dir: str, store_dir: str = "") -> ModelCache:
    """The loaded models of one folder and one store; they live as long as this process."""
    return ModelCache(Path(models_dir), store=Path(store_dir) if store_dir else None)


def analyse(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Run the frozen ensemble `spec` on the pixels; write every map into `out_dir`.

    Where `maps` is False classifiers draw none. Raises: InferenceError.
    """
    pixels = pixels_read(Path(args["pixels"]), args["dtype"], args["shape"])
    volume = volume_from_json(args["volume"], pixels)
    spec = EnsembleSpec.from_json(args["spec"])
    models = models_of(args["models_dir"], args.get("store_dir", ""))
    overridden = args.get("overridden") is True
    maps = args.get("maps") is not False
    analysis = run_pipeline(volume, spec, models, progress, overridden=overridden, maps=maps)
    _require_listable(len(analysis.measures["lesions"]) if analysis.measures else 0)
    for name, array in analysis.arrays().items():
        (Path(args["out_dir"]) / name).write_bytes(np.ascontiguousarray(array))
    return {"analysis": analysis.to_json()}


def measure_mask(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure a painted mask as it is: every pixel of it counts, nothing is a speck.

    `dice` says how far it is the stored map, cut at `level`. Raises: InferenceError.
    """
    pixels = pixels_read(Path(args["pixels"]), args["dtype"], args["shape"])
    mask = pixels_read(Path(args["mask"]), "uint8", args["shape"])
    levels = pixels_read(Path(args["map"]), "uint8", args["shape"])
    volume = volume_from_json(args["volume"], pixels)
    try:
        found = measure(np.where(mask > 0, LEVELS, 0).astype(np.uint8), volume, args["rule"], 0.5,
                        1, _organ(args))  # fmt: skip
    except ValueError as error:
        raise InferenceError(str(error)) from error
    _require_listable(len(found["lesions"]))
    row = found["operating"] | {"t": None, "level": None}
    same = rounded(dice(mask > 0, levels >= args["level"]))
    return {"row": row, "lesions": found["lesions"], "dice": same}


def measure_without(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Measure the stored map without the lesions `removed`; write the mask that is left.

    Specks stay what they were: counted apart. Raises: InferenceError.
    """
    pixels = pixels_read(Path(args["pixels"]), args["dtype"], args["shape"])
    levels = pixels_read(Path(args["map"]), "uint8", args["shape"])
    volume, sizes = volume_from_json(args["volume"], pixels), args["sizes"]
    try:
        left = without(levels, args["level"], sizes, args["removed"])
        found = measure(left, volume, args["rule"], args["threshold"], min(sizes), _organ(args))
    except ValueError as error:
        raise InferenceError(str(error)) from error
    kept = left >= args["level"]
    (Path(args["out_dir"]) / MASK).write_bytes(kept.tobytes())
    same = rounded(dice(kept, levels >= args["level"]))
    return {"row": found["operating"], "lesions": found["lesions"], "mask": MASK, "dice": same}


def warm(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Load the members of `spec`, so that the first image need not wait.

    Raises: InferenceError.
    """
    models, loaded = models_of(args["models_dir"], args.get("store_dir", "")), []
    members = [m for m in EnsembleSpec.from_json(args["spec"]).members if m.weight > 0]
    for number, member in enumerate(members):
        progress(member.model, number, len(members))
        place = resolve(member.device)
        ready = models.get(member, place.device)
        loaded.append(
            {"model": member.model, "device": place.device, "load_ms": round(ready.load_ms, 1)}
        )
    return {"members": loaded, "loads": models.loads}


def probe(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Load one model, run it on a drawn picture of its own size, say how that went.

    Raises: InferenceError naming the model.
    """
    root, name = Path(args["models_dir"]), args["model"]
    volume = _probe_volume(read_metadata(model_folder(root, name)))
    spec = spec_from_members(root, [MemberSpec(name, device=args.get("device", "auto"))])
    # a drawn picture is like nothing in training: the gate has no say here
    analysis = run_pipeline(volume, spec, ModelCache(root), progress, overridden=True)
    q = analysis.ensemble
    return {
        "model": name,
        "shape": list(volume.array.shape),
        "levels": None if q is None else [int(q.min()), int(q.max())],
        "classes": {one["label"]: one["p"] for one in analysis.classes},
        "boxes": len(analysis.boxes),
        "member": analysis.members[0],
        "versions": dict(analysis.versions),
    }


def describe_device(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Say where members can run on this machine."""
    import torch

    count = cuda_count()
    found = [f"cuda:{n}" for n in range(count)]
    return {
        "cuda": count > 0,
        "devices": ["cpu", *found],
        "names": [torch.cuda.get_device_name(one) for one in found],
    }


def _organ(args: Mapping[str, Any]) -> Region | None:
    px = args.get("organ_px")
    return Region("organ", None, px, "the organ as the models saw it") if px else None


def _require_listable(lesions: int) -> None:
    if lesions > MOST_LESIONS:
        raise InferenceError(
            f"The models mark {lesions:,} separate regions in this image; at most"
            f" {MOST_LESIONS:,} can be listed. Raise the threshold or choose other models."
        )


def _probe_volume(metadata: ModelMetadata) -> Volume:
    """A bright ellipse on a dark ground, of the network's own size and kind."""
    sizes = metadata.tiling.roi_size if metadata.tiling else metadata.target_size
    shape = tuple(size or _PROBE_DEFAULT for size in sizes)
    shape = (1,) * (3 - len(shape)) + shape
    axes = np.ogrid[tuple(slice(-1, 1, complex(0, n)) for n in shape)]
    inside = sum(axis**2 for axis in axes if axis.size > 1) < 0.5
    array = np.where(inside, 1000, 0).astype(np.int16)
    kind = _PROBE_MODALITY[metadata.modality[0]]
    return Volume(
        array,
        modality=kind,
        intercept=-1000.0 if kind == "CT" else 0.0,
        unit="HU" if kind == "CT" else "stored value",
        spacing_mm=(1.0, 1.0, 1.0),
        bits=16,
        affine=tuple(tuple(row) for row in np.eye(4).tolist()),
    )


OPS = {
    "analyse": analyse,
    "measure_mask": measure_mask,
    "measure_without": measure_without,
    "warm": warm,
    "probe": probe,
    "describe_device": describe_device,
}
