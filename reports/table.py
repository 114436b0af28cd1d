"""The table of measures, one row per result: which columns it has and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from imaging.measures.numbers import mask_px
from imaging.models import Result, Review
from imaging.review_page import cut_of
from imaging.services.results import unit_of_counts
from imaging.services.reviews import latest_review, review_numbered
from reports.answers import boxes_cell, classes_cell, gate_words

Cell = str | int | float | datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `unit` where all its numbers have the same, or the column that names it.

    width   in letters, of a spreadsheet.
    format  of its numbers there, as spreadsheets write formats; they are stored whole.
    """

    name: str
    unit: str = ""
    width: int = 12
    format: str = "General"


_COUNT, _ONE, _TWO, _THREE = "0", "0.0", "0.00", "0.000"
_COUNTED, _IMAGE_UNIT = "see counted_in", "see intensity_unit"
_MEASURED = (
    Column("mask_px", _COUNTED, format=_COUNT), Column("area_px", _COUNTED, format=_COUNT),
    Column("reference_px", _COUNTED, format=_COUNT), Column("area_percent", "%", format=_TWO),
    Column("area_mm2", "mm²", format=_ONE), Column("volume_ml", "mL", format=_TWO),
    Column("average_intensity", "grey 0-255", 16, _ONE), Column("mean", _IMAGE_UNIT, format=_TWO),
    Column("sd", _IMAGE_UNIT, format=_TWO), Column("p10", _IMAGE_UNIT, format=_TWO),
    Column("p50", _IMAGE_UNIT, format=_TWO), Column("p90", _IMAGE_UNIT, format=_TWO),
    Column("ratio", format=_THREE), Column("z", format=_TWO), Column("circularity", format=_THREE),
    Column("sphericity", format=_THREE), Column("lesions", format=_COUNT),
    Column("largest_px", _COUNTED, format=_COUNT), Column("specks", format=_COUNT),
)  # fmt: skip
COLUMNS = (
    Column("result", width=38), Column("image", width=38), Column("study", width=38),
    Column("patient_name", width=24), Column("record_number", width=16), Column("file", width=28),
    Column("modality"), Column("analysed_at", "UTC", 20, "yyyy-mm-dd hh:mm:ss"),
    Column("ensemble", width=24), Column("members", width=44), Column("labels", width=20),
    Column("threshold", format="0.00##"), Column("severity", width=14),
    Column("severity_reason", width=44), Column("severity_rule", width=18),
    Column("denominator", width=16), *_MEASURED, Column("counted_in"),
    Column("intensity_unit", width=14), Column("models_disagree", width=15),
    Column("task", width=14), Column("answer", width=24), Column("classes", width=32),
    Column("boxes", width=32), Column("joined_by", width=18), Column("input_check", width=18),
    Column("input_check_reasons", width=36), Column("decision"), Column("reason", width=18),
    Column("impression", width=44), Column("decided_by", width=24),
    Column("signed_by", width=24), Column("signed_at", "UTC", 20, "yyyy-mm-dd hh:mm:ss"),
    Column("notice", width=48),
)  # fmt: skip
HEAD = tuple(one.name for one in COLUMNS)
MEASURES = tuple(one.name for one in _MEASURED)


def table_rows(
    results: Iterable[Result], *, notice: str, versions: Mapping[UUID, int] | None = None
) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of each result, in the order of COLUMNS; None where there is no value.

    versions  by result, which version of its verdict is told; without one, that which counts.
    """
    for result in results:
        yield _row(result, notice, (versions or {}).get(result.pk))


def _row(result: Result, notice: str, version: int | None) -> tuple[Cell, ...]:
    review = latest_review(result) if version is None else review_numbered(result, version)
    cut = cut_of(result, review)
    image, run, rule = result.image, result.job.run, result.severity_rule
    row = {**cut.row, "mask_px": mask_px(cut.row) if result.is_measured else None}
    gate, checks = gate_words(result)
    return (
        str(result.pk), str(image.pk), str(image.study_id), result.patient.name,
        result.patient.record_number, image.source.name, image.modality, result.created_at,
        run.title, members_cell(run.frozen["members"]), ", ".join(result.labels), cut.threshold,
        row["severity"], row["severity_reason"],
        f"{rule['rule']} v{rule['version']}" if rule else "", row["denominator"],
        *(row.get(name) for name in MEASURES),
        unit_of_counts(image) if result.is_measured else "",
        row["unit"], "yes" if result.disagree else "no", result.type, result.said,
        classes_cell(result), boxes_cell(result), result.fusion,
        gate or ("Passed" if result.gate_verdict else ""), " ".join(checks),
        *_decided(review), notice,
    )  # fmt: skip


def members_cell(members: Iterable[dict]) -> str:
    """Return the models of a run with their versions and weights."""
    return " + ".join(f"{one['model']} {one['version']} x {one['weight']:g}" for one in members)


def _decided(review: Review | None) -> tuple[Cell, ...]:
    if review is None:
        return ("",) * 4 + ("", None)
    signed = (str(review.signed_by), review.signed_at) if review.is_signed else ("", None)
    return (review.decision, review.reason, review.comment, str(review.author), *signed)
