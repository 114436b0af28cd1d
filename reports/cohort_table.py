"""The table of a cohort: one row per picture and result, under the cohort's own names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings

from imaging.measures.numbers import mask_px
from imaging.models import Cohort, CohortImage, Result
from imaging.selectors_cohorts import cohort_results_of, year_of, years_told
from reports.answers import boxes_cell, classes_cell
from reports.table import COLUMNS, MEASURES, Cell, Column, members_cell

_OWN = {  # of the picture, which the clinical table does not tell
    "study": Column("study", width=16), "patient": Column("patient", width=16),
    "picture": Column("picture", format="0"), "year": Column("year"),
    "width": Column("width", "px", format="0"), "height": Column("height", "px", format="0"),
    "slices": Column("slices", format="0"),
}  # fmt: skip
_PICTURE = ("study", "patient", "picture", "modality", "year", "width", "height", "slices")
_ANSWER = (
    "ensemble", "members", "labels", "threshold", "severity", "severity_reason", "severity_rule",
    "denominator", *MEASURES, "intensity_unit", "models_disagree", "task", "classes", "boxes",
    "joined_by", "input_check",
)  # fmt: skip
_SHARED = {one.name: one for one in COLUMNS}
COHORT_COLUMNS = tuple((_SHARED | _OWN)[name] for name in (*_PICTURE, *_ANSWER, "notice"))
COHORT_HEAD = tuple(one.name for one in COHORT_COLUMNS)


def cohort_rows(cohort: Cohort, found: Iterable[CohortImage]) -> Iterator[tuple[Cell, ...]]:
    """Yield the cells of each picture and each of its results, in the order of COHORT_COLUMNS."""
    told = years_told(cohort)
    for one in found:
        results = list(cohort_results_of(one).order_by("created_at"))
        for result in results or [None]:
            picture = _picture(one, year_of(one, told))
            yield (*picture, *_answer(result), settings.RESEARCH_NOTICE)


def _picture(one: CohortImage, year: str) -> tuple[Cell, ...]:
    image = one.image
    return (
        one.study_name, one.patient_name, one.position, image.modality, year,
        image.width, image.height, image.depth,
    )  # fmt: skip


def _answer(result: Result | None) -> tuple[Cell, ...]:
    """The cells of a result, as models said it: no title, no time, no reader, no reason typed."""
    if result is None:
        return (None,) * len(_ANSWER)
    frozen, rule = result.job.run.frozen, result.severity_rule
    row = result.operating if result.is_measured else {}
    row = row | {"mask_px": mask_px(row) if row else None}
    return (
        frozen["name"], members_cell(frozen["members"]), ", ".join(result.labels),
        result.threshold if result.is_measured else None,
        result.severity, result.severity_reason,
        f"{rule['rule']} v{rule['version']}" if rule else "", result.denominator,
        *(row.get(name) for name in MEASURES),
        row.get("unit", ""), "yes" if result.disagree else "no", result.type,
        classes_cell(result), boxes_cell(result), result.fusion, result.gate_verdict,
    )  # fmt: skip
