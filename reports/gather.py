"""From a stored result to what its report says."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from imaging.models import MemberOutcome, Result, Review
from imaging.review_page import Cut, cut_of
from imaging.services.identities import correction_after, identity_at
from imaging.services.results import unit_of_counts
from imaging.services.reviews import latest_review, review_numbered, review_superseding
from imaging.services.signing import signature_holds
from reports.answers import answer_lines, gate_words, joined_by, label_lines
from reports.content import (
    NONE,
    SEVERITY_WORDS,
    UNREVIEWED,
    Head,
    Line,
    MemberLine,
    ReportContent,
    measure_lines,
    range_sentence,
)
from reports.letterhead.life import letterhead_at
from reports.letterhead.words import head_of, logo_of

HEADINGS = {"classification": "Classes", "detection": "Boxes"}


def report_content(
    result: Result, *, made_at: datetime, version: int | None = None
) -> ReportContent:
    """Return the content of the report on `result`; everything comes from stored rows.

    Where a reader set another threshold, the numbers are those of that threshold.
    version  an earlier version of the verdict, which says by what it was followed;
             without it the one that counts.
    """
    review = latest_review(result) if version is None else review_numbered(result, version)
    cut = cut_of(result, review)
    gate, checks = gate_words(result)
    signed_at = review.signed_at if review else None
    return ReportContent(
        title=result.job.run.title,
        result_id=str(result.pk),
        patient=_patient(result, signed_at),
        severity=SEVERITY_WORDS[cut.row["severity"]],
        severity_reason=cut.row["severity_reason"],
        measures=_measures(result, cut),
        heading=HEADINGS.get(result.type, "Measures"),
        labels=label_lines(result),
        gate=gate,
        gate_checks=checks,
        ranges=range_sentence(result.ranges),
        members=[_member(one) for one in result.members.select_related("member__model_version")],
        agreement=(result.agreement or {}).get("sentence", ""),
        origin=_origin(result, cut),
        review=_review(review) if review else [],
        state=_state(review) if review else UNREVIEWED,
        notice=settings.RESEARCH_NOTICE,
        made_at=made_at,
        warnings=result.image.warnings,
        address=_address(result),
        head=_head(result, signed_at or made_at),
        superseded=". ".join(filter(None, [_superseded(review), _corrected(review)])),
    )


def _head(result: Result, moment: datetime) -> Head | None:
    """Return the letterhead of that moment: a signed report keeps what it had when signed."""
    found = letterhead_at(result.organisation_id, moment)
    return None if found is None or found.is_empty else head_of(found, logo_of(found))


def _address(result: Result) -> str:
    """Return the page of the result, behind the sign-in; ids alone stand in it."""
    return settings.PUBLIC_BASE_URL.rstrip("/") + reverse("imaging:result-detail", args=[result.pk])


def _measures(result: Result, cut: Cut) -> list[Line]:
    if not result.is_measured:
        return answer_lines(result)
    return measure_lines(
        cut.row,
        intensity_range=result.intensity_range,
        calibrated=result.image.facts.get("spacing_kind") == "calibrated",
        is_volume=result.image.depth > 1,
    )


def _review(review: Review) -> list[Line]:
    by = f"Version {review.number}, {review.author}, {review.created_at:%Y-%m-%d %H:%M} UTC"
    why = f": {review.get_reason_display()}" if review.reason else ""
    decided = [Line("Decision", f"{review.get_decision_display()}{why}", by)]
    if review.is_signed:
        at = f"{review.signed_at:%Y-%m-%d %H:%M:%S} UTC. {review.get_meaning_display()}"
        decided.append(Line("Signed by", str(review.signed_by), at))
        decided.append(Line("SHA-256 signed", review.digest))
    if review.comment:
        decided.append(Line("Impression", review.comment))
    if review.amendment:
        decided.append(Line("Why amended", review.amendment))
    return decided


def _state(review: Review) -> str:
    if review.is_waiting:
        return "Unsigned draft, its edited mask still to be measured"
    if not review.is_signed:
        return "Unsigned draft"
    return "Signed" if signature_holds(review) else "Signature does not fit its content"


def _superseded(review: Review | None) -> str:
    later = review_superseding(review) if review else None
    if later is None:
        return ""
    return (
        f"Version {review.number} was superseded by version {later.number},"
        f" signed {later.signed_at:%Y-%m-%d %H:%M} UTC by {later.signed_by}"
    )


def _corrected(review: Review | None) -> str:
    """Say that the identity was corrected after the signature, and what the record says now."""
    if review is None or review.signed_at is None:
        return ""
    patient = review.result.patient
    first = correction_after(patient, review.signed_at)
    if first is None:
        return ""
    born = " ".join(one for one in (patient.birth_date or NONE, patient.sex) if one)
    return (
        f"The patient's identity was corrected {first.corrected_at:%Y-%m-%d %H:%M} UTC by"
        f" {first.corrected_by}, after version {review.number} was signed. The record says now:"
        f" {patient.name or 'Unidentified'}, record number {patient.record_number or NONE},"
        f" born {born}"
    )


def _cut_line(result: Result, cut: Cut) -> Line:
    if cut.level is None:
        kept = f"without {cut.left_out}" if cut.left_out else "edited"
        return Line("Mask", f"{kept} by the reader", f"saved threshold {result.threshold:g}")
    moved = f", saved {result.threshold:g}, set by the reader" if cut.level != result.level else ""
    return Line("Threshold", f"{cut.threshold:g}", f"level {cut.level} of 255{moved}")


def _patient(result: Result, signed_at: datetime | None) -> list[Line]:
    """Return who it is about; of a signed decision, as it was signed."""
    patient, study = identity_at(result.patient, signed_at), result.image.study
    return [
        Line("Patient", patient.name or "Unidentified"),
        Line("Record number", patient.record_number or NONE),
        Line("Born", patient.birth_date or NONE, patient.sex),
        Line("Study", study.title or NONE, study.studied_at),
        Line("Accession", study.accession_number or NONE),
        Line("Image", f"{result.image.kind}, {_size(result)}"),
    ]


def _size(result: Result) -> str:
    image = result.image
    depth = f" × {image.depth}" if image.depth > 1 else ""
    return f"{image.width} × {image.height}{depth} {unit_of_counts(image)}"


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
        note=outcome.fallback,
    )


def _origin(result: Result, cut: Cut) -> list[Line]:
    run = result.job.run
    return [
        Line("Labels", ", ".join(result.labels)),
        *(_cuts(result, cut) if result.is_measured else []),
        joined_by(result),
        Line("Run", str(run.pk)[:8], f"{run.created_at:%Y-%m-%d %H:%M} UTC by {run.requested_by}"),
        Line("Result", str(result.pk)),
        Line("Image SHA-256", result.image.source.sha256),
    ]


def _cuts(result: Result, cut: Cut) -> list[Line]:
    """Return the threshold that counts and the severity rule with its cuts."""
    rule = result.severity_rule
    cuts = (
        f"area {rule['area'][0]:g} and {rule['area'][1]:g} % of {rule['basis']},"
        f" circularity {rule['circularity'][0]:g} and {rule['circularity'][1]:g}"
    )
    return [
        _cut_line(result, cut),
        Line("Severity rule", f"{rule['rule']} v{rule['version']}", cuts),
    ]
