"""Models of a few bytes whose answer is known: each pixel's brightness, and nothing around it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from imaging.formats.png import encode_png

SIDE = 64
BRIGHT = {0: "background", 1: "bright"}


def make_model(
    root: Path,
    name: str = "bright",
    *,
    lines: Sequence[tuple[float, float]] = ((40.0, -20.0),),
    labels: dict[int, str] | None = None,
    **metadata,
) -> Path:
    """Write a model folder whose channel k says slope·x + offset of lines[k] as logit.

    x is the brightness, 0-1; by default bright means above a half.
    """
    folder = root / name
    folder.mkdir(parents=True)
    _write_onnx(folder / "model.onnx", lines)
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    record = {
        "name": name,
        "type": "segmentation",
        "framework": "onnx",
        "version": "1.0.0",
        "input_shape": [None, 1, SIDE, SIDE],
        "output_shape": [None, len(lines), SIDE, SIDE],
        "modality": ["xray", "mri", "ct"],
        "labels": {str(key): value for key, value in (labels or BRIGHT).items()},
        "preprocessing": {"normalize": True, "target_size": [SIDE, SIDE]},
        "sha256": {"model.onnx": digest},
        **metadata,
    }
    (folder / "metadata.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def make_ensemble(root: Path, name: str, *models: str, **more) -> None:
    (root / "ensembles").mkdir(exist_ok=True)
    record = {
        "title": name,
        "type": "segmentation",
        "modality": ["xray"],
        "members": [{"model": model, "weight": 1} for model in models],
        "threshold": 0.5,
        **more,
    }
    (root / "ensembles" / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


def picture(**boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Draw a dark SIDE × SIDE picture; bright=(y0, y1, x0, x1) boxes, `dim` ones half as bright."""
    grey = np.full((SIDE, SIDE), 20, np.uint8)
    for kind, (y0, y1, x0, x1) in boxes.items():
        grey[y0:y1, x0:x1] = 110 if kind == "dim" else 220
    return grey


def dim_picture() -> np.ndarray:
    """Draw shades that no tiny model calls bright: too much for “nearly one value”."""
    return np.tile(np.linspace(20, 90, SIDE).astype(np.uint8), (SIDE, 1))


def write_png(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(array))
    return path


def _write_onnx(path: Path, lines: Sequence[tuple[float, float]]) -> None:
    slopes = np.array([slope for slope, _ in lines], np.float32).reshape(-1, 1, 1, 1)
    offsets = np.array([offset for _, offset in lines], np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"])],
        "brightness",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", len(lines), SIDE, SIDE])],
        [onnx.numpy_helper.from_array(slopes, "w"), onnx.numpy_helper.from_array(offsets, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.save(model, path)
