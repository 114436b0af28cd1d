"""Trains any starter model: seeded, resumable after each epoch, a running average kept by val."""

from __future__ import annotations

import copy
import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

Arrays = tuple[np.ndarray, ...]
STATEFUL = ("network", "average", "optimiser")
# without the instructions bfloat16 is emulated, at an eighth of the speed of float32
HALF_IS_FAST = torch.cpu.get_capabilities().get("avx512_bf16", False)


class Task(ABC):
    """What one kind of starter learns: its data, samples, loss and the score that chooses."""

    batch = 4
    learning_rate = 2e-3
    weight_decay = 1e-2
    average_decay = 0.995
    keeps_last = False  # where val is too small to tell epochs apart

    def prepare(self, network: nn.Module, runs: Path) -> None:
        """Take over weights of another model before the first epoch; most tasks take none."""
        return

    @abstractmethod
    def items(self, split: str) -> Sequence[Any]:
        """Read the items of train or val."""

    @abstractmethod
    def sample(self, item: Any, rng: np.random.Generator) -> Arrays:
        """Give one augmented sample: the network's input first, then what it should say."""

    @abstractmethod
    def loss(self, output: Any, *targets: torch.Tensor) -> torch.Tensor:
        """Give the loss of a batch."""

    @abstractmethod
    def scores(self, network: nn.Module, items: Sequence[Any]) -> dict[str, float]:
        """Measure the network on val; the entry "score" is what chooses."""


class Loop:
    """Holds what a checkpoint holds: network, its running average, optimiser, epoch, best score."""

    def __init__(
        self, task: Task, network: nn.Module, *, seed: int, epochs: int, folder: Path
    ) -> None:
        task.prepare(network, folder.parent)
        if all(value.dim() < 5 for value in network.parameters()):
            network.to(memory_format=torch.channels_last)  # a tenth faster on flat pictures
        self.task, self.network, self.seed = task, network, seed
        self.epochs, self.folder = epochs, folder
        self.train, self.val = task.items("train"), task.items("val")
        self.average = copy.deepcopy(network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            network.parameters(), lr=task.learning_rate, weight_decay=task.weight_decay
        )
        self.epoch, self.step, self.best = 0, 0, 0.0
        self.peak = task.learning_rate

    def run(self, evaluate_every: int) -> None:
        """Train to the last epoch, keeping the average that does best on val."""
        while self.epoch < self.epochs:
            started, cpu = time.monotonic(), time.process_time()
            loss = self._train_epoch()
            self.epoch += 1
            line = {"epoch": self.epoch, "loss": round(loss, 4)}
            if self.epoch % evaluate_every == 0 or self.epoch == self.epochs:
                line |= self._evaluate()
            line["wall_s"] = round(time.monotonic() - started)
            line["cpu_s"] = round(time.process_time() - cpu)
            self._save()
            print(json.dumps(line), flush=True)

    def _train_epoch(self) -> float:
        self.network.train()
        losses = []
        for images, *targets in self._batches():
            self._set_learning_rate()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF_IS_FAST):
                output = self.network(images)
            loss = self.task.loss(_in_float32(output), *targets)
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
            self.optimiser.step()
            self._update_average()
            losses.append(loss.item())
        return float(np.mean(losses))

    def _batches(self) -> Iterator[list[torch.Tensor]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(len(self.train))
        batch = self.task.batch
        for start in range(0, len(order) - batch + 1, batch):
            chosen = [self.train[index] for index in order[start : start + batch]]
            samples = zip(*(self.task.sample(item, rng) for item in chosen), strict=True)
            yield [torch.from_numpy(np.stack(arrays)) for arrays in samples]

    def _set_learning_rate(self) -> None:
        """Rise for a twentieth of the way, then fall along a cosine to a hundredth."""
        done = self.step / (self.epochs * (len(self.train) // self.task.batch))
        fall = 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2
        for group in self.optimiser.param_groups:
            group["lr"] = self.peak * min(1.0, 0.02 + done / 0.05) * fall

    def _update_average(self) -> None:
        self.step += 1
        decay = min(self.task.average_decay, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])

    def _evaluate(self) -> dict[str, Any]:
        with torch.inference_mode():
            scores = self.task.scores(self.average, self.val)
        found = {name: float(value) for name, value in scores.items()}
        better = self.task.keeps_last or found["score"] > self.best
        if better:
            self.best = found["score"]
            torch.save(self.average.state_dict(), self.folder / "best.pt")
        return {name: round(value, 4) for name, value in found.items()} | {"best": better}

    def _save(self) -> None:
        state = {name: getattr(self, name).state_dict() for name in STATEFUL}
        state |= {name: getattr(self, name) for name in ("epoch", "step", "best")}
        partial = self.folder / "checkpoint.part"
        torch.save(state, partial)
        partial.replace(self.folder / "checkpoint.pt")

    def start_from(self, weights: Path) -> None:
        """Take over the weights of an earlier run, at half the highest learning rate."""
        for network in (self.network, self.average):
            network.load_state_dict(torch.load(weights, weights_only=True))
        self.peak /= 2

    def resume(self) -> None:
        """Carry on from the checkpoint, if there is one; another `epochs` bends the schedule."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        for name in STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        self.epoch, self.step, self.best = state["epoch"], state["step"], state["best"]


def _in_float32(output: Any) -> Any:
    if isinstance(output, tuple):
        return tuple(part.float() for part in output)
    return output.float()
