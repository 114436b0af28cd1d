"""Propose member weights and a threshold for an ensemble, and say what they gain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.commands import misuse
from imaging.engine.client import decode_engine, infer_engine
from imaging.inference.ensembles import ENSEMBLES
from imaging.inference.spec import EnsembleSpec, spec_from_file
from imaging.terminal.command import TerminalCommand, add_json_argument
from imaging.terminal.inputs import clean_path, images_under, stem
from imaging.terminal.pairs import Pairs, pairs_by_stem
from imaging.terminal.progress import meter
from imaging.terminal.truths import class_truths
from imaging.terminal.tuning import Choice, Tried, is_worth_it, propose, tried, words
from imaging.terminal.tuning_classes import (
    Judged,
    Truths,
    class_words,
    judged,
    propose_classes,
)
from imaging.terminal.work import EXPECTED, analysed, map_read, opened, reason
from imaging.types import InferenceError


class Command(TerminalCommand):
    help = (
        "Run an ensemble's members on images with references, and propose weights and thresholds:"
        " of masks by cross-validated Dice, of classes by AUROC (--references is a CSV then)."
        " --write puts those of masks into the ensemble's file as suggested weights, which the run"
        " page offers; nothing is changed unasked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ensemble", required=True, metavar="NAME",
                            help="an ensemble of the models folder")  # fmt: skip
        parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="pictures")
        parser.add_argument("--references", type=Path, required=True, metavar="DIR|CSV",
                            help="masks of the same stem; of classes a CSV file")  # fmt: skip
        parser.add_argument("--modality", choices=("xray", "mri", "ct"), default="",
                            help="what pictures are that do not say it")  # fmt: skip
        parser.add_argument("--folds", type=int, default=5, help="of the cross-validation")
        add_json_argument(parser)
        parser.add_argument("--write", action="store_true", help="into models/ensembles/NAME.json")

    def handle(self, **options: Any) -> None:
        try:
            spec = spec_from_file(self.models_dir, options["ensemble"])
            if spec.type == "classification":
                return self._classes(spec, options)
            pairs = pairs_by_stem(options["images"], options["references"])
        except (InferenceError, OSError, ValueError) as error:
            raise misuse(error) from error
        if spec.type == "detection":
            raise misuse("Ensembles of detectors are not tuned here.")
        if not pairs.pairs:
            raise misuse("No image has a reference with the same name before the ending.")
        images, failed = self._tried(spec, pairs, options["modality"])
        names = [member.model for member in spec.members]
        now = Choice(tuple(spec.shares[name] for name in names), spec.threshold)
        try:
            found = propose(images, now, folds=options["folds"])
        except ValueError as error:
            raise CommandError(str(error)) from error
        if options["json"] is not True:
            self.stdout.write("\n".join(words(names, found)))
        told = found | {"weights": dict(zip(names, found["weights"], strict=True))}
        told["data_sha256"] = pairs.sha256()
        self.tell(told, options["json"])
        if options["write"]:
            there = self._write(options["ensemble"], told)
            if there and options["json"] is not True:
                self.stdout.write(f"Written into {there}. Run: manage.py sync_models")
        self.some_failed(failed, len(pairs.pairs))

    def _classes(self, spec: EnsembleSpec, options: dict[str, Any]) -> None:
        """Weights of a classifier: `--references` is a CSV file with a row per image."""
        if options["write"]:
            raise misuse("--write is for masks: a classifier has a threshold per label.")
        truths = class_truths(options["references"], spec.labels)
        known = [one for one in images_under([options["images"]])[0] if stem(one) in truths]
        judged, failed = self._judged(spec, known, truths, options["modality"])
        names = [member.model for member in spec.members]
        now = [spec.shares[name] for name in names]
        found = propose_classes(judged, spec.labels, now, folds=options["folds"])
        if options["json"] is not True:
            self.stdout.write("\n".join(class_words(names, found)))
        told = found | {"weights": dict(zip(names, found["weights"], strict=True))}
        self.tell(told, options["json"])
        self.some_failed(failed, len(known))

    def _judged(
        self, spec: EnsembleSpec, files: list[Path], truths: Truths, modality: str
    ) -> tuple[list[Judged], int]:
        found, failed = [], 0
        infer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB)
        with decode_engine() as decoder, meter(len(files)) as bar:
            for path in files:
                bar.begin(clean_path(path))
                try:
                    with opened(decoder, path, modality=modality) as picture:
                        told = analysed(
                            infer, picture, spec, models_dir=self.models_dir, maps=False,
                            timeout_s=settings.ENGINE_CALL_TIMEOUT_S, on_progress=bar.step,
                        )  # fmt: skip
                        patient = picture.record["header"]["patient_id"] or path.name
                        found.append(judged(spec, told, path.name, patient, truths[stem(path)]))
                except EXPECTED as error:
                    failed += 1
                    self.stderr.write(f"{clean_path(path)}: {reason(error)}")
                bar.end()
        return found, failed

    def _tried(self, spec: EnsembleSpec, pairs: Pairs, modality: str) -> tuple[list[Tried], int]:
        found, failed = [], 0
        infer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB)
        with decode_engine() as decoder, meter(len(pairs.pairs)) as bar:
            for image, reference in pairs.pairs:
                file = clean_path(image.relative_to(pairs.root))
                bar.begin(file)
                try:
                    with (
                        opened(decoder, image, modality=modality) as picture,
                        opened(decoder, reference, modality=modality) as truth,
                    ):
                        told = analysed(
                            infer, picture, spec, models_dir=self.models_dir,
                            timeout_s=settings.ENGINE_CALL_TIMEOUT_S, on_progress=bar.step,
                        )  # fmt: skip
                        maps = told["maps"]["members"]
                        patient = picture.record["header"]["patient_id"] or file
                        found.append(
                            tried(
                                file, patient,
                                [map_read(picture, maps[one.model]) for one in spec.members],
                                truth.volume.array != 0,
                            )
                        )  # fmt: skip
                except EXPECTED as error:
                    failed += 1
                    self.stderr.write(f"{file}: {reason(error)}")
                bar.end()
        return found, failed

    def _write(self, name: str, told: dict[str, Any]) -> Path | None:
        """Put the proposal beside the ensemble's own weights, which stay; return the file."""
        if not is_worth_it(told):
            self.stderr.write("Not written: the gain is not more than chance.")
            return None
        path = self.models_dir / ENSEMBLES / f"{name}.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        keys = ("weights", "threshold", "gain", "ci95", "images", "folds", "data_sha256")
        record["suggested"] = {key: told[key] for key in keys}
        path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path
