"""What the engine found on one image, as rows and encrypted maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blobs_keep
from imaging.answer_words import NO_SEVERITY, headline, refusal
from imaging.measures.numbers import mask_px
from imaging.measures.threshold import threshold_level
from imaging.models import (
    Image,
    Job,
    Lesion,
    Measurement,
    MemberOutcome,
    Result,
    ResultBox,
    ResultClass,
    ResultMap,
    Severity,
)
from imaging.services.seals import result_seal

PIECE_BYTES = 1 << 20
MOST_AT_ONCE = 5  # the maps of an ensemble of three
# measurement -> its unit; None: the intensity unit of the row (HU or stored value)
UNITS: dict[str, str | None] = {
    "mask_px": "px",
    "area_px": "px",
    "area_percent": "%",
    "area_mm2": "mm2",
    "volume_ml": "mL",
    "average_intensity": "grey 0-255",
    "mean": None,
    "sd": None,
    "p10": None,
    "p50": None,
    "p90": None,
    "ratio": "",
    "z": "",
    "circularity": "",
    "sphericity": "",
    "lesions": "",
    "largest_px": "px",
    "specks": "",
    "specks_px": "px",
}
_OF_AREA = {"area_px", "area_percent", "area_mm2"}


def maps_stage(job: Job, maps: Mapping[str, Any], folder: Path) -> dict[str, StagedBlob]:
    """Encrypt the maps into files that no row knows yet, by name; an error discards them all.

    Side by side: most of it is waiting for the disk, which takes several files in one go.
    """
    named = dict(_named(job, maps))
    with ExitStack() as stack:
        staged = {name: stack.enter_context(_empty(job)) for name in named}
        with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
            files = (folder / file for file in named.values())
            list(pool.map(_fill, staged.values(), files))  # raises what a thread raised
    return staged


def _empty(job: Job) -> StagedBlob:
    return StagedBlob(organisation=job.organisation, kind="map", patient_id=job.image.patient_id)


def _fill(blob: StagedBlob, file: Path) -> None:
    """Encrypt one file and wait for the disk; no database, which knows its threads apart."""
    for piece in pieces(file):
        blob.write(piece)
    blob.close()


def result_store(job: Job, analysis: Mapping[str, Any], maps: Mapping[str, StagedBlob]) -> Result:
    """Write the result of `job` with all its rows; the caller holds the transaction and fence."""
    result = _result(job, analysis)
    result.save(force_insert=True)
    rows = [
        *ResultMap.objects.bulk_create(_maps(job, result, maps)),
        *MemberOutcome.objects.bulk_create(_outcomes(job, result, analysis["members"])),
        *_measured(result, analysis),
        *ResultClass.objects.bulk_create(_classes(result, analysis.get("classes", ()))),
        *ResultBox.objects.bulk_create(_boxes(result, analysis.get("boxes", ()))),
    ]
    result_seal(result, rows).save(force_insert=True)
    return result


def _result(job: Job, analysis: Mapping[str, Any]) -> Result:
    agreement, gate = analysis["agreement"], analysis.get("gate", {})
    return Result(
        organisation=job.organisation,
        patient_id=job.image.patient_id,
        job=job,
        image=job.image,
        type=job.run.frozen["type"],
        labels=list(analysis["maps"]["labels"]) or job.run.frozen["labels"],
        threshold=job.run.threshold,
        agreement=agreement,
        disagree=bool(agreement and agreement["disagree"]),
        headline=headline(analysis),
        fusion=analysis.get("fusion", "mean"),
        decision=analysis.get("decision", {}),
        gate=gate,
        gate_verdict=gate.get("verdict", ""),
        timings={name: analysis[name] for name in ("forward_ms", "total_ms", "loads")},
        versions=analysis["versions"],
        **(_numbers(analysis["measures"]) if analysis["measures"] else _no_numbers(job, analysis)),
    )


def _numbers(measures: Mapping[str, Any]) -> dict[str, Any]:
    row = measures["operating"]
    return {
        "level": row["level"],
        "severity": row["severity"],
        "severity_reason": row["severity_reason"][:300],
        "severity_rule": measures["severity_rule"],
        "area_hundredths": row["area_hundredths"],
        "intensity_range": measures["intensity_range"],
        "table": measures["table"],
        "ranges": measures["ranges"],
        "slices": measures["slices"],
    }


def _no_numbers(job: Job, analysis: Mapping[str, Any]) -> dict[str, Any]:
    """What stands where nothing was measured: no map, or the gate refused."""
    return {
        "level": threshold_level(job.run.threshold),
        "severity": Severity.NOT_ASSESSED,
        "severity_reason": (refusal(analysis) or NO_SEVERITY[job.run.frozen["type"]])[:300],
        "severity_rule": {},
        "table": [],
    }


def _maps(job: Job, result: Result, maps: Mapping[str, StagedBlob]) -> list[ResultMap]:
    blobs = blobs_keep(list(maps.values()))
    return [
        ResultMap(organisation=job.organisation, result=result, name=name, blob=blob)
        for name, blob in zip(maps, blobs, strict=True)
    ]


def _named(job: Job, maps: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (name of the map, file): members and labels are numbered as the run lists them."""
    for name in ("ensemble", "disagreement", "augmentation"):
        if maps.get(name):
            yield name, maps[name]
    for position, member in enumerate(job.run.frozen["members"]):
        if member["model"] in maps["members"]:
            yield f"member-{position}", maps["members"][member["model"]]
    for position, file in enumerate(maps["labels"].values()):
        yield f"label-{position}", file
    for position, file in enumerate(maps.get("saliency", {}).values()):
        yield f"saliency-{position}", file  # in the order of decision["saliency"]


def _outcomes(job: Job, result: Result, outcomes: list[dict]) -> list[MemberOutcome]:
    members = {member.model_version.name: member for member in _members(job)}
    return [
        MemberOutcome(
            organisation=job.organisation,
            result=result,
            member=members[outcome["model"]],
            device_used=outcome["device_used"] or "",
            fallback=(outcome["fallback"] or "")[:300],
            load_ms=outcome["load_ms"] or 0,
            run_ms=outcome["run_ms"] or 0,
            area_px=outcome["area_px"],
        )
        for outcome in outcomes
    ]


def _members(job: Job):
    return job.run.members.select_related("model_version")


def _lesions(result: Result, lesions: list[dict]) -> list[Lesion]:
    return [
        Lesion(
            organisation=result.organisation,
            result=result,
            position=position,
            tracking_uid=facts["tracking_uid"],
            facts=facts,
        )
        for position, facts in enumerate(lesions, start=1)
    ]


def _measured(result: Result, analysis: Mapping[str, Any]) -> list[Lesion | Measurement]:
    """Store what was measured on the map, and on each label's where there are several."""
    measures = analysis["measures"]
    if not measures:
        return []
    rows = {"image": measures["operating"]}
    rows |= {
        f"label-{position}": one["row"]
        for position, one in enumerate(analysis.get("label_measures", ()))
    }
    rule = f"{measures['severity_rule']['rule']} v{measures['severity_rule']['version']}"
    numbers = [
        one for scope, row in rows.items() for one in _measurements(result, scope, row, rule)
    ]
    return [
        *Lesion.objects.bulk_create(_lesions(result, measures["lesions"])),
        *Measurement.objects.bulk_create(numbers),
    ]


def _measurements(
    result: Result, scope: str, row: Mapping[str, Any], rule: str
) -> list[Measurement]:
    row = {**row, "mask_px": mask_px(row)}
    counts = unit_of_counts(result.image)
    return [
        Measurement(
            organisation=result.organisation,
            result=result,
            name=name,
            value=row[name],
            reason="" if row[name] is not None else row["reasons"][name][:200],
            unit=row["unit"] if unit is None else counts if unit == "px" else unit,
            scope=scope,
            denominator=row["denominator"] if name in _OF_AREA else "",
            threshold=result.threshold,
            rule=rule,
        )
        for name, unit in UNITS.items()
    ]


def unit_of_counts(image: Image) -> str:
    """Return what a count of an image's points counts."""
    return "voxels" if image.depth > 1 else "px"


def _classes(result: Result, lines: Sequence[Mapping[str, Any]]) -> list[ResultClass]:
    return [
        ResultClass(organisation=result.organisation, result=result, position=position, **line)
        for position, line in enumerate(lines, start=1)
    ]


def _boxes(result: Result, lines: Sequence[Mapping[str, Any]]) -> list[ResultBox]:
    return [
        ResultBox(
            organisation=result.organisation,
            result=result,
            position=position,
            label=line["label"],
            score=line["score"],
            **dict(zip(("x0", "y0", "x1", "y1"), line["box"], strict=True)),
            plane=line["slice"],
            n=line["n"],
            members=line["members"],
        )
        for position, line in enumerate(lines, start=1)
    ]


def pieces(path: Path) -> Iterator[bytes]:
    """Yield what a file holds, piece by piece."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece
