"""Measures the delivered members and their ensemble against the reference lung masks.

python -m training.evaluate --json var/training/figures.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from imaging.measures.probability import quantise
from training.data import EXTERNAL_SET, TRAINING_SET, Pair, read_external, read_split
from training.delivered import DeliveredModel, open_model
from training.export import MODELS
from training.losses import dice

LEVEL = 128  # ⌈255·0.5⌉: in the mask iff q ≥ 128 (MEASURES §3)
SETS = {
    f"{TRAINING_SET} val": lambda: read_split("val"),
    f"{TRAINING_SET} test": lambda: read_split("test"),
    EXTERNAL_SET: read_external,
}


def evaluate_set(
    pairs: Sequence[Pair], models: Sequence[DeliveredModel], weights: Sequence[float]
) -> dict[str, Any]:
    """Give the Dice of each member and of the weighted mean over a set of pairs."""
    names = [model.name for model in models]
    values: dict[str, dict[str, float]] = {name: {} for name in ["ensemble", *names]}
    shares = np.asarray(weights, dtype=np.float32) / np.sum(weights, dtype=np.float32)
    for pair in pairs:
        maps = [model.probability(pair.image) for model in models]
        mean = sum(share * member for share, member in zip(shares, maps, strict=True))
        for name, probability in zip(values, [mean, *maps], strict=True):
            mask = quantise(probability) >= LEVEL
            values[name][pair.name] = dice(mask, pair.mask > 0)
    summaries = {name: {"dice": summarise(found)} for name, found in values.items()}
    ensemble = summaries.pop("ensemble")
    return {"ensemble": ensemble, "members": summaries, "images": len(pairs)}


def summarise(values: Mapping[str, float]) -> dict[str, Any]:
    """Give mean, SD (ddof 0), median, worst and the worst image's name."""
    worst = min(values, key=values.__getitem__)
    scores = np.array(list(values.values()))
    spread = {"mean": scores.mean(), "sd": scores.std(), "median": np.median(scores)}
    figures = {name: round(float(value), 4) for name, value in spread.items()}
    return figures | {"worst": round(values[worst], 4), "worst_file": worst}


def open_ensemble(models: Path, name: str) -> tuple[list[DeliveredModel], list[float]]:
    """Open the members of `ensembles/NAME.json` with their weights."""
    members = json.loads((models / "ensembles" / f"{name}.json").read_text())["members"]
    opened = [open_model(models / member["model"]) for member in members]
    return opened, [float(member["weight"]) for member in members]


def _print_table(title: str, figures: Mapping[str, Any]) -> None:
    print(f"\n{title}, {figures['images']} images")
    rows = {"ensemble": figures["ensemble"], **figures["members"]}
    for name, row in rows.items():
        found = row["dice"]
        spread = f"{found['mean']:.4f} ± {found['sd']:.4f}  median {found['median']:.4f}"
        print(f"  {name:22} {spread}  worst {found['worst']:.4f} {found['worst_file']}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of each set asked for and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ensemble", default="xray-lungs")
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--sets", choices=list(SETS), nargs="*", default=list(SETS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    models, weights = open_ensemble(options.models, options.ensemble)
    figures = {name: evaluate_set(SETS[name](), models, weights) for name in options.sets}
    for name, found in figures.items():
        _print_table(name, found)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
