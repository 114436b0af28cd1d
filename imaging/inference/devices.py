"""Choose where a member runs: what was asked, what there is, and one sentence when they differ."""

from __future__ import annotations

import re
from dataclasses import dataclass

DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,2})?")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a member runs: "cpu" or "cuda:N", and why that is not what was asked ("" if it is)."""

    device: str
    fallback: str = ""


def is_device(text: object) -> bool:
    return isinstance(text, str) and DEVICE.fullmatch(text) is not None


def cuda_count() -> int:
    """Return how many CUDA devices torch can use here: the one seam that tests may fake."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def resolve(asked: str) -> Placement:
    """Return the place for "auto", "cpu", "cuda" or "cuda:N"; what is missing becomes the CPU."""
    if not is_device(asked):
        raise ValueError(f"device {asked!r} is not auto, cpu, cuda or cuda:N")
    if asked == "cpu":
        return Placement("cpu")
    count = cuda_count()
    index = int(asked.partition(":")[2] or 0)
    if index < count:
        return Placement(f"cuda:{index}")
    if asked == "auto":
        return Placement("cpu")
    if count == 0:
        return Placement("cpu", "CUDA is not available on this machine; ran on CPU.")
    return Placement(
        "cpu", f"This machine has no {asked}, only {count} CUDA device(s); ran on CPU."
    )
