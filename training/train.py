"""Trains one starter model; interrupted, the same command carries on from the last checkpoint.

python -m training.train --model mri-hippocampus-unet
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import torch

from training.data import data_root
from training.loop import Loop
from training.starters import STARTERS, build, task_of
from training.train_lungs import RUNS


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the model named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=sorted(STARTERS), required=True)
    parser.add_argument("--epochs", type=int, help="default: the model's own")
    parser.add_argument("--start-from", type=Path, help="weights (best.pt) of an earlier run")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--evaluate-every", type=int, default=1, help="epochs between looks at val")
    parser.add_argument("--runs", type=Path, default=RUNS, help="folder of the checkpoints")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    starter = STARTERS[options.model]
    folder = options.runs / starter.name
    folder.mkdir(parents=True, exist_ok=True)
    print(f"training {starter.name} on {data_root()}, checkpoints in {folder}", flush=True)
    torch.manual_seed(starter.seed)
    loop = Loop(
        task_of(starter),
        build(starter.network),
        seed=starter.seed,
        epochs=options.epochs or starter.epochs,
        folder=folder,
    )
    if options.start_from:
        loop.start_from(options.start_from)
    loop.resume()
    loop.run(options.evaluate_every)


if __name__ == "__main__":
    main()
