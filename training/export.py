"""Turns a trained member into its model folder: the model file and metadata.json.

python -m training.export --member segresnet
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
from safetensors.torch import save_file
from torch import nn

from training.data import REPOSITORY, read_split
from training.grid import to_network
from training.networks import MEMBERS, Member, build_network
from training.train_lungs import RUNS

MODELS = REPOSITORY / "models"
VERSION = "1.0.1"
TOLERANCE = 1e-4
FILES = {"safetensors": "model.safetensors", "onnx": "model.onnx", "keras": "model.keras"}
FRAMEWORKS = {"safetensors": "pytorch", "onnx": "onnx", "keras": "tensorflow"}
POSTPROCESS = [{"op": "largest_components", "count": 2}, {"op": "fill_holes"}]


def load_trained(member: Member, weights: Path) -> nn.Module:
    """Build the member's network in evaluation mode, with the weights kept by training."""
    network = build_network(member.network)
    network.load_state_dict(torch.load(weights, weights_only=True))
    return network.eval()


def export_member(member: Member, weights: Path, models: Path) -> Path:
    """Write the model file, then the metadata that names its hash; give the folder.

    Raises ValueError when the file written does not return what the trained network returns.
    """
    network = load_trained(member, weights)
    folder = models / member.name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILES[member.delivered_as]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        written = Path(scratch) / file.name
        difference = WRITERS[member.delivered_as](network, _probes(member), written)
        if difference > TOLERANCE:
            raise ValueError(f"{file.name} is off by {difference:.2g} in probability")
        written.replace(file)
    write_json(folder / "metadata.json", metadata_of(member, file))
    return folder


def metadata_of(member: Member, file: Path) -> dict[str, Any]:
    """Describe the member for the registry (INTEROP §1); the figures come from cards.py."""
    grid = [member.size, member.size]
    shape = [None, *grid, 1] if member.delivered_as == "keras" else [None, 1, *grid]
    low, high = member.percentiles
    named = {"network": member.network} if member.delivered_as == "safetensors" else {}
    return {
        "name": member.name,
        "type": "segmentation",
        "framework": FRAMEWORKS[member.delivered_as],
        "version": VERSION,
        "input_shape": shape,
        "output_shape": shape,
        "modality": "xray",
        "labels": {"0": "lung fields"},
        "preprocessing": {"normalize": True, "target_size": grid},
        **named,
        "activation": "sigmoid",
        "channels": 1,
        "intensity": [{"op": "percentile", "low": low, "high": high}],
        "resize": "stretch",
        "threshold": 0.5,
        "postprocess": POSTPROCESS,
        "card": _card(file.parent / "metadata.json"),
        "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest()},
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file in one step."""
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    partial.replace(path)


def _card(metadata: Path) -> dict[str, Any]:
    """Give the standing words of the card, with the figures already measured, if any."""
    known = json.loads(metadata.read_text())["card"] if metadata.exists() else {}
    return {
        "intended_use": "Research and teaching: the lung fields on a frontal chest X-ray. "
        "Not for diagnostic use.",
        "training_data": "Montgomery County chest X-ray set (US National Library of Medicine; "
        "Candemir 2014, Jaeger 2014): 102 radiographs to train, 16 to choose, 20 to test.",
        "evaluation": known.get("evaluation", {}),
        "limitations": "Frontal radiographs of adults only; trained on one scanner. The heart and "
        "the lung behind it are outside the reference masks. Dense disease at the edge of a lung "
        "may be left out.",
        "licence": "MIT",
        "authors": ["MediScan contributors"],
    }


def write_safetensors(network: nn.Module, images: torch.Tensor, path: Path) -> float:
    """Write the weights alone; what is not computed anew cannot differ."""
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path)
    path.chmod(0o644)
    return 0.0


@torch.inference_mode()
def write_onnx(network: nn.Module, images: torch.Tensor, path: Path) -> float:
    """Write ONNX of any batch and give the largest difference in probability on the images."""
    program = torch.onnx.export(
        network,
        (images,),
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    onnx.save(without_traces(program.model_proto), path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    logits = session.run(None, {"image": images.numpy()})[0]
    ours, theirs = torch.sigmoid(network(images)), torch.sigmoid(torch.from_numpy(logits))
    return float((ours - theirs).abs().max())


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop the exporter's notes, which hold stack traces with folders of this machine."""
    graph = model.graph
    for part in (
        model,
        graph,
        *graph.node,
        *graph.initializer,
        *graph.input,
        *graph.output,
        *graph.value_info,
    ):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return model


def write_keras(network: nn.Module, images: torch.Tensor, path: Path) -> float:
    """Write a .keras of plain layers and give the largest difference in probability."""
    from training.keras_twin import keras_twin, largest_difference  # starts Keras only when asked

    twin = keras_twin(network, tuple(images.shape[2:]))
    twin.save(path)
    return largest_difference(network, twin, images)


WRITERS = {"safetensors": write_safetensors, "onnx": write_onnx, "keras": write_keras}


def _probes(member: Member, count: int = 3) -> torch.Tensor:
    pairs = read_split("val")[:count]
    images = [to_network(pair.image, member.size, member.percentiles) for pair in pairs]
    return torch.from_numpy(np.stack(images)[:, None])


def main(arguments: Sequence[str] | None = None) -> None:
    """Export the members named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--member", choices=sorted(MEMBERS), nargs="*", default=list(MEMBERS))
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the checkpoints")
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args(arguments)
    for key in options.member:
        print(export_member(MEMBERS[key], options.runs / key / "best.pt", options.models))


if __name__ == "__main__":
    main()
