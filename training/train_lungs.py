"""Trains one member of the lung ensemble on the Montgomery training split.

    python -m training.train_lungs --member resunet --epochs 250

Interrupted, the same command carries on from the last checkpoint.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from imaging.inference.grids import resize_map
from training.augment import make_sample
from training.data import REPOSITORY, Pair, data_root, read_split
from training.grid import to_network
from training.loop import HALF_IS_FAST
from training.losses import dice, dice_bce_loss
from training.networks import MEMBERS, Member, build_network

RUNS = REPOSITORY / "var" / "training"
EMA_DECAY = 0.998
SHIFTED_PER_IMAGE = 3


class Trainer:
    """Holds what a checkpoint holds: network, its running average, optimiser, epoch, best score."""

    def __init__(self, member: Member, epochs: int, batch: int, folder: Path) -> None:
        torch.manual_seed(member.seed)
        self.member, self.epochs, self.batch, self.folder = member, epochs, batch, folder
        self.train, self.val = read_split("train"), read_split("val")
        self.shifted = _shifted_views(self.val, member)
        network = build_network(member.network)
        self.network = network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=member.learning_rate, weight_decay=1e-2
        )
        self.peak = member.learning_rate
        self.epoch, self.step, self.best = 0, 0, 0.0

    def run(self, evaluate_every: int) -> None:
        """Train to the last epoch, keeping the average that does best on val."""
        while self.epoch < self.epochs:
            started = time.monotonic()
            loss = self._train_epoch()
            self.epoch += 1
            if self.epoch % evaluate_every == 0 or self.epoch == self.epochs:
                self._evaluate(loss, time.monotonic() - started)
            self._save()

    def _train_epoch(self) -> float:
        self.network.train()
        losses = []
        for images, masks in self._batches():
            self._set_learning_rate()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=HALF_IS_FAST):
                logits = self.network(images)
            loss = dice_bce_loss(logits.float(), masks)
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
            self.optimiser.step()
            self._update_average()
            losses.append(loss.item())
        return float(np.mean(losses))

    def _batches(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        rng = np.random.default_rng([self.member.seed, self.epoch])
        order = rng.permutation(len(self.train))
        for start in range(0, len(order) - self.batch + 1, self.batch):
            pairs = [self.train[index] for index in order[start : start + self.batch]]
            yield _stack([self._sample(pair, rng) for pair in pairs])

    def _sample(self, pair: Pair, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return make_sample(pair, self.member.size, self.member.percentiles, rng)

    def _set_learning_rate(self) -> None:
        """Rise for a twentieth of the way, then fall along a cosine to a hundredth."""
        done = self.step / (self.epochs * (len(self.train) // self.batch))
        fall = 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2
        for group in self.optimiser.param_groups:
            group["lr"] = self.peak * min(1.0, 0.02 + done / 0.05) * fall

    def _update_average(self) -> None:
        self.step += 1
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        current = self.network.state_dict()
        for name, value in self.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])

    def _evaluate(self, loss: float, epoch_s: float) -> None:
        clean = dice_at_own_grid(self.average, self.val, self.member)
        shifted = _dice_of_views(self.average, self.shifted)
        score = (clean + shifted) / 2
        line = {"epoch": self.epoch, "loss": loss, "val": clean, "val_shifted": shifted}
        line |= {"epoch_s": round(epoch_s, 1), "best": score > self.best}
        print(json.dumps({k: round(v, 5) if k != "epoch" else v for k, v in line.items()}))
        if score > self.best:
            self.best = score
            torch.save(self.average.state_dict(), self.folder / "best.pt")

    def _save(self) -> None:
        state = {name: getattr(self, name).state_dict() for name in _STATEFUL}
        state |= {name: getattr(self, name) for name in ("epoch", "step", "best", "peak")}
        partial = self.folder / "checkpoint.part"
        torch.save(state, partial)
        partial.replace(self.folder / "checkpoint.pt")

    def start_from(self, weights: Path) -> None:
        """Take over the weights of an earlier run, at a third of its highest learning rate."""
        for network in (self.network, self.average):
            network.load_state_dict(torch.load(weights, weights_only=True))
        self.peak /= 3

    def resume(self) -> None:
        """Carry on from the checkpoint, if there is one; another `epochs` bends the schedule."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        for name in _STATEFUL:
            getattr(self, name).load_state_dict(state[name])
        self.peak, self.epoch, self.step = state["peak"], state["epoch"], state["step"]
        self.best = state["best"]


_STATEFUL = ("network", "average", "optimiser")


@torch.inference_mode()
def dice_at_own_grid(network: nn.Module, pairs: Sequence[Pair], member: Member) -> float:
    """Give the mean Dice over pairs, at the grid of each image."""
    values = []
    for pair in pairs:
        image = to_network(pair.image, member.size, member.percentiles)
        probability = torch.sigmoid(network(torch.from_numpy(image)[None, None]))[0, 0].numpy()
        values.append(dice(resize_map(probability, pair.mask.shape) >= 0.5, pair.mask > 0))
    return float(np.mean(values))


@torch.inference_mode()
def _dice_of_views(network: nn.Module, views: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    values = []
    for image, mask in views:
        logits = network(torch.from_numpy(image)[None, None])[0, 0].numpy()
        if (mask >= 0.5).any():
            values.append(dice(logits >= 0, mask >= 0.5))
    return float(np.mean(values))


def _shifted_views(pairs: Sequence[Pair], member: Member) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give the same hard views of val to every run: a stand-in for other scanners."""
    rng = np.random.default_rng(2014)
    return [
        make_sample(pair, member.size, member.percentiles, rng)
        for pair in pairs
        for _ in range(SHIFTED_PER_IMAGE)
    ]


def _stack(samples: list[tuple[np.ndarray, np.ndarray]]) -> tuple[torch.Tensor, torch.Tensor]:
    images, masks = (np.stack(arrays)[:, None] for arrays in zip(*samples, strict=True))
    batch = torch.from_numpy(images).contiguous(memory_format=torch.channels_last)
    return batch, torch.from_numpy(masks)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the member named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--member", choices=sorted(MEMBERS), required=True)
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--start-from", type=Path, help="weights (best.pt) of an earlier run")
    parser.add_argument("--size", type=int, help="side of the input, default: the member's own")
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--evaluate-every", type=int, default=5, help="epochs between looks at val")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the checkpoints")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    folder = options.runs / options.member
    folder.mkdir(parents=True, exist_ok=True)
    print(f"training {options.member} on {data_root()}, checkpoints in {folder}")
    member = MEMBERS[options.member]
    member = dataclasses.replace(member, size=options.size or member.size)
    trainer = Trainer(member, options.epochs, options.batch, folder)
    trainer.resume()
    if options.start_from and not trainer.epoch:
        trainer.start_from(options.start_from)
    trainer.run(options.evaluate_every)


if __name__ == "__main__":
    main()
