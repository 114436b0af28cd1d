"""Analyse files with an ensemble from the terminal; no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from accounts.commands import misuse
from imaging.engine.client import decode_engine, infer_engine
from imaging.terminal.command import (
    TerminalCommand,
    add_ensemble_arguments,
    spec_from_options,
)
from imaging.terminal.inputs import as_inputs, clean_path, images_under
from imaging.terminal.outputs import Bench, input_analyse
from imaging.terminal.progress import meter
from imaging.terminal.summary import summary_write
from imaging.terminal.work import series_found


class Command(TerminalCommand):
    help = (
        "Analyse images and write mask, probability, overlay and measures of each."
        " The slices of one DICOM series are one volume. Exit code 1: some failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="+", type=Path, help="a file, or a folder of files")
        add_ensemble_arguments(parser)
        parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if absent")
        parser.add_argument("--json", action="store_true", help="print a list of objects")

    def handle(self, *, path: list[Path], out: Path, **options: Any) -> None:
        spec = spec_from_options(self.models_dir, options)
        try:
            files, passed = images_under(path)
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise misuse(error) from error
        if not files:
            raise misuse("There is no image among the paths given.")
        with decode_engine() as decoder, meter(len(files)) as bar:
            inputs = as_inputs(series_found(decoder, files))
            bench = Bench(
                decoder, infer_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB), spec, out,
                self.models_dir, options["modality"], settings.ENGINE_CALL_TIMEOUT_S,
                settings.RESEARCH_NOTICE,
            )  # fmt: skip
            try:
                rows = [input_analyse(bench, one, bar) for one in inputs]
                summary_write(out / "summary.csv", rows)
            except OSError as error:
                raise CommandError(f"The output cannot be written: {error}") from error
        self._report(rows, passed, options["json"])
        self.some_failed(sum(row["outcome"] == "failed" for row in rows), len(rows))

    def _report(self, rows: list[dict[str, Any]], passed: list[Path], as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=1))
            return
        for row in rows:
            good = row["outcome"] == "analysed"
            self.stdout.write(f"{row['file']}: {row['answer'] if good else row['reason']}")
        for path in passed:
            self.stdout.write(f"{clean_path(path)}: passed over, not an image")
        self.stdout.write(settings.RESEARCH_NOTICE)
