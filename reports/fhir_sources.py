"""From a signed version of a decision to what its FHIR Bundle says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from imaging.formats.person import person_name
from imaging.forms_identity import day_of
from imaging.measures.numbers import mask_px
from imaging.models import Decision, Image, Result, Review
from imaging.review_page import Cut, cut_of
from imaging.services.identities import identity_at
from imaging.services.results import unit_of_counts
from reports.content import SEVERITY_WORDS
from reports.fhir import Measure, Model, Person, Report, Study
from reports.measures import TOLD

MODALITIES = {"xray": "DX", "mri": "MR", "ct": "CT"}  # of a picture that was no DICOM


def report_of(review: Review) -> Report:
    """Return what is told of a signed version, in English as every file that leaves the house.

    Every number is that of the version's own cut or mask; of a rejected result there is none.
    """
    with translation.override("en"):
        return _told(review)


def _told(review: Review) -> Report:
    result = review.result
    run, cut = result.job.run, cut_of(result, review)
    base = settings.PUBLIC_BASE_URL.rstrip("/")
    return Report(
        id=review.pk,
        result_id=result.pk,
        is_amendment=bool(review.amendment),
        signed_at=review.signed_at,
        signer=str(review.signed_by),
        conclusion=_conclusion(review, cut),
        notice=settings.RESEARCH_NOTICE.rstrip("."),
        address=base + reverse("imaging:review-detail", args=[review.pk]),
        codes=f"{base}/fhir",
        ensemble=run.title,
        person=_person(review),
        study=_study(result.image),
        measures=[] if review.decision == Decision.REJECTED else _measures(result, cut),
        models=[_model(one) for one in result.members.select_related("member__model_version")],
    )


def _conclusion(review: Review, cut: Cut) -> str:
    why = f": {review.get_reason_display()}" if review.reason else ""
    said = [f"{review.get_decision_display()}{why}.", review.comment, review.amendment]
    if review.decision != Decision.REJECTED:
        said.insert(1, f"Severity {SEVERITY_WORDS[cut.row['severity']].lower()}."
                       f" {cut.row['severity_reason']}")  # fmt: skip
    return " ".join(one for one in said if one)


def _person(review: Review) -> Person:
    known = identity_at(review.result.patient, review.signed_at)
    return Person(
        id=review.result.patient_id, name=person_name(known.name),
        record_number=known.record_number, born=day_of(known.birth_date), sex=known.sex,
    )  # fmt: skip


def _study(image: Image) -> Study:
    study = image.study
    try:
        day = date.fromisoformat(study.studied_at[:10])
    except ValueError:
        day = None
    return Study(
        id=study.pk, uid=study.study_instance_uid, series_uid=image.series.series_instance_uid,
        modality=image.dicom_modality or MODALITIES[image.modality],
        accession=study.accession_number, title=study.title, studied_on=day,
    )  # fmt: skip


def _measures(result: Result, cut: Cut) -> list[Measure]:
    if not result.is_measured:
        return _answers(result)
    row, unit = cut.row, unit_of_counts(result.image)
    reasons = row.get("reasons", {})
    told = [
        Measure(one.name, one.words, row[one.name], one.unit,
                _share(row, one.name), reasons.get(one.name, ""))
        for one in TOLD
        if one.name in row and (row[one.name] is not None or one.name in reasons)
    ]  # fmt: skip
    counted = Measure("mask_px", f"{unit.capitalize()} above the threshold", mask_px(row), "1")
    return [*told, counted]


def _share(row: Mapping, name: str) -> str:
    return row["denominator"] if name == "area_percent" else ""


def _answers(result: Result) -> list[Measure]:
    """Return the classes with their probability, the boxes with their score."""
    classes = [
        Measure(f"class-{one.position}", f"Probability of {one.label}", one.p, "1")
        for one in result.classes.all()
    ]
    boxes = [
        Measure(f"box-{one.name}", f"Score of box {one.name}, {one.label}", one.score, "1")
        for one in result.boxes.all()
    ]
    return classes + boxes


def _model(outcome) -> Model:
    version = outcome.member.model_version
    return Model(version.name, version.version, ", ".join(version.sha256.values()))
