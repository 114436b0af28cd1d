"""PURE: what a report says, in the order it says it; nothing here computes a measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from imaging.measures.numbers import mask_px

NONE = "—"
UNREVIEWED = "Not reviewed. Name, date and signature:"
SEVERITY_WORDS = {
    "low": "Low",
    "moderate": "Moderate",
    "high": "High",
    "no finding": "No finding",
    "not assessed": "Not assessed",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One named value; `note` gives its denominator, unit or the reason why there is none."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class MemberLine:
    """One model of the ensemble as the report prints it; `note` says why it ran otherwise."""

    name: str
    version: str
    share: str
    device: str
    time: str
    sha256: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What an organisation prints on its reports: plain texts, and a PNG or b""."""

    heading: str = ""
    address: Sequence[str] = ()
    closing: str = ""
    logo: bytes = b""


HEAT_CAPTION = "Heatmap, green low, red high, cut outlined"


@dataclass(frozen=True, slots=True)
class Pictures:
    """JPEG or PNG bytes of the pictures, empty where there is none; what the last one shows."""

    original: bytes
    mask: bytes = b""
    heat: bytes = b""
    caption: str = HEAT_CAPTION


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that stands on one report."""

    title: str
    result_id: str
    patient: Sequence[Line]
    severity: str
    severity_reason: str
    measures: Sequence[Line]
    members: Sequence[MemberLine]
    agreement: str
    origin: Sequence[Line]
    notice: str
    made_at: datetime
    ranges: str = ""
    review: Sequence[Line] = field(default_factory=tuple)
    state: str = UNREVIEWED
    warnings: Sequence[str] = field(default_factory=tuple)
    gate: str = ""
    gate_checks: Sequence[str] = field(default_factory=tuple)
    heading: str = "Measures"
    labels: Sequence[Line] = field(default_factory=tuple)
    address: str = ""
    superseded: str = ""
    head: Head | None = None

    @property
    def short_id(self) -> str:
        """The result's id as pages print it."""
        return self.result_id[:8]


def number(value: float | None, digits: int = 2) -> str:
    """Write a value with a decimal point and fixed digits; — where there is none."""
    return NONE if value is None else f"{value:,.{digits}f}".replace(",", "\u202f")


def measure_lines(
    row: Mapping,
    *,
    intensity_range: Sequence[float] | None,
    calibrated: bool,
    is_volume: bool = False,
) -> list[Line]:
    """Return the measures of one threshold row, each with its denominator, unit or reason."""
    reasons = row.get("reasons", {})
    low, high = intensity_range or (None, None)
    counts = "voxels" if is_volume else "px"
    grey = "grey 0-255" + ("" if low is None else f", from {low:g} to {high:g}")

    def line(name: str, key: str, digits: int, note: str) -> Line:
        return Line(name, number(row[key], digits), reasons.get(key, note))

    extent = [line("Volume", "volume_ml", 2, "ml")] if is_volume else []
    if calibrated and row.get("area_mm2") is not None:
        extent = [line("Area", "area_mm2", 0, "mm²")]
    ball = [line("Sphericity", "sphericity", 2, "0 to 1, a ball is 1")] if is_volume else []
    of_slice = "of the largest slice, round is 1" if is_volume else "0 to 1, round is 1"
    return [
        Line("Affected area", row["area_text"] or NONE, f"of {row['denominator']}"),
        *extent,
        Line("Voxels" if is_volume else "Pixels", f"{mask_px(row):d}", _counted(row)),
        line("Average lesion intensity", "average_intensity", 1, grey),
        line("Mean intensity", "mean", 1, row["unit"]),
        line("Ratio to the surroundings", "ratio", 2, ""),
        line("Circularity", "circularity", 2, of_slice),
        *ball,
        Line("Regions", f"{row['lesions']:d}",
             f"{row['specks']:d} specks of {row['specks_px']:d} {counts} left out"),
    ]  # fmt: skip


def _counted(row: Mapping) -> str:
    """Return what the pixels of a finding are a share of; how many, where not all are in it."""
    of = f"of {row['reference_px']:d}"
    if not row["outside_px"]:
        return of
    return f"of them {row['area_px']:d} in the {row['denominator']} {of}"


def range_sentence(ranges: Mapping | None) -> str:
    """Return how the area moves with threshold and outline (MEASURES §4), as it was stored."""
    if not ranges:
        return ""
    moved = [f"{one['area_text']} at threshold {one['t']:.2f}" for one in ranges["thresholds"]]
    ends = (
        f"{ranges['eroded_text']} and {ranges['dilated_text']} with the outline a pixel in and out"
    )
    return f"Sensitivity ranges of the area: {', '.join([*moved, ends])}. No confidence interval."
