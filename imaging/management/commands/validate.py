"""Compare an ensemble and its members with reference masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.commands import misuse
from imaging.answer_words import refusal
from imaging.engine.client import decode_engine, infer_engine
from imaging.inference.spec import EnsembleSpec
from imaging.terminal import answers
from imaging.terminal.command import (
    TerminalCommand,
    add_ensemble_arguments,
    add_json_argument,
    spec_from_options,
)
from imaging.terminal.inputs import clean_path, images_under, stem
from imaging.terminal.pairs import Pairs, pairs_by_stem
from imaging.terminal.progress import meter
from imaging.terminal.reports import cases_write, report_of, report_table
from imaging.terminal.scores import METRICS, Case, missed
from imaging.terminal.truths import box_truths, class_truths
from imaging.terminal.validation import Examiner, pair_examine
from imaging.terminal.work import EXPECTED, analysed, opened, reason
from imaging.types import InferenceError


class Command(TerminalCommand):
    help = "Compare an ensemble and each of its members with reference masks, paired by stem."

    def add_arguments(self, parser: CommandParser) -> None:
        add_ensemble_arguments(parser)
        parser.add_argument("--images", type=Path, required=True, metavar="DIR", help="pictures")
        parser.add_argument(
            "--references",
            type=Path,
            required=True,
            metavar="DIR|CSV",
            help="a folder of masks; for classes and boxes a CSV file with a column “file”",
        )
        parser.add_argument(
            "--labels",
            nargs="+",
            metavar="NAME[=VALUE]",
            help="finding labels and their values in the references (1, 2, … as listed)",
        )
        add_json_argument(parser)
        parser.add_argument("--cases", type=Path, metavar="FILE", help="write a CSV row per case")
        parser.add_argument(
            "--min",
            action="append",
            default=[],
            metavar="METRIC=VALUE",
            help="exit code 1 when the ensemble's mean misses it; for hd95 it is a maximum",
        )

    def handle(self, **options: Any) -> None:
        spec = spec_from_options(self.models_dir, options)
        if spec.type != "segmentation":
            self._answers(spec, options)
            return
        labels, bars = _labels(options["labels"], spec), _bars(options["min"], METRICS)
        try:
            pairs = pairs_by_stem(options["images"], options["references"])
        except (OSError, ValueError) as error:
            raise misuse(error) from error
        self._name_loners(pairs)
        if not pairs.pairs:
            raise misuse("No image has a reference of the same stem.")
        cases, failures = self._examine(spec, labels, pairs, options["modality"])
        report = report_of(spec, list(labels), cases) | {"data_sha256": pairs.sha256()}
        self._publish(report, cases, options)
        if sentences := missed(report, bars):
            raise CommandError(f"{'; '.join(sentences)}.")
        self.some_failed(failures, len(pairs.pairs))

    def _answers(self, spec: EnsembleSpec, options: dict[str, Any]) -> None:
        """Classes and boxes: `--references` is a CSV file, a row per image or per box."""
        metrics = answers.METRICS[spec.type]
        bars = _bars(options["min"], metrics)
        is_boxes = spec.type == "detection"
        try:
            truths = (box_truths if is_boxes else class_truths)(options["references"], spec.labels)
            files = [f for f in images_under([options["images"]])[0] if stem(f) in truths]
        except (OSError, ValueError) as error:
            raise misuse(error) from error
        if not files:
            raise misuse("No image has a row in the references.")
        found, failures = self._said(answers.asked_of(spec), files, options["modality"])
        report = (answers.box_report if is_boxes else answers.class_report)(spec, found, truths)
        if options["json"] is not True:
            self.console().print(answers.answers_table(report, metrics))
            self.stdout.write(f"{report['images']} images. {settings.RESEARCH_NOTICE}")
        self.tell(report, options["json"])
        if sentences := answers.missed(report, bars):
            raise CommandError(f"{'; '.join(sentences)}.")
        self.some_failed(failures, len(files))

    def _said(
        self, spec: EnsembleSpec, files: list[Path], modality: str
    ) -> tuple[dict[str, list[dict[str, Any]]], int]:
        """Return the classes or boxes of every image by stem, and how many failed."""
        found: dict[str, list[dict[str, Any]]] = {}
        inferrer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB)
        with decode_engine() as decoder, meter(len(files)) as bar:
            for file in files:
                bar.begin(clean_path(Path(file.name)))
                try:
                    with opened(decoder, file, modality=modality) as picture:
                        analysis = analysed(
                            inferrer, picture, spec, models_dir=self.models_dir,
                            timeout_s=settings.ENGINE_CALL_TIMEOUT_S, on_progress=bar.step,
                            maps=False,
                        )  # fmt: skip
                    if sentence := refusal(analysis):
                        raise InferenceError(sentence)
                    found[stem(file)] = analysis["classes"] or analysis["boxes"]
                except EXPECTED as error:
                    self.stderr.write(f"{clean_path(Path(file.name))}: {reason(error)}")
                bar.end()
        return found, len(files) - len(found)

    def _examine(
        self, spec: EnsembleSpec, labels: dict[str, int | None], pairs: Pairs, modality: str
    ) -> tuple[list[Case], int]:
        cases, failures = [], 0
        inferrer = infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB)
        with decode_engine() as decoder, meter(len(pairs.pairs)) as bar:
            examiner = Examiner(
                decoder, inferrer, spec, labels, self.models_dir, modality,
                settings.ENGINE_CALL_TIMEOUT_S,
            )  # fmt: skip
            for image, reference in pairs.pairs:
                file = clean_path(image.relative_to(pairs.root))
                bar.begin(file)
                try:
                    cases += pair_examine(
                        examiner, image, reference, file=file, on_progress=bar.step
                    )
                except EXPECTED as error:
                    failures += 1
                    self.stderr.write(f"{file}: {reason(error)}")
                bar.end()
        return cases, failures

    def _publish(self, report: dict[str, Any], cases: list[Case], options: dict[str, Any]) -> None:
        if options["json"] is not True:
            self.console().print(report_table(report))
            self.stdout.write(f"{report['images']} images. {settings.RESEARCH_NOTICE}")
        self.tell(report, options["json"])
        try:
            if options["cases"]:
                cases_write(options["cases"], cases)
        except OSError as error:
            raise CommandError(f"The table cannot be written: {error}") from error

    def _name_loners(self, pairs: Pairs) -> None:
        alone = {"reference": pairs.images_alone, "image": pairs.references_alone}
        for other, paths in alone.items():
            if paths:
                names = ", ".join(clean_path(Path(path.name)) for path in paths)
                self.stderr.write(f"Left out, no {other} of the same stem: {names}")


def _labels(texts: list[str] | None, spec: EnsembleSpec) -> dict[str, int | None]:
    """Return {label: value}. Without --labels: the only one by any value, several from 1 on."""
    if not texts and len(spec.labels) == 1:
        return {spec.labels[0]: None}
    found: dict[str, int | None] = {}
    for number, text in enumerate(texts or spec.labels, start=1):
        name, _, value = text.partition("=")
        if name not in spec.labels:
            raise misuse(f"There is no label “{name}”; there is {', '.join(spec.labels)}.")
        if value and not value.isdecimal():
            raise misuse(f"“{text}”: the value is not a whole number.")
        found[name] = int(value or number)
    return found


def _bars(texts: list[str], metrics: Sequence[str]) -> dict[str, float]:
    bars = {}
    for text in texts:
        metric, _, value = text.partition("=")
        try:
            bars[metric] = float(value)
        except ValueError:
            raise misuse(f"“{text}” is not of the form METRIC=VALUE.") from None
        if metric not in metrics:
            raise misuse(f"There is no metric “{metric}”; there is {', '.join(metrics)}.")
    return bars
