"""A result as DICOM objects, written by the decoding child beside the originals it is about."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings

from accounts.vault.storage import blob_open
from imaging.display import default_window
from imaging.engine.client import decode_engine
from imaging.engine.scratch import scratch_folder
from imaging.formats.window import apply_window
from imaging.mask_files import map_of, mask_standing
from imaging.models import Correction, Image, Patient, Result, Review
from imaging.review_page import Cut, cut_of
from imaging.services.analysis import blob_out
from imaging.services.identities import identity_at
from imaging.services.reviews import review_numbered
from reports.measures import TOLD
from reports.zips import EPOCH

TIMEOUT_S = 120
ROOM = 256 << 20
NO_DICOM = "A volume that was not sent as DICOM has none to refer to: its mask leaves as NIfTI."


class NotAsDicom(Exception):
    """Nothing of this result can be written as DICOM; the text says why."""


@dataclass(frozen=True, slots=True)
class Made:
    """One DICOM object: its file, and its header as JSON where that was asked for."""

    path: Path
    header: Path | None = None


def dicom_zip(result: Result, version: int, pdf: bytes) -> bytes:
    """Return a ZIP of the DICOM objects of `result`, in that version of its verdict (0: none).

    `pdf` is its report, which becomes one of them.

    Raises: NotAsDicom; Refused for a header that no SEG can be made of; EngineError.
    """
    with composed(result, version, pdf=pdf) as made:
        return _zipped([one.path for one in made])


@contextmanager
def composed(result: Result, version: int, *, pdf: bytes | None = None) -> Iterator[list[Made]]:
    """Yield the DICOM objects of a result while their files are there; told without a `pdf`.

    Raises: as `dicom_zip`.
    """
    image = result.image
    is_dicom = image.source.format == "dicom"
    if not is_dicom and image.depth > 1:
        raise NotAsDicom(NO_DICOM)
    with (
        scratch_folder(room_bytes=ROOM + 2 * image.pixels.size) as folder,
        decode_engine() as engine,
    ):
        if pdf is not None:
            (folder / "report.pdf").write_bytes(pdf)
        files = originals_out(image, folder) if is_dicom else []
        if not is_dicom:
            (folder / "grey.raw").write_bytes(as_viewed(image).tobytes())
        level = _mask_out(result, folder, version)
        probability = "" if pdf is None else _map_out(result, folder, version)
        answer = engine.call(
            "compose", timeout_s=TIMEOUT_S, out_dir=str(folder), files=files, grey="grey.raw",
            pdf="" if pdf is None else "report.pdf", map="map.raw" if level else "",
            probability=probability,
            tell=pdf is None, request=request_of(result, version, level, is_dicom=is_dicom),
        )  # fmt: skip
        told = answer["told"] or [None] * len(answer["files"])
        yield [
            Made(folder / name, folder / header if header else None)
            for name, header in zip(answer["files"], told, strict=True)
        ]


def request_of(
    result: Result, version: int, level: int | None, *, is_dicom: bool
) -> dict[str, Any]:
    """Return what the child is told of a result in one version of its verdict, 0: the models'."""
    review = review_numbered(result, version)
    image, cut = result.image, cut_of(result, review)
    return {
        "identity": f"{result.pk} {version}",
        "title": result.job.run.title,
        "version": settings.VERSION,
        "shape": list(image.shape),
        "level": level,
        "unit": image.facts.get("unit", ""),
        "is_edited": review is not None and review.mask_id is not None,
        "lesions": _lesions(result, review),
        "measures": _measures(result, cut),
        "said": _said(result, review, cut),
        "classes": [[one.name, one.p] for one in result.classes.order_by("-p")],
        "boxes": [[one.label, one.score, one.x0, one.y0, one.x1, one.y1, one.plane]
                  for one in result.boxes.all()],
        "members": [_member(one) for one in result.members.select_related("member__model_version")],
        "signer": _signer(review),
        "capture": None if is_dicom else _capture(image, review),
        "uids": {
            "study": image.study.study_instance_uid,
            "series": image.series.series_instance_uid,
            "instances": [
                one or image.sop_instance_uid  # a picture's file has no number of its own
                for one in image.files.values_list("sop_instance_uid", flat=True)
            ] or [image.sop_instance_uid],
        },
    }  # fmt: skip


def _lesions(result: Result, review: Review | None) -> list[dict]:
    """Return the regions of the mask that counts; none where a reader's cut listed none."""
    if review is not None and review.row is not None:
        return review.lesions or []
    return [one.facts | {"tracking_uid": one.tracking_uid} for one in result.lesions.all()]


def _measures(result: Result, cut: Cut) -> list[list]:
    if not result.is_measured:
        return []
    known = [(one, cut.row.get(one.name)) for one in TOLD]
    return [[one.code, one.words, value, one.unit] for one, value in known if value is not None]


def _said(result: Result, review: Review | None, cut: Cut) -> list[list[str]]:
    said = [["NOTICE", "Notice", settings.RESEARCH_NOTICE]]
    if result.is_measured:
        said.append(["SEVERITY", "Severity", cut.row["severity"]])
    if review is not None:
        said.append(["DECISION", "Decision", review.decision])
    return said


def _member(outcome) -> dict[str, str]:
    version = outcome.member.model_version
    return {"name": version.name, "version": version.version}


def _signer(review: Review | None) -> dict[str, str] | None:
    if review is None or not review.is_signed:
        return None
    return {"name": str(review.signed_by), "organisation": str(review.organisation)}


def _whose(image: Image, review: Review | None) -> Patient | Correction:
    """Return whose picture it is: of a signed decision, who they were when it was signed."""
    return identity_at(image.patient, review.signed_at if review is not None else None)


def _capture(image: Image, review: Review | None) -> dict[str, str]:
    patient = _whose(image, review)
    return {
        "record_number": patient.record_number, "name": patient.name,
        "birth_date": patient.birth_date, "sex": patient.sex,
        "accession": image.study.accession_number,
    }  # fmt: skip


def originals_out(image: Image, folder: Path) -> list[str]:
    """Write the originals, in the order of the slices, for the child to read their headers."""
    sources = [one.source for one in image.files.select_related("source__blob")] or [image.source]
    names = []
    for number, source in enumerate(sources):
        names.append(f"{number:05d}.orig")
        blob_out(source.blob, folder / names[-1])
    return names


def _mask_out(result: Result, folder: Path, version: int) -> int | None:
    if not result.is_measured:
        return None
    kept, level = mask_standing(result, version)
    blob_out(kept, folder / "map.raw")
    return level


def _map_out(result: Result, folder: Path, version: int) -> str:
    """Write the models' map, and name its file: a reader's mask is no probability."""
    if not result.is_measured:
        return ""
    kept, mask = map_of(result), mask_standing(result, version)[0]
    if kept == mask:
        return "map.raw"
    blob_out(kept, folder / "models.raw")
    return "models.raw"


def as_viewed(image: Image) -> np.ndarray:
    """Return a picture as the viewer opens it: uint8 (Y, X)."""
    with blob_open(image.pixels) as content:
        stored = np.frombuffer(content.read_range(0, image.pixels.size), image.dtype)
    values = stored.reshape(image.height, image.width) * image.facts.get("slope", 1)
    return apply_window(values + image.facts.get("intercept", 0), *default_window(image))


def _zipped(paths: list[Path]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            archive.writestr(zipfile.ZipInfo(path.name, date_time=EPOCH), path.read_bytes())
    return sink.getvalue()
