"""One row per image: the measures of a selection as CSV that no spreadsheet executes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from accounts.csv_cells import MARK, csv_line, safe
from imaging.measures.numbers import mask_px
from imaging.models import Result, Review
from imaging.review_page import cut_of
from imaging.services.results import unit_of_counts
from imaging.services.reviews import latest_review
from reports.answers import boxes_cell, classes_cell, gate_words

MEASURES = (
    "mask_px", "area_px", "reference_px", "area_percent", "area_mm2", "volume_ml",
    "average_intensity", "mean", "sd", "p10", "p50", "p90", "ratio", "z", "circularity",
    "sphericity", "lesions", "largest_px", "specks",
)  # fmt: skip
HEAD = (
    "result", "image", "study", "patient_name", "record_number", "file", "modality", "analysed_at",
    "ensemble", "members", "labels", "threshold", "severity", "severity_reason", "severity_rule",
    "denominator", *MEASURES, "counted_in", "intensity_unit", "models_disagree", "task", "answer",
    "classes", "boxes", "joined_by", "input_check", "input_check_reasons", "decision", "reason",
    "impression", "decided_by", "signed_by", "signed_at", "notice",
)  # fmt: skip


def csv_lines(results: Iterable[Result], *, notice: str) -> Iterator[bytes]:
    """Yield the file line by line: UTF-8 with a mark for spreadsheets, RFC 4180, decimal points."""
    yield MARK
    yield csv_line(HEAD)
    for result in results:
        yield csv_line(_row(result, notice))


def _row(result: Result, notice: str) -> list:
    review = latest_review(result)
    cut = cut_of(result, review)
    image, run = result.image, result.job.run
    row = {**cut.row, "mask_px": mask_px(cut.row) if result.is_measured else None}
    members = " + ".join(
        f"{one['model']} {one['version']} x {one['weight']:g}" for one in run.frozen["members"]
    )
    texts = [
        str(result.pk), str(image.pk), str(image.study_id), result.patient.name,
        result.patient.record_number, image.source.name, image.modality,
        f"{result.created_at:%Y-%m-%dT%H:%M:%SZ}", run.title, members, ", ".join(result.labels),
    ]  # fmt: skip
    rule = result.severity_rule
    gate, checks = gate_words(result)
    said = [
        result.type, result.said, classes_cell(result), boxes_cell(result), result.fusion,
        gate or ("Passed" if result.gate_verdict else ""), " ".join(checks),
    ]  # fmt: skip
    return [
        *map(safe, texts),
        "" if cut.threshold is None else cut.threshold,
        *map(
            safe,
            [
                row["severity"],
                row["severity_reason"],
                f"{rule['rule']} v{rule['version']}" if rule else "",
                row["denominator"],
            ],
        ),
        *("" if row.get(name) is None else row[name] for name in MEASURES),
        unit_of_counts(image) if result.is_measured else "",
        *map(
            safe,
            [row["unit"], "yes" if result.disagree else "no", *said, *_decided(review), notice],
        ),
    ]


def _decided(review: Review | None) -> list[str]:
    if review is None:
        return [""] * 6
    signed = ["", ""]
    if review.is_signed:
        signed = [str(review.signed_by), f"{review.signed_at:%Y-%m-%dT%H:%M:%SZ}"]
    return [
        review.decision, review.reason, review.comment, str(review.author),
        *signed,
    ]  # fmt: skip
