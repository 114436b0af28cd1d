"""PURE: a signed report as FHIR R4 resources (https://hl7.org/fhir/R4), one Bundle of a collection.

Nothing here reads a row or computes a measure; reports/fhir_sources.py says where each value
comes from. The ids of resources follow from the house's own, so the same report is the same Bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5
from xml.sax.saxutils import escape

TERMS = "http://terminology.hl7.org/CodeSystem"
UCUM = "http://unitsofmeasure.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
LOINC = "http://loinc.org"
IMAGING_STUDY = {"system": LOINC, "code": "18748-4", "display": "Diagnostic imaging study"}
GENDERS = {"F": "female", "M": "male", "O": "other"}  # DICOM PS3.3 C.7.1.1: FHIR's value set

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """Who it is about, as they were when the report was signed; "" and None: not known."""

    id: UUID
    name: str = ""
    record_number: str = ""
    born: date | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """What was looked at; `modality` is DICOM's (0008,0060)."""

    id: UUID
    uid: str
    series_uid: str
    modality: str
    accession: str = ""
    title: str = ""
    studied_on: date | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One number: `unit` in UCUM; `of` its denominator; `missing` says why there is no value."""

    code: str
    name: str
    value: float | None
    unit: str
    of: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A version of a model that took part."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """One signed version of the decision on a result."""

    id: UUID
    result_id: UUID
    is_amendment: bool
    signed_at: datetime
    signer: str
    conclusion: str
    notice: str
    address: str
    codes: str
    ensemble: str
    person: Person
    study: Study
    measures: Sequence[Measure]
    models: Sequence[Model]


def bundle(report: Report) -> Resource:
    """Return the Bundle: DiagnosticReport first, then what it refers to."""
    measures = [_observation(report, one) for one in report.measures]
    parts = [
        _diagnostic_report(report, measures), _patient(report.person), _imaging_study(report),
        *measures, _ensemble(report), *(_device(report, one) for one in report.models),
    ]  # fmt: skip
    return {
        "resourceType": "Bundle",
        "id": str(report.id),
        "meta": {"security": [{"system": f"{TERMS}/v3-ActReason", "code": "HRESCH",
                               "display": "healthcare research"}]},
        "type": "collection",
        "timestamp": report.signed_at.isoformat(),
        "entry": [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in parts],
    }  # fmt: skip


def _diagnostic_report(report: Report, measures: Sequence[Resource]) -> Resource:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{escape(report.notice)}.</div>'
    return {
        "resourceType": "DiagnosticReport",
        "id": str(report.id),
        "text": {"status": "additional", "div": div},
        "identifier": [{"system": f"{report.codes}/result", "value": str(report.result_id)}],
        "status": "appended" if report.is_amendment else "final",
        "category": [{"coding": [{"system": f"{TERMS}/v2-0074", "code": "RAD"}]}],
        "code": {"coding": [IMAGING_STUDY], "text": report.ensemble},
        "subject": _to(report.person.id),
        "issued": report.signed_at.isoformat(),
        "resultsInterpreter": [{"display": report.signer}],
        "result": [_to(UUID(one["id"])) for one in measures],
        "imagingStudy": [_to(report.study.id)],
        "conclusion": f"{report.conclusion} {report.notice}.",
        "presentedForm": [{"contentType": "text/html", "url": report.address}],
    }


def _patient(person: Person) -> Resource:
    return _known({
        "resourceType": "Patient",
        "id": str(person.id),
        "identifier": person.record_number and [_identifier("MR", person.record_number)],
        "name": person.name and [{"text": person.name}],
        "gender": GENDERS.get(person.sex, "unknown"),
        "birthDate": person.born and person.born.isoformat(),
    })  # fmt: skip


def _imaging_study(report: Report) -> Resource:
    study = report.study
    modality = {"system": DCM, "code": study.modality}
    uid = {"system": "urn:dicom:uid", "value": f"urn:oid:{study.uid}"}
    accession = [_identifier("ACSN", study.accession)] if study.accession else []
    return _known({
        "resourceType": "ImagingStudy",
        "id": str(study.id),
        "identifier": [uid, *accession],
        "status": "available",
        "modality": [modality],
        "subject": _to(report.person.id),
        "started": study.studied_on and study.studied_on.isoformat(),
        "description": study.title,
        "series": [{"uid": study.series_uid, "modality": modality}],
    })  # fmt: skip


def _observation(report: Report, measure: Measure) -> Resource:
    of = {"code": {"text": "Denominator"}, "valueString": measure.of}
    quantity = {"value": measure.value, "unit": measure.unit, "system": UCUM, "code": measure.unit}
    return _known({
        "resourceType": "Observation",
        "id": str(uuid5(report.id, measure.code)),
        "status": "amended" if report.is_amendment else "final",
        "category": [{"coding": [{"system": f"{TERMS}/observation-category", "code": "imaging"}]}],
        "code": {"coding": [{"system": f"{report.codes}/measure", "code": measure.code}],
                 "text": measure.name},
        "subject": _to(report.person.id),
        "issued": report.signed_at.isoformat(),
        "valueQuantity": None if measure.value is None else quantity,
        "dataAbsentReason": {"text": measure.missing} if measure.value is None else None,
        "device": _to(_ensemble_id(report)),
        "derivedFrom": [_to(report.study.id)],
        "component": measure.of and [of],
    })  # fmt: skip


def _ensemble(report: Report) -> Resource:
    return {
        "resourceType": "Device",
        "id": str(_ensemble_id(report)),
        "deviceName": [{"name": report.ensemble, "type": "user-friendly-name"}],
        "manufacturer": "MediScan",
        "type": {"text": "Ensemble of image analysis models"},
    }


def _device(report: Report, model: Model) -> Resource:
    return {
        "resourceType": "Device",
        "id": str(uuid5(report.id, f"{model.name} {model.version}")),
        "identifier": [{"type": {"text": "SHA-256 of the weights"}, "value": model.sha256}],
        "deviceName": [{"name": model.name, "type": "model-name"}],
        "version": [{"value": model.version}],
        "type": {"text": "Image analysis model"},
        "parent": _to(_ensemble_id(report)),
    }


def _ensemble_id(report: Report) -> UUID:
    return uuid5(report.id, "ensemble")


def _identifier(kind: str, value: str) -> Resource:
    return {"type": {"coding": [{"system": f"{TERMS}/v2-0203", "code": kind}]}, "value": value}


def _to(pk: UUID) -> Resource:
    return {"reference": f"urn:uuid:{pk}"}


def _known(resource: Mapping[str, Any]) -> Resource:
    """Leave out what is not known: FHIR has no empty values."""
    return {name: value for name, value in resource.items() if value not in (None, "", [])}
