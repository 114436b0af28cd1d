"""Write a golden case into a model folder: a picture, and what the model answers to it today."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from imaging.engine.client import Engine
from imaging.formats.nifti_mask import encode_nifti
from imaging.formats.png import encode_png
from imaging.inference.metadata import METADATA_FILE, read_metadata
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.terminal.work import Picture, analysed, map_read, opened

CALL_S = 600


def golden_write(
    models: Path, name: str, source: Path, *, decoder: Engine, infer: Engine, modality: str
) -> dict[str, Any]:
    """Answer what `metadata.json` then says of it. Raises: Refused, InferenceError, EngineError.

    The answer is the model's own: look at it before you let others be held to it.
    """
    folder = models / name
    read_metadata(folder)
    spec = spec_from_members(models, [MemberSpec(name, device="cpu")])
    with opened(decoder, source, modality=modality) as picture:
        found = analysed(infer, picture, spec, models_dir=models, timeout_s=CALL_S)
        expected = _expected(folder, picture, found)
    suffix = "".join(source.suffixes[-2:] if source.name.endswith(".gz") else source.suffixes[-1:])
    for old in folder.glob("golden-input.*"):
        old.unlink()
    shutil.copyfile(source, folder / f"golden-input{suffix.lower()}")
    golden = {"input": f"golden-input{suffix.lower()}", "expected": expected, "tolerance": 1}
    path = folder / METADATA_FILE
    record = json.loads(path.read_text(encoding="utf-8"))
    record["golden"] = golden
    path.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    read_metadata(folder)
    return golden


def _expected(folder: Path, picture: Picture, found: Mapping[str, Any]) -> Any:
    """Return the answer as metadata.json holds it; a map is written beside it."""
    if found["type"] == "classification":
        return {one["label"]: one["p"] for one in found["classes"]}
    if found["type"] == "detection":
        return [{key: one[key] for key in ("label", "score", "box")} for one in found["boxes"]]
    q = map_read(picture, found["maps"]["ensemble"])
    for old in folder.glob("golden-expected.*"):
        old.unlink()
    is_volume = q.shape[0] > 1
    data = _nifti(q, picture) if is_volume else encode_png(np.ascontiguousarray(q[0]))
    file = folder / f"golden-expected{'.nii.gz' if is_volume else '.png'}"
    file.write_bytes(data)
    return file.name


def _nifti(q: np.ndarray, picture: Picture) -> bytes:
    return encode_nifti(
        q, tuple(q.shape), affine=picture.volume.affine, spacing=picture.volume.spacing_mm
    )
