"""Writes the model cards from measured figures: README.md, LICENSE and the metadata's card.

python -m training.cards --json var/training/figures.json
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.data import EXTERNAL_SET, REPOSITORY, TRAINING_SET
from training.export import MODELS, write_json
from training.networks import MEMBERS, Member, build_network

Figures = Mapping[str, Any]
VAL, TEST = f"{TRAINING_SET} val", f"{TRAINING_SET} test"
TITLES = {
    VAL: "Montgomery, val (used to choose)",
    TEST: "Montgomery, test",
    EXTERNAL_SET: "Shenzhen, another hospital",
}
CARD = (Path(__file__).parent / "card.md").read_text()


def write_card(member: Member, figures: Figures, models: Path) -> Path:
    """Write README.md and LICENSE of a model folder and the figures in its metadata."""
    folder = models / member.name
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["card"]["evaluation"] = evaluation_of(member.name, figures)
    write_json(folder / "metadata.json", metadata)
    shutil.copyfile(REPOSITORY / "LICENSE", folder / "LICENSE")
    readme = folder / "README.md"
    readme.write_text(card_text(member, metadata, figures))
    return readme


def evaluation_of(name: str, figures: Figures) -> dict[str, Any]:
    """Give the test figures, and the external ones beside them, for metadata.json."""
    test, external = (_summary(name, figures[key]) for key in (TEST, EXTERNAL_SET))
    return {"set": TEST, **test, "external": {"set": EXTERNAL_SET, **external}}


def card_text(member: Member, metadata: Mapping[str, Any], figures: Figures) -> str:
    """Fill card.md for one member."""
    (file,) = metadata["sha256"]
    parameters = sum(value.numel() for value in build_network(member.network).parameters())
    low, high = member.percentiles
    return CARD.format(
        name=member.name,
        title=member.title,
        version=metadata["version"],
        file=file,
        sha256=metadata["sha256"][file],
        parameters=f"{parameters / 1e6:.2f} million",
        size=member.size,
        low=low,
        high=high,
        key=next(key for key, known in MEMBERS.items() if known is member),
        seed=member.seed,
        rows="\n".join(_rows(member.name, figures)),
    )


def _rows(name: str, figures: Figures) -> list[str]:
    rows = []
    for key, title in TITLES.items():
        for label, found in (
            ("this model", figures[key]["members"][name]["dice"]),
            ("ensemble `xray-lungs`", figures[key]["ensemble"]["dice"]),
        ):
            spread = f"{found['mean']:.4f} ± {found['sd']:.4f} | {found['median']:.4f}"
            worst = f"{found['worst']:.4f} (`{found['worst_file']}`)"
            rows.append(f"| {title} ({figures[key]['images']}) | {label} | {spread} | {worst} |")
    return rows


def _summary(name: str, found: Figures) -> dict[str, Any]:
    dice = found["members"][name]["dice"]
    summary = {"dice": dice["mean"], "sd": dice["sd"], "worst": dice["worst"]}
    return summary | {"worst_file": dice["worst_file"], "n": found["images"]}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the cards of all members from the figures of evaluate.py."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True, help="figures written by evaluate.py")
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args(arguments)
    figures = json.loads(options.json.read_text())
    for member in MEMBERS.values():
        print(write_card(member, figures, options.models))


if __name__ == "__main__":
    main()
