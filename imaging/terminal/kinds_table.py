"""Modality × task × framework as a table in Markdown: what the models folder serves of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from imaging.inference.ensembles import ENSEMBLES
from imaging.inference.metadata import METADATA_FILE, ModelMetadata, read_metadata

MODALITIES = {"xray": "X-ray", "mri": "MRI", "ct": "CT"}
TASKS = ("segmentation", "classification", "detection")
FRAMEWORKS = {"pytorch": "PyTorch", "onnx": "ONNX", "tensorflow": "Keras"}
TRIED = "drawn picture"
BEGIN, END = "<!-- kinds: manage.py model_kinds --write -->", "<!-- /kinds -->"


def kinds_table(models_dir: Path, samples: Mapping[str, str]) -> str:
    """Return the table. `samples`: what the drawn sample of each ensemble shows.

    A cell names the models that come with the house; where there is none, a small model of that
    kind answers a drawn picture in tests/inference/test_every_kind.py.
    """
    cards = [read_metadata(path.parent) for path in sorted(models_dir.glob(f"*/{METADATA_FILE}"))]
    shown = _shown(models_dir, samples)
    heads = ["modality", "task", *FRAMEWORKS.values(), "sample that runs at the start"]
    rows = [heads, ["---"] * len(heads)]
    for modality, name in MODALITIES.items():
        for task in TASKS:
            mine = [one for one in cards if modality in one.modality and one.type == task]
            cells = [_cell(mine, framework) for framework in FRAMEWORKS]
            runs = sorted({shown[one.name] for one in mine if one.name in shown})
            rows.append([name, task, *cells, "; ".join(runs) or "—"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def placed(text: str, table: str) -> str:
    """Return `text` with the table between its marks. Raises ValueError where there are none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The text has no {BEGIN} … {END}.")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _cell(cards: list[ModelMetadata], framework: str) -> str:
    names = [f"`{one.name}`" for one in cards if one.framework == framework]
    return ", ".join(names) or TRIED


def _shown(models_dir: Path, samples: Mapping[str, str]) -> dict[str, str]:
    """Return for each member of a saved ensemble the sample that its ensemble reads."""
    found = {}
    for path in sorted((models_dir / ENSEMBLES).glob("*.json")):
        if path.stem in samples:
            for member in json.loads(path.read_text(encoding="utf-8"))["members"]:
                found[member["model"]] = samples[path.stem]
    return found
