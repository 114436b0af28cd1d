"""A result is sealed when it is stored; afterwards every edit that went past the code is named."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db import models

from accounts.vault.cipher import VaultError
from accounts.vault.purposes import purpose_sign, purpose_verify
from imaging.models import (
    Lesion,
    Measurement,
    MemberOutcome,
    Result,
    ResultBox,
    ResultClass,
    ResultMap,
    ResultSeal,
)

PURPOSE = "results"
SHORT = 16  # hexadecimal digits of a part's digest; the MAC over all has its full length
ROWS = 50
NO_SEAL = "seal"
FIELDS = (
    "organisation_id", "patient_id", "job_id", "image_id", "type", "labels", "threshold", "level",
    "severity", "severity_reason", "severity_rule", "area_hundredths", "intensity_range", "table",
    "ranges", "agreement", "disagree", "versions",
)  # fmt: skip
LATER: dict[str, Any] = {  # fields that older seals do not know, with what stood there then
    "slices": None, "headline": "", "fusion": "mean", "decision": {}, "gate": {},
    "gate_verdict": "",
}  # fmt: skip
CHILD_FIELDS: dict[type[models.Model], tuple[str, tuple[str, ...]]] = {
    ResultMap: ("name", ("name", "blob_id")),
    MemberOutcome: ("member_id", ("member_id", "device_used", "fallback", "area_px")),
    Lesion: ("position", ("position", "tracking_uid", "facts")),
    Measurement: (
        "name",
        ("name", "value", "reason", "unit", "scope", "denominator", "threshold", "rule"),
    ),
    ResultClass: (
        "position",
        (
            "position",
            "label",
            "p",
            "spread",
            "threshold",
            "origin",
            "validated",
            "verdict",
            "n",
            "members",
            "is_finding",
        ),
    ),
    ResultBox: (
        "position",
        ("position", "label", "score", "x0", "y0", "x1", "y1", "plane", "n", "members"),
    ),
}


def result_seal(result: Result, children: Iterable[models.Model]) -> ResultSeal:
    """Return the seal of a result with all its rows, to be stored with them."""
    parts = dict(_parts(result, children))
    kid, mac = purpose_sign(PURPOSE, _bound(result.pk, parts))
    return ResultSeal(result=result, kid=kid, parts=parts, mac=mac.hex())


def result_changes(result: Result) -> list[str]:
    """Return what of a stored result is not as it was sealed, by name; nothing when all is well."""
    seal = ResultSeal.objects.filter(result=result).first()
    if seal is None or not _is_genuine(seal):
        return [NO_SEAL]
    children = [row for model in CHILD_FIELDS for row in _rows(model, result)]
    found = dict(_parts(result, children))
    for name, before in LATER.items():
        if name not in seal.parts and getattr(result, name) == before:
            del found[name]
    changed = [name for name in sorted(seal.parts.keys() | found.keys())
               if seal.parts.get(name) != found.get(name)]  # fmt: skip
    return changed


def results_changed(results: models.QuerySet[Result]) -> Iterator[tuple[Result, list[str]]]:
    """Yield each result with what was changed in it, the untouched with an empty list."""
    for result in results.order_by("pk").iterator(chunk_size=ROWS):
        yield result, result_changes(result)


def _rows(model: type[models.Model], result: Result) -> models.QuerySet:
    rows = model._base_manager.filter(result=result)
    return rows.select_related("blob") if model is ResultMap else rows


def _is_genuine(seal: ResultSeal) -> bool:
    try:
        mac = bytes.fromhex(seal.mac)
        return purpose_verify(PURPOSE, _bound(seal.result_id, seal.parts), seal.kid, mac)
    except (ValueError, VaultError):
        return False


def _parts(result: Result, children: Iterable[models.Model]) -> Iterator[tuple[str, str]]:
    """Yield (name, digest) of every field of the result and of every row that belongs to it."""
    for name in (*FIELDS, *LATER):
        yield name, _digest(result.pk, name, getattr(result, name))
    for child in children:
        key, fields = CHILD_FIELDS[type(child)]
        name = f"{child._meta.model_name} {_plain(getattr(child, key))}"
        if isinstance(child, Measurement) and child.scope != "image":
            name = f"{name} {child.scope}"
        values = [getattr(child, field) for field in fields]
        if isinstance(child, ResultMap):
            values += [child.blob.sha256, child.blob.size]
        yield name, _digest(result.pk, name, values)


def _digest(pk: UUID, name: str, value: Any) -> str:
    return purpose_sign(PURPOSE, _canonical([str(pk), name, value]))[1].hex()[:SHORT]


def _bound(pk: UUID, parts: dict[str, str]) -> bytes:
    return _canonical(["result seal v1", str(pk), parts])


def _canonical(value: Any) -> bytes:
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode()


def _plain(value: Any) -> Any:
    """The same for a value on its way in and on its way out, on every database."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, int | float):  # PostgreSQL's JSON knows no difference, and no minus zero
        return repr(float(value) + 0.0)
    return str(value)
