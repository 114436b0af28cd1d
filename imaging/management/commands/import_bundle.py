"""Draft a model from a MONAI bundle: its metadata and weights, never its code."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.commands import there
from accounts.json_answers import AnswersJson
from imaging.engine.client import EngineError
from imaging.engine.scratch import scratch_folder
from imaging.inference.bundle import read_bundle
from imaging.inference.model_files import MAX_MODEL_BYTES
from imaging.registry.taking import Sent, model_take
from imaging.terminal.taken import taken_facts, taken_lines
from imaging.types import InferenceError

MOST_ENTRIES = 2_000


class Command(AnswersJson):
    help = (
        "Read a MONAI bundle (folder or ZIP) as data and put a draft into the registry, for a"
        " person to confirm. Expressions are not evaluated, scripts not imported, nothing fetched."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the bundle's folder, or a ZIP of it")
        parser.add_argument("--name", default="", help="the model's name here")
        parser.add_argument("--modality", default="", choices=("", "xray", "mri", "ct"),
                            help="where the bundle does not say it")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, path: Path, name: str, modality: str, **options: Any) -> None:
        there(path)
        try:
            with scratch_folder(room_bytes=1 << 30) as scratch:
                bundle = path if path.is_dir() else _unzipped(path, scratch / path.stem)
                draft = read_bundle(bundle, name=name, modality=modality)
                folder = _written(draft, bundle, scratch / "model")
                model = model_take(Sent(folder, trusted=True, draft=True))
        except (InferenceError, EngineError, zipfile.BadZipFile) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            told = taken_facts(model) | {"draft_notes": list(draft.notes)}
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=1))
            return
        for note in draft.notes:
            self.stdout.write(f"  {note}")
        for line in taken_lines(model):
            self.stdout.write(line)
        self.stdout.write("Look through it on its page, then confirm the draft.")


def _written(draft: Any, bundle: Path, root: Path) -> Path:
    folder = root / draft.metadata["name"]
    folder.mkdir(parents=True)
    text = json.dumps(draft.metadata, ensure_ascii=False, indent=2)
    (folder / "metadata.json").write_text(text, encoding="utf-8")
    shutil.copyfile(draft.weights, folder / draft.weights.name)
    for source, name in ((bundle / "docs" / "README.md", "README.md"),
                         (bundle / "LICENSE", "LICENSE")):  # fmt: skip
        if source.is_file():
            shutil.copyfile(source, folder / name)
    return folder


def _unzipped(path: Path, target: Path) -> Path:
    """Unpack plain files only, counted; return the bundle's folder. Raises CommandError."""
    left = MAX_MODEL_BYTES
    with zipfile.ZipFile(path) as archive:
        entries = [one for one in archive.infolist() if not one.is_dir()]
        if len(entries) > MOST_ENTRIES:
            raise CommandError(f"The ZIP holds {len(entries)} files; {MOST_ENTRIES} are allowed.")
        for entry in entries:
            place = target / entry.filename
            is_inside = place.resolve().is_relative_to(target.resolve())
            if not is_inside or entry.external_attr >> 28 == 0xA or "\\" in entry.filename:
                raise CommandError(f"The ZIP holds {entry.filename!r}, which leads out of it.")
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, place.open("wb") as file:
                while piece := source.read(1 << 20):
                    left -= len(piece)
                    if left < 0:
                        raise CommandError("The ZIP unpacks to more than is allowed (2 GiB).")
                    file.write(piece)
    found = sorted(target.rglob("configs/metadata.json"))
    if not found:
        raise CommandError("The ZIP holds no bundle: there is no configs/metadata.json.")
    return found[0].parent.parent
