"""Brings a delivered member back into torch, so that it can be trained further.

python -m training.restore --runs var/restored
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load_file
from torch import nn

from training.augment import make_sample
from training.data import REPOSITORY, read_split
from training.delivered import open_model
from training.export import FILES, MODELS, TOLERANCE
from training.grid import to_network
from training.networks import MEMBERS, Member, build_network

FOLDED = "_bias"  # what the ONNX exporter adds to the name of a weight whose norm it folded in
STATISTICS_FROM = 24


def restore_member(member: Member, models: Path) -> nn.Module:
    """Give the torch network that returns what the delivered file returns.

    Raises ValueError when it does not.
    """
    network = build_network(member.network).eval()
    READERS[member.delivered_as](network, models / member.name / FILES[member.delivered_as], member)
    difference = _difference(network.eval(), member, models)
    if difference > TOLERANCE:
        raise ValueError(f"{member.name} is off by {difference:.2g} in probability")
    return network


def _read_safetensors(network: nn.Module, path: Path, member: Member) -> None:
    network.load_state_dict(load_file(path))


@torch.no_grad()
def _read_onnx(network: nn.Module, path: Path, member: Member) -> None:
    """Take the values by name; a norm that was folded into its convolution is unfolded."""
    graph = onnx.load(path).graph
    found = {item.name: _tensor(numpy_helper.to_array(item)) for item in graph.initializer}
    network.load_state_dict({k: v for k, v in found.items() if k in network.state_dict()}, False)
    folded = {name: found[name] for name in found if name.endswith("conv1.conv.weight" + FOLDED)}
    blocks = {name.removesuffix(".conv1.conv.weight" + FOLDED): name for name in folded}
    for block, name in blocks.items():
        unfold(network, network.get_submodule(block), folded[name], _samples(member))


@torch.no_grad()
def unfold(network: nn.Module, block: nn.Module, bias: torch.Tensor, images: torch.Tensor) -> None:
    """Give the second norm of a residual block the statistics of its input, and no effect.

    The norm then adds exactly the folded bias, with running statistics as with a batch's own.
    """
    seen: list[torch.Tensor] = []
    hook = block.conv1.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    network(images)
    hook.remove()
    norm, values = block.norm2, seen[0]
    norm.running_mean.copy_(values.mean(dim=(0, 2, 3)))
    norm.running_var.copy_(values.var(dim=(0, 2, 3)))
    norm.weight.copy_((norm.running_var + norm.eps).sqrt())
    norm.bias.copy_(norm.running_mean + bias)


def read_keras(network: nn.Module, path: Path, member: Member) -> None:
    """Copy back layer by layer, in the order in which keras_twin.py copied."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras  # reads the backend from the environment when it is first imported

    filled = [layer.get_weights() for layer in keras.models.load_model(path, compile=False).layers]
    filled = [values for values in filled if values]
    for module, values in zip(_filled_in_order(network), filled, strict=True):
        _fill(module, [_tensor(value) for value in values])


def _filled_in_order(network: nn.Module) -> Iterator[nn.Module]:
    """Give the modules that hold values, in the order in which keras_twin.py makes its layers."""
    for part in (*network.down, network.bottom, *_interleaved(network), network.head):
        for module in part.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
                yield module


def _interleaved(network: nn.Module) -> Iterator[nn.Module]:
    for lift, block in zip(network.lift, network.up, strict=True):
        yield lift
        yield block


@torch.no_grad()
def _fill(module: nn.Module, values: list[torch.Tensor]) -> None:
    if isinstance(module, nn.BatchNorm2d):
        targets = (module.weight, module.bias, module.running_mean, module.running_var)
    else:
        values[0] = values[0].permute(3, 2, 0, 1)
        targets = (module.weight, module.bias) if module.bias is not None else (module.weight,)
    for target, value in zip(targets, values, strict=True):
        target.copy_(value)


READERS: dict[str, Callable[[nn.Module, Path, Member], None]] = {
    "safetensors": _read_safetensors,
    "onnx": _read_onnx,
    "keras": read_keras,
}


@torch.inference_mode()
def _difference(network: nn.Module, member: Member, models: Path) -> float:
    """Give the largest |Δ probability| between the network and the delivered file on val images."""
    delivered = open_model(models / member.name)
    size = delivered.metadata["preprocessing"]["target_size"][0]
    largest = 0.0
    for pair in read_split("val")[:3]:
        image = to_network(pair.image, size, member.percentiles)[None, None]
        theirs = torch.sigmoid(torch.from_numpy(delivered.forward(image)))
        ours = torch.sigmoid(network(torch.from_numpy(image)))
        largest = max(largest, float((ours - theirs).abs().max()))
    return largest


def _samples(member: Member) -> torch.Tensor:
    """Give augmented training images, as a batch in training sees them."""
    rng = np.random.default_rng(member.seed)
    pairs = read_split("train")[:STATISTICS_FROM]
    made = [make_sample(pair, member.size, member.percentiles, rng)[0] for pair in pairs]
    return torch.from_numpy(np.stack(made)[:, None])


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(values))


def main(arguments: Sequence[str] | None = None) -> None:
    """Write RUNS/MEMBER/best.pt for the members named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--member", choices=sorted(MEMBERS), nargs="*", default=list(MEMBERS))
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--runs", type=Path, default=REPOSITORY / "var" / "restored")
    options = parser.parse_args(arguments)
    for key in options.member:
        network = restore_member(MEMBERS[key], options.models)
        folder = options.runs / key
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(network.state_dict(), folder / "best.pt")
        print(folder / "best.pt")


if __name__ == "__main__":
    main()
