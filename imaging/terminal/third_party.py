"""Models that somebody else trained, taken in as anybody's and held to their makers' figures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from imaging.engine.client import Engine, convert_engine, decode_engine
from imaging.inference.metadata import METADATA_FILE
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.terminal.work import Picture, analysed, map_read, opened

BRAINCHOP = ("model5_gw_ae", "model11_gw_ae", "model20chan3cls")
MARGIN = 0.015  # how far a Dice may fall below the figure that data/README.md rounds
# Dice of white and grey matter between two of them on t1_crop.nii.gz
AGREEMENT = {
    ("model5_gw_ae", "model11_gw_ae"): (0.88, 0.87),
    ("model5_gw_ae", "model20chan3cls"): (0.84, 0.80),
    ("model11_gw_ae", "model20chan3cls"): (0.84, 0.81),
}
_LABELS = {"0": "background", "1": "white matter", "2": "grey matter"}
_DILATIONS = {
    "model5_gw_ae": (1, 2, 4, 8, 16, 8, 4, 2, 1),
    "model11_gw_ae": (1, 2, 4, 8, 4, 2, 2, 1),
    "model20chan3cls": (1, 2, 4, 8, 16, 8, 4, 2, 1),
}
_WIDTHS = {"model5_gw_ae": 5, "model11_gw_ae": 11, "model20chan3cls": 20}
_FRAMEWORKS = {".pt": "pytorch", ".onnx": "onnx", ".keras": "tensorflow"}
# A voxel of theirs sees 46 to each side. Two windows of 160 share 64 of a head's 256, and where one
# of them cuts what a voxel sees the other weighs more.
_TILING = {"roi_size": [160, 160, 160], "overlap": 0.4}
_CARD = {
    "intended_use": "Proof that models of others run here",
    "training_data": "Not stated beside the weights",
    "evaluation": {"summary": "Agreement with its siblings"},
    "limitations": "T1 heads at 1 mm",
    "licence": "MIT",
    "authors": ["brainchop project"],
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: what was measured, what was wanted, and whether it holds."""

    what: str
    found: str
    wanted: str
    holds: bool


def mesh_net(name: str) -> dict[str, Any]:
    """Return the `network` of a MeshNet: a row of dilated convolutions."""
    width, activation = _WIDTHS[name], "ELU" if name == "model20chan3cls" else "ReLU"
    rows: list[dict[str, Any]] = []
    before = 1
    for dilation in _DILATIONS[name]:
        rows.append(
            {
                "layer": "Conv3d", "in_channels": before, "out_channels": width, "kernel_size": 3,
                "padding": dilation, "dilation": dilation,
            }
        )  # fmt: skip
        rows.append({"layer": activation})
        before = width
    rows.append({"layer": "Conv3d", "in_channels": width, "out_channels": 3, "kernel_size": 1})
    return {"_target_": "torch.nn.Sequential", "layers": rows}


def brain_metadata(name: str, ending: str) -> dict[str, Any]:
    """Return the metadata.json of a brainchop network in the format that `ending` names."""
    framework = _FRAMEWORKS[ending]
    free = [None] * 3
    last = framework == "tensorflow"
    low, high = (5, 95) if name == "model20chan3cls" else (0, 100)
    record: dict[str, Any] = {
        "name": folder_name(name, ending),
        "type": "segmentation",
        "framework": framework,
        "version": "1.0.0",
        "input_shape": [None, *free, 1] if last else [None, 1, *free],
        "output_shape": [None, *free, 3] if last else [None, 3, *free],
        "modality": "mri",
        "labels": _LABELS,
        "preprocessing": {"normalize": True, "target_size": [256, 256, 256]},
        "intensity": [{"op": "percentile", "low": low, "high": high}],
        "orientation": "LIA",
        "tiling": _TILING,
        "activation": "softmax",
        "card": _CARD,
    }
    if framework == "pytorch":
        record["network"] = mesh_net(name)
    return record


def folder_name(name: str, ending: str) -> str:
    return f"brainchop-{name.split('_')[0]}-{_FRAMEWORKS[ending]}"


def brain_file(weights: Path, name: str, ending: str) -> Path:
    folder = weights / "brainchop" / name
    return folder / ("torch_state.pt" if ending == ".pt" else f"{name}{ending}")


def taken(source: Path, record: dict[str, Any], root: Path, work: Path) -> Path:
    """Convert one file by the house's own child into a folder of `root`; return that folder."""
    sent, out = work / f"{record['name']}{source.suffix}", work / f"out-{record['name']}"
    shutil.copyfile(source, sent)
    out.mkdir()  # a child enters only what is there when it starts
    with convert_engine() as engine:
        answer = engine.call(
            "convert", timeout_s=600, path=str(sent), name=sent.name, form=record, trusted=True,
            out_dir=str(out),
        )["model"]  # fmt: skip
    target = root / answer["name"]
    shutil.copytree(out / answer["name"], target)
    return target


def brains_agree(
    weights: Path, root: Path, work: Path, infer: Engine, say: Callable[[str], None]
) -> Iterator[Line]:
    """Run the three networks, one per framework, and their ensemble on the head."""
    # the widest of them as ONNX, which holds the least beside a whole head of 256³ voxels
    endings = dict(zip(BRAINCHOP, (".keras", ".pt", ".onnx"), strict=True))
    members = {}
    for name, ending in endings.items():
        say(f"taking in {name}{ending}")
        folder = taken(brain_file(weights, name, ending), brain_metadata(name, ending), root, work)
        members[name] = MemberSpec(folder.name)
    with (
        decode_engine() as decoder,
        opened(decoder, weights / "brainchop" / "t1_crop.nii.gz", modality="mri") as picture,
    ):
        found = {}
        for name, member in members.items():
            say(f"analysing the head by {name}")
            found[name] = _tissue(picture, [member], root, infer)
        for pair in combinations(BRAINCHOP, 2):
            for place, label in enumerate(("white matter", "grey matter"), start=1):
                dice = _dice(found[pair[0]] == place, found[pair[1]] == place)
                wanted = AGREEMENT[pair][place - 1]
                what = f"{pair[0]} and {pair[1]}, {label}, Dice"
                yield Line(what, f"{dice:.3f}", f"≥ {wanted:.2f}", dice >= wanted - MARGIN)
        say("analysing the head by all three")
        whole = _tissue(picture, list(members.values()), root, infer)
        for name in BRAINCHOP:
            dice = float(np.mean([_dice(whole == n, found[name] == n) for n in (1, 2)]))
            yield Line(f"ensemble of three and {name}, Dice", f"{dice:.3f}", "≥ 0.80", dice >= 0.8)


def _tissue(picture: Picture, members: list[MemberSpec], root: Path, infer: Engine) -> np.ndarray:
    """Return 0, 1 or 2 for each voxel, the likeliest of the three."""
    spec = spec_from_members(root, members, threshold=0.5)
    analysis = analysed(infer, picture, spec, models_dir=root, timeout_s=3600)
    maps = [map_read(picture, analysis["maps"]["labels"][name]) for name in spec.labels]
    tissue = np.stack([one.astype(np.int16) for one in maps])
    background = 255 - tissue.sum(axis=0, keepdims=True)
    return np.argmax(np.concatenate([background, tissue]), axis=0).astype(np.uint8)


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0


def lgg_metadata(name: str) -> dict[str, Any]:
    return {
        "name": name, "type": "segmentation", "framework": "pytorch", "version": "1.0.0",
        "input_shape": [1, 3, 256, 256], "output_shape": [1, 1, 256, 256], "modality": "mri",
        "labels": {"0": "FLAIR abnormality"},
        "channels": ["pre-contrast", "FLAIR", "post-contrast"],
        "preprocessing": {"normalize": True, "target_size": [256, 256]}, "activation": "none",
        "card": {**_CARD, "authors": ["Giacomo Deodato"]},
    }  # fmt: skip


def lgg_reaches_its_dice(
    data: Path, root: Path, work: Path, say: Callable[[str], None]
) -> Iterator[Line]:
    """Take the U-Net's TorchScript in, run it on the eight slices, compare with the masks.

    Its three sequences are the channels of one file, which the site does not take yet; so the
    network runs here as the engine loads it, and its channels are prepared as its README says.
    """
    say("taking in the LGG U-Net (TorchScript)")
    source = data / "weights" / "giacomodeodato_lgg_unet" / "unet.torchscript.pt"
    folder = taken(source, lgg_metadata("lgg-unet"), root, work)
    masks = lgg_masks(data / "mri_lgg", folder)
    tumours = sorted(dice for dice, has_tumour, _ in masks if has_tumour)
    for wanted, dice in zip((0.958, 0.964), tumours, strict=True):
        what = "LGG U-Net on a slice with tumour, Dice"
        yield Line(what, f"{dice:.3f}", f"{wanted:.3f}", abs(dice - wanted) < 0.005)
    wrong = sum(pixels for _, has_tumour, pixels in masks if not has_tumour)
    yield Line("LGG U-Net on six slices without, false pixels", str(wrong), "0", wrong == 0)


def lgg_masks(slices: Path, folder: Path) -> list[tuple[float, bool, int]]:
    """Return for each slice its Dice, whether it holds a tumour, and the pixels marked."""
    from PIL import Image

    from imaging.inference import backends
    from imaging.inference.metadata import read_metadata

    predict = backends.load(folder, read_metadata(folder), "cpu").predictor.predict
    found = []
    for path in sorted((slices / "images").glob("*.tif")):
        picture = np.asarray(Image.open(path, formats=("TIFF",)), dtype=np.float32)
        truth = np.asarray(Image.open(slices / "masks" / f"{path.stem}_mask.tif")) > 0
        low, high = np.percentile(picture, (10, 99), axis=(0, 1))
        ready = np.clip((picture - low) / np.maximum(high - low, 1e-6), 0, 1)
        batch = np.ascontiguousarray(np.moveaxis(ready, -1, 0)[None], dtype=np.float32)
        mask = predict(batch)[0, 0] >= 0.5
        found.append((_dice(mask, truth), bool(truth.any()), int(mask.sum())))
    return found


def deepbrain_metadata() -> dict[str, Any]:
    return {
        "name": "deepbrain", "type": "segmentation", "framework": "onnx", "version": "2.0.0",
        "channel_axis": -1, "input_shape": [None, 128, 128, 128, 1],
        "output_shape": [None, 128, 128, 128, 1], "modality": "mri", "labels": {"0": "brain"},
        "preprocessing": {"normalize": True, "target_size": [128, 128, 128]},
        "intensity": [{"op": "percentile", "low": 0, "high": 100}], "activation": "none",
        "orientation": "LIA", "card": {**_CARD, "authors": ["Iitzco"]},
    }  # fmt: skip


def deepbrain_runs(
    weights: Path, root: Path, work: Path, infer: Engine, say: Callable[[str], None]
) -> Iterator[Line]:
    """Take deepbrain in and strip the head: a brain has between 0.9 and 2 litres."""
    say("taking in deepbrain, analysing the head")
    source = weights / "deepbrain" / "deepbrain_v2.onnx"
    folder = taken(source, deepbrain_metadata(), root, work)
    with (
        decode_engine() as decoder,
        opened(decoder, weights / "brainchop" / "t1_crop.nii.gz", modality="mri") as picture,
    ):
        spec = spec_from_members(root, [MemberSpec(folder.name)], threshold=0.5)
        analysis = analysed(infer, picture, spec, models_dir=root, timeout_s=1200)
    volume = analysis["measures"]["operating"]["volume_ml"]
    yield Line("deepbrain, volume of the brain", f"{volume:.0f} ml", "900–2000 ml",
               900 <= volume <= 2000)  # fmt: skip


def write_folder(root: Path, record: dict[str, Any], source: Path, file: str) -> Path:
    """Write a model folder as a person would: metadata.json and the file."""
    folder = root / record["name"]
    folder.mkdir(parents=True)
    (folder / METADATA_FILE).write_text(json.dumps(record), encoding="utf-8")
    shutil.copyfile(source, folder / file)
    return folder
