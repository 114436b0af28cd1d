"""From a stored result to what its report says."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from imaging.models import MemberOutcome, Result
from reports.content import (
    NONE,
    SEVERITY_WORDS,
    Line,
    MemberLine,
    ReportContent,
    measure_lines,
    range_sentence,
)


def report_content(result: Result, *, made_at: datetime) -> ReportContent:
    """Return the content of the report on `result`; everything comes from stored rows."""
    return ReportContent(
        title=result.job.run.title,
        result_id=str(result.pk),
        patient=_patient(result),
        severity=SEVERITY_WORDS[result.severity],
        severity_reason=result.severity_reason,
        measures=measure_lines(
            result.operating,
            intensity_range=result.intensity_range,
            calibrated=result.image.facts.get("spacing_kind") == "calibrated",
        ),
        ranges=range_sentence(result.ranges),
        members=[_member(one) for one in result.members.select_related("member__model_version")],
        agreement=(result.agreement or {}).get("sentence", ""),
        origin=_origin(result),
        notice=settings.RESEARCH_NOTICE,
        made_at=made_at,
        warnings=result.image.warnings,
    )


def _patient(result: Result) -> list[Line]:
    patient, study = result.patient, result.image.study
    return [
        Line("Patient", patient.name or "Unidentified"),
        Line("Record number", patient.record_number or NONE),
        Line("Born", patient.birth_date or NONE, patient.sex),
        Line("Study", study.title or NONE, study.studied_at),
        Line("Accession", study.accession_number or NONE),
        Line("Image", f"{study.get_modality_display()}, {_size(result)}"),
    ]


def _size(result: Result) -> str:
    image = result.image
    depth = f" × {image.depth}" if image.depth > 1 else ""
    return f"{image.width} × {image.height}{depth} px"


def _member(outcome: MemberOutcome) -> MemberLine:
    member, version = outcome.member, outcome.member.model_version
    used = outcome.device_used or "not run"
    return MemberLine(
        name=version.name,
        version=version.version,
        share=f"{100 * member.share:.1f} %",
        device=f"{used} (asked: {member.device})" if used != member.device else used,
        time=f"{outcome.run_ms:.0f} ms" if outcome.device_used else NONE,
        sha256=", ".join(digest[:16] for digest in version.sha256.values()),
    )


def _origin(result: Result) -> list[Line]:
    run, rule = result.job.run, result.severity_rule
    cuts = (
        f"area {rule['area'][0]:g} and {rule['area'][1]:g} % of {rule['basis']},"
        f" circularity {rule['circularity'][0]:g} and {rule['circularity'][1]:g}"
    )
    return [
        Line("Labels", ", ".join(result.labels)),
        Line("Threshold", f"{result.threshold:g}", f"level {result.level} of 255"),
        Line("Severity rule", f"{rule['rule']} v{rule['version']}", cuts),
        Line("Run", str(run.pk)[:8], f"{run.created_at:%Y-%m-%d %H:%M} UTC by {run.requested_by}"),
        Line("Result", str(result.pk)),
        Line("Image SHA-256", result.image.source.sha256),
    ]
