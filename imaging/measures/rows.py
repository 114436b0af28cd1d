"""One row of the threshold table: every measure of the whole image at one threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from imaging.measures.background import Background, contrast
from imaging.measures.circularity import weighted
from imaging.measures.intensity import Described
from imaging.measures.lesions import ALL_OUTSIDE, NO_VALUES, ONE_VALUE, TOO_SMALL, Setting
from imaging.measures.numbers import rounded
from imaging.measures.severity import assess
from imaging.measures.size import (
    IS_PICTURE,
    IS_VOLUME,
    NO_SPACING,
    area_hundredths,
    area_text,
    is_volume,
    pixel_mm2,
    pixel_mm2_reason,
    voxel_ml,
    voxel_ml_reason,
)
from imaging.measures.sphericity import LEAST_VOXELS
from imaging.measures.stops import Stop

NO_LESION = "There is no lesion at this threshold."
WARN_OUTSIDE = 0.1
_NULL_INTENSITY = ("average_intensity", "mean", "sd", "p10", "p50", "p90", "ratio", "z")

Shape = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Counted:
    """What one pass over the pixels found at one stop.

    raw_px  pixels at or above the level, specks included; px_inside, |M ∩ R|;
    values  of the picture inside M; behind, of what lies around it;
    shapes  (circularity, sphericity) of each lesion.
    """

    stop: Stop
    raw_px: int
    px_inside: int
    values: Described | None
    behind: Background
    shapes: list[Shape]


def row_of(threshold: float, found: Counted, here: Setting) -> dict[str, Any]:
    """Return one ROW: plain numbers for JSON, and a reason for every one that is null."""
    reasons: dict[str, str] = {}
    stop = found.stop
    row = {
        "t": threshold,
        "level": stop.level,
        "raw_px": found.raw_px,
        **_area(found, here, reasons),
        **_extent(stop.px, here, reasons),
        **_intensity(found, reasons),
        "unit": here.volume.unit,
        **_shape(found, here, reasons),
        "lesions": len(stop.parts),
        "largest_px": stop.parts[0].px if stop.parts else 0,
        "specks": stop.specks,
        "specks_px": stop.specks_px,
    }
    word, why = assess(
        here.rule,
        lesion_px=stop.px,
        area_hundredths=row["area_hundredths"],
        circularity=row["circularity"],
    )
    return {**row, "severity": word, "severity_reason": why, "reasons": reasons}


def _area(found: Counted, here: Setting, reasons: dict[str, str]) -> dict[str, Any]:
    """Return n, N_ref and the share; null when all of the finding lies outside (MEASURES §5)."""
    px, total = found.px_inside, found.stop.px
    known = px > 0 or total == 0
    hundredths = area_hundredths(px, here.region.px) if known else None
    if hundredths is None:
        reasons.update(dict.fromkeys(("area_hundredths", "area_percent"), ALL_OUTSIDE))
    return {
        "area_px": px,
        "reference_px": here.region.px,
        "area_hundredths": hundredths,
        "area_percent": None if hundredths is None else hundredths / 100,
        "area_text": "—" if hundredths is None else area_text(hundredths, px),
        "denominator": here.region.name,
        "outside_px": total - px,
        "warning": _warning(total - px, total, here.region.name),
    }


def _warning(outside: int, total: int, name: str) -> str:
    if outside <= WARN_OUTSIDE * total:
        return ""
    return f"{100 * outside / total:.0f} % of the finding lies outside the {name}."


def _extent(px: int, here: Setting, reasons: dict[str, str]) -> dict[str, float | None]:
    solid = is_volume(here.volume)
    mm2 = None if solid else pixel_mm2(here.volume)
    ml = voxel_ml(here.volume) if solid else None
    if mm2 is None:
        reasons["area_mm2"] = IS_VOLUME if solid else pixel_mm2_reason(here.volume)
    if ml is None:
        reasons["volume_ml"] = voxel_ml_reason(here.volume) if solid else IS_PICTURE
    return {
        "area_mm2": None if mm2 is None else rounded(px * mm2),
        "volume_ml": None if ml is None else rounded(px * ml),
    }


def _intensity(found: Counted, reasons: dict[str, str]) -> dict[str, float | None]:
    values = found.values
    if values is None:
        why = NO_VALUES if found.stop.parts else NO_LESION
        reasons.update(dict.fromkeys(_NULL_INTENSITY, why))
        return dict.fromkeys(_NULL_INTENSITY)
    if values.average is None:
        reasons["average_intensity"] = ONE_VALUE
    ratio, z, no_ratio, no_z = contrast(values.mean, found.behind)
    if no_ratio:
        reasons["ratio"] = no_ratio
    if no_z:
        reasons["z"] = no_z
    numbers = (values.average, values.mean, values.sd, values.p10, values.p50, values.p90, ratio, z)
    return dict(zip(_NULL_INTENSITY, [rounded(n) for n in numbers], strict=True))


def _shape(found: Counted, here: Setting, reasons: dict[str, str]) -> dict[str, float | None]:
    sizes = [part.px for part in found.stop.parts]
    round_ = weighted(zip(sizes, (shape[0] for shape in found.shapes), strict=True))
    ball = weighted(zip(sizes, (shape[1] for shape in found.shapes), strict=True))
    if round_ is None:
        reasons["circularity"] = TOO_SMALL if sizes else NO_LESION
    if ball is None:
        reasons["sphericity"] = _no_ball(sizes, here)
    return {"circularity": rounded(round_), "sphericity": rounded(ball)}


def _no_ball(sizes: list[int], here: Setting) -> str:
    if not is_volume(here.volume):
        return IS_PICTURE
    if not sizes:
        return NO_LESION
    if here.volume.spacing_mm is None:
        return NO_SPACING
    return f"Below {LEAST_VOXELS} voxels a sphericity is not measured."
