"""Turns the trained members of an ensemble into model folders: model file and metadata.json.

python -m training.deliver --ensemble mri-hippocampus
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

from training import tuberculosis
from training.boxes import MOST_BOXES, Decoded
from training.delivered import open_model
from training.export import (
    FILES,
    FRAMEWORKS,
    MODELS,
    TOLERANCE,
    WRITERS,
    without_traces,
    write_json,
)
from training.recipes import RECIPES, Recipe
from training.starters import STARTERS, Starter, build, task_of
from training.train_lungs import RUNS

LARGEST_FILE = 8_000_000


def deliver(starter: Starter, weights: Path, models: Path) -> Path:
    """Write the model file, then the metadata that names its hash; give the folder.

    Raises ValueError when the file does not return what the trained network returns, or is
    larger than a starter may be.
    """
    network = _trained(starter, weights)
    folder = models / starter.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILES[starter.delivered_as]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        written = Path(scratch) / file.name
        difference = _write(starter, network, written)
        if difference > TOLERANCE:
            raise ValueError(f"{file.name} is off by {difference:.2g} in probability")
        if written.stat().st_size > LARGEST_FILE:
            raise ValueError(f"{file.name} has {written.stat().st_size} bytes")
        written.replace(file)
    write_json(folder / "metadata.json", metadata_of(starter, RECIPES[starter.ensemble], file))
    return folder


def thresholds_set(models: Path, ensemble: str) -> None:
    """Choose the thresholds of a classifier's members, and of their weighted mean, on val."""
    films = tuberculosis.read_films(tuberculosis.SET, "val")
    sick, found = np.array([film.sick for film in films]), []
    starters = members_of(ensemble, models)
    for starter in starters:
        found.append(_film_probabilities(models / starter.name, films))
        path = models / starter.name / "metadata.json"
        metadata = json.loads(path.read_text())
        metadata["thresholds"] = {"tuberculosis": tuberculosis.best_threshold(found[-1], sick)}
        write_json(path, metadata)
    path = models / "ensembles" / f"{ensemble}.json"
    kept = json.loads(path.read_text())
    weights = [RECIPES[ensemble].weights.get(one.name, 1) for one in starters]
    mean = np.average(found, axis=0, weights=weights)
    threshold = tuberculosis.best_threshold(mean, sick)
    print(f"AUROC on val {tuberculosis.auroc(mean, sick):.4f}, threshold {threshold}")
    write_json(path, kept | {"thresholds": {"tuberculosis": threshold}})


def _film_probabilities(folder: Path, films: Sequence[tuberculosis.Film]) -> np.ndarray:
    """Give p of tuberculosis for each film by the file as it is delivered."""
    model = open_model(folder)
    size = model.metadata["preprocessing"]["target_size"][0]
    images = [tuberculosis.to_network(film.image, size)[None, None] for film in films]
    logits = np.concatenate([model.forward(image) for image in images])[:, 0]
    return 1 / (1 + np.exp(-logits.astype(np.float64)))


def ensemble_write(models: Path, ensemble: str) -> None:
    """Write models/ensembles/NAME.json: every delivered member with its weight."""
    recipe = RECIPES[ensemble]
    content = {
        "title": recipe.title,
        "type": recipe.metadata["type"],
        "modality": [recipe.metadata["modality"]],
        "members": [
            {
                "model": one.name,
                "version": one.version,
                "weight": recipe.weights.get(one.name, 1),
                "device": "auto",
            }
            for one in members_of(ensemble, models)
        ],
        "threshold": recipe.threshold,
    }
    write_json(models / "ensembles" / f"{ensemble}.json", content)


def members_of(ensemble: str, models: Path) -> list[Starter]:
    """Give the starters of one ensemble that are delivered, in their order."""
    return [
        starter
        for starter in STARTERS.values()
        if starter.ensemble == ensemble and (models / starter.name).is_dir()
    ]


def _trained(starter: Starter, weights: Path) -> nn.Module:
    network = build(starter.network)
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def metadata_of(starter: Starter, recipe: Recipe, file: Path) -> dict[str, Any]:
    """Describe the model for the registry; figures and thresholds already measured are kept.

    A golden case is not: it was the answer of other weights (`manage.py make_golden`).
    """
    known_path = file.parent / "metadata.json"
    known = json.loads(known_path.read_text()) if known_path.exists() else {}
    last = starter.delivered_as == "keras"
    grid = list(grid_of(starter, recipe))
    shape = [None, *grid, 1] if last else [None, 1, *grid]
    of_task = dict(recipe.metadata)
    of_task.setdefault("preprocessing", {"normalize": True, "target_size": grid})
    kept = {"thresholds": known["thresholds"]} if "thresholds" in known else {}
    named = {"network": starter.network} if starter.delivered_as == "safetensors" else {}
    output = _output_shape(of_task["type"], recipe.outputs, grid, last)
    if of_task["type"] == "detection":
        shape[0] = 1
    return {
        "name": starter.name,
        "type": of_task.pop("type"),
        "framework": FRAMEWORKS[starter.delivered_as],
        "version": starter.version,
        "input_shape": shape,
        "output_shape": output,
        **of_task,
        **kept,
        **named,
        "card": {
            "intended_use": recipe.intended_use,
            "training_data": recipe.training_data,
            "evaluation": known.get("card", {}).get("evaluation", {}),
            "limitations": recipe.limitations,
            "licence": recipe.licence,
            "authors": ["MediScan contributors"],
        },
        "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest()},
    }


def grid_of(starter: Starter, recipe: Recipe) -> tuple[int, ...]:
    """Give the network's grid: a classifier's is its task's own."""
    size = getattr(task_of(starter), "size", None)
    return (size, size) if size else recipe.grid


def _output_shape(kind: str, outputs: int, grid: list[int], last: bool) -> list[Any]:
    if kind == "detection":
        return [[MOST_BOXES, 4], [MOST_BOXES], [MOST_BOXES]]
    if kind == "classification":
        return [None, outputs]
    return [None, *grid, outputs] if last else [None, outputs, *grid]


def _write(starter: Starter, network: nn.Module, path: Path) -> float:
    recipe = RECIPES[starter.ensemble]
    images = torch.from_numpy(_probes(grid_of(starter, recipe)))
    if recipe.metadata["type"] == "detection":
        return write_detector(network, images[:1], path)
    return WRITERS[starter.delivered_as](network, images, path)


@torch.inference_mode()
def write_detector(network: nn.Module, image: torch.Tensor, path: Path) -> float:
    """Write ONNX with the outputs boxes, scores, labels; give the largest difference in either."""
    decoded = Decoded(network).eval()
    names = ["boxes", "scores", "labels"]
    program = torch.onnx.export(
        decoded, (image,), input_names=["image"], output_names=names, opset_version=18,
        dynamo=True, verbose=False,
    )  # fmt: skip
    onnx.save(without_traces(program.model_proto), path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    boxes, scores, _ = session.run(names, {"image": image.numpy()})
    our_boxes, our_scores, _ = decoded(image)
    in_px = float(np.abs(boxes - our_boxes.numpy()).max())
    return max(float(np.abs(scores - our_scores.numpy()).max()), in_px / 100)


def _probes(grid: Sequence[int], count: int = 3) -> np.ndarray:
    """Give noise, which every network answers somehow."""
    rng = np.random.default_rng(7)
    return rng.random((count, 1, *grid), dtype=np.float32)


def main(arguments: Sequence[str] | None = None) -> None:
    """Deliver the ensembles named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ensemble", choices=sorted(RECIPES), nargs="+", required=True)
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the checkpoints")
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    for name in options.ensemble:
        for starter in STARTERS.values():
            weights = options.runs / starter.name / "best.pt"
            if starter.ensemble == name and weights.exists():
                print(deliver(starter, weights, options.models))
            elif starter.ensemble == name:
                print(f"{starter.name} is left out: it was not trained, {weights} is missing")
        ensemble_write(options.models, name)
        if RECIPES[name].metadata["type"] == "classification":
            thresholds_set(options.models, name)


if __name__ == "__main__":
    main()
