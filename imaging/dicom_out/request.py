"""What a set of DICOM objects is made from, as the worker asks the child for it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

MAKER, MODEL = "MediScan", "MediScan"
NOTICE = "Research use only. Not for diagnostic use."
_NAMESPACE = uuid.UUID("5d4d0c5e-6f0e-4b7c-9a64-8f6a5b1f2f10")  # of our UIDs, never changed


@dataclass(frozen=True, slots=True)
class Request:
    """One result in one version of its verdict.

    identity      the result's id and the version: UIDs follow from it, so that the same export
                  twice is the same objects.
    shape         (Z, Y, X) of the image's grid; `level`: in the mask iff map >= level.
    lesions       LESIONs of imaging.measures with their `tracking_uid`; empty: the mask is one.
    measures      (code, meaning, value, UCUM unit) of the whole image.
    said          (code, meaning, answer) in words: severity and the like.
    classes       (name, probability); boxes: (label, score, x0, y0, x1, y1, plane).
    members       {name, version} of each model.
    signer        {name, organisation} of a signed verdict, or None.
    capture       identity and numbers of a picture that is no DICOM; None: it is one.
    uids          {study, series, instances} as this house knows them, for a header without.
    """

    identity: str
    title: str
    version: str
    shape: Sequence[int]
    level: int | None
    unit: str
    is_edited: bool
    lesions: Sequence[Mapping[str, Any]]
    measures: Sequence[Sequence[Any]]
    said: Sequence[Sequence[str]]
    classes: Sequence[Sequence[Any]]
    boxes: Sequence[Sequence[Any]]
    members: Sequence[Mapping[str, str]]
    signer: Mapping[str, str] | None
    capture: Mapping[str, Any] | None
    uids: Mapping[str, Any]

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Request:
        return cls(**{one.name: said[one.name] for one in fields(cls)})

    def uid(self, what: str) -> str:
        """Return the UID of `what` in this version: 2.25. and a number (PS3.5 B.2)."""
        return f"2.25.{uuid.uuid5(_NAMESPACE, f'{self.identity} {what}').int}"


def device_uid(name: str, version: str) -> str:
    """Return the DeviceUID of one version of one model: another version is another device."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, f'model {name} {version}').int}"
