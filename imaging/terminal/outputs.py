"""One input of `analyze`: decode, analyse, write its folder, say how it went."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imaging.engine.client import Engine
from imaging.inference.spec import EnsembleSpec
from imaging.terminal.inputs import Input
from imaging.terminal.pictures import pictures_write, saliency_write
from imaging.terminal.progress import Meter
from imaging.terminal.summary import analysed_row, failed_row
from imaging.terminal.work import EXPECTED, Picture, analysed, map_read, opened, reason


@dataclass(frozen=True, slots=True)
class Bench:
    """What every input of one command shares."""

    decoder: Engine
    inferrer: Engine
    spec: EnsembleSpec
    out: Path
    models_dir: Path
    modality: str
    timeout_s: float
    notice: str


def input_analyse(bench: Bench, one: Input, bar: Meter) -> dict[str, Any]:
    """Analyse one input, write `out/<its name>/`; return its row of the summary."""
    bar.begin(one.label)
    try:
        with opened(bench.decoder, one.path, modality=bench.modality, more=one.more) as picture:
            analysis = analysed(
                bench.inferrer, picture, bench.spec, models_dir=bench.models_dir,
                timeout_s=bench.timeout_s, on_progress=bar.step,
            )  # fmt: skip
            record = record_of(bench, one, picture, analysis)
            if file := analysis["maps"]["ensemble"]:
                q = map_read(picture, file)
                pictures_write(folder_of(bench, one), picture.volume, q, bench.spec.threshold)
            for label, file in analysis["maps"]["saliency"].items():
                saliency_write(
                    folder_of(bench, one), picture.volume, map_read(picture, file), label
                )
            _record_write(folder_of(bench, one) / "measurements.json", record)
        return analysed_row(one.label, one.output, record)
    except EXPECTED as error:
        return failed_row(one.label, reason(error))
    finally:
        bar.end()


def record_of(
    bench: Bench, one: Input, picture: Picture, analysis: dict[str, Any]
) -> dict[str, Any]:
    """What measurements.json says: the image, the ensemble, all that was measured."""
    return {
        "notice": bench.notice,
        "file": one.label,
        "image": picture.record["description"],
        "ensemble": bench.spec.to_json(),
        "analysis": {name: value for name, value in analysis.items() if name != "maps"},
    }


def folder_of(bench: Bench, one: Input) -> Path:
    """The folder of one input's files, made when it is not there."""
    folder = bench.out / one.output
    folder.mkdir(exist_ok=True)
    return folder


def _record_write(path: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1)
    path.write_text(text, encoding="utf-8")
