"""Measures a delivered starter ensemble on its test split, by `manage.py validate`.

python -m training.figures --ensemble mri-hippocampus
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from training import hippocampus, tuberculosis, tumour
from training.boxes import box_of
from training.data import REPOSITORY, data_root, read_pairs
from training.deliver import members_of
from training.export import MODELS, write_json
from training.recipes import RECIPES

FIGURES = REPOSITORY / "var" / "figures"


def lay_out(ensemble: str, folder: Path) -> list[tuple[str, Path, Path]]:
    """Copy each test set to FOLDER/ENSEMBLE/SET/{images, references}; give the places."""
    inside = folder / ensemble
    return [_laid(name, inside / name, fill) for name, fill in TEST_SETS[ensemble].items()]


def _laid(name: str, folder: Path, fill: Callable[[Path, Path], Path]) -> tuple[str, Path, Path]:
    shutil.rmtree(folder, ignore_errors=True)
    images, references = folder / "images", folder / "references"
    images.mkdir(parents=True)
    references.mkdir()
    return name, images, fill(images, references)


def _hippocampus(images: Path, references: Path) -> Path:
    source = data_root() / hippocampus.SET
    for name in hippocampus.names_of("test"):
        shutil.copyfile(source / "images" / name, images / name)
        shutil.copyfile(source / "labels" / name, references / name)
    return references


def _tumour(images: Path, references: Path) -> Path:
    source = data_root() / tumour.SET
    for name in tumour.names_of("test"):
        shutil.copyfile(source / "images" / name, images / name)
        shutil.copyfile(source / "masks" / name, references / name)
    return references


def _boxes(images: Path, references: Path) -> Path:
    source, table = data_root() / tumour.SET, references / "boxes.csv"
    with table.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["file", "label", "x0", "y0", "x1", "y1"])
        for pair in read_pairs(source, tumour.names_of("test")):
            lines.writerow([pair.name, "tumour", *(box_of(pair.mask > 0) or [""] * 4)])
            shutil.copyfile(source / "images" / pair.name, images / pair.name)
    return table


def _films(name: str, split: str) -> Callable[[Path, Path], Path]:
    def fill(images: Path, references: Path) -> Path:
        source, table = data_root() / name, references / "labels.csv"
        with (source / "labels.csv").open(newline="") as rows:
            chosen = [row for row in csv.DictReader(rows) if split in ("", row["split"])]
        with table.open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["file", "tuberculosis"])
            lines.writerows((row["file"], row["tuberculosis"]) for row in chosen)
        for row in chosen:
            shutil.copyfile(source / "images" / row["file"], images / row["file"])
        return table

    return fill


def _ct(images: Path, references: Path) -> Path:
    source = data_root() / "ct"
    shutil.copyfile(source / "example_ct_small.nii.gz", images / "example_ct_small.nii.gz")
    shutil.copyfile(source / "example_ct_lungs.nii.gz", references / "example_ct_small.nii.gz")
    return references


TEST_SETS: dict[str, dict[str, Callable[[Path, Path], Path]]] = {
    "mri-hippocampus": {f"{hippocampus.SET} test": _hippocampus},
    "mri-brain-tumour": {f"{tumour.SET} test": _tumour},
    "mri-brain-tumour-detector": {f"{tumour.SET} test": _boxes},
    "xray-tuberculosis": {
        f"{tuberculosis.SET} test": _films(tuberculosis.SET, "test"),
        tuberculosis.OTHER_HOSPITAL: _films(tuberculosis.OTHER_HOSPITAL, ""),
    },
    "ct-lungs": {"ct example_ct_small": _ct},
}


def measure(ensemble: str, images: Path, references: Path) -> dict[str, Any]:
    """Give {images, ensemble, members}: what `validate` says of the ensemble and each member.

    Of masks one run tells both. Of the one class or kind of box it tells the ensemble alone, so
    each member is asked for by itself.
    """
    whole = _validated(["--ensemble", ensemble], ensemble, images, references)
    if RECIPES[ensemble].metadata["type"] == "segmentation":
        return whole
    members = [one.name for one in members_of(ensemble, MODELS)]
    alone = {
        name: whole
        if len(members) == 1
        else _validated(["--member", name], ensemble, images, references)
        for name in members
    }
    only = {name: next(iter(table["labels"].values())) for name, table in alone.items()}
    of_ensemble = next(iter(whole["labels"].values()))
    return {"images": whole["images"], "ensemble": of_ensemble, "members": only}


def _validated(what: list[str], ensemble: str, images: Path, references: Path) -> dict[str, Any]:
    table = images.parent / "validate.json"
    command = [sys.executable, str(REPOSITORY / "manage.py"), "validate", *what]
    command += ["--images", str(images), "--references", str(references), "--json", str(table)]
    command += RECIPES[ensemble].validate
    print(" ".join(command[1:]), flush=True)
    subprocess.run(command, check=True, cwd=REPOSITORY)
    return json.loads(table.read_text())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one ensemble on each of its test sets and keep the tables as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ensemble", choices=sorted(RECIPES), required=True)
    parser.add_argument("--folder", type=Path, default=FIGURES)
    options = parser.parse_args(arguments)
    for _, images, references in lay_out(options.ensemble, options.folder):
        table = measure(options.ensemble, images, references)
        write_json(images.parent / f"{options.ensemble}.json", table)


if __name__ == "__main__":
    main()
