"""Pictures of a cohort as DICOM without identity, with what models found as SEG and SR."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings

from imaging.confidential.disguise import Disguise, days_of
from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.mask_files import map_of
from imaging.models import CohortImage, Image, Result
from imaging.models.cohorts import HoldState
from imaging.selectors_cohorts import cohort_results_of
from imaging.services.analysis import blob_out
from reports.dicom import ROOM, as_viewed, originals_out, request_of

TIMEOUT_S = 120
PIECE_BYTES = 1 << 20
CAPTURE = "picture.dcm"
MODELS_OWN = 0  # the version of a verdict that nobody has given


def disguise_of(one: CohortImage) -> Disguise:
    """Return under which names, UIDs and days a picture's patient leaves in its cohort."""
    cohort = one.cohort
    return Disguise(
        patient=one.patient_name,
        study=one.study_name,
        key=cohort.secret("uid", cohort.pk),
        days=days_of(cohort.secret("days", one.image.patient_id)),
        is_reviewed=one.state == HoldState.CLEARED,
    )


@contextmanager
def disguised(one: CohortImage, engine: Engine, keep: Callable[[], None]) -> Iterator[list[Path]]:
    """Yield the DICOM files of a picture without identity, and the SEG and SR of its results.

    One that was no DICOM becomes a capture, where there is a result to refer to it; else nothing.

    `keep` is called while the decoding child works.
    Raises: Refused, EngineError, VaultError, and what `keep` raises.
    """
    image = one.image
    is_dicom = image.source.format == "dicom"
    room = ROOM + 4 * image.pixels.size
    with scratch_folder(room_bytes=room) as folder:
        names = _images_out(one, folder, engine, keep) if is_dicom else []
        if not is_dicom:
            (folder / "grey.raw").write_bytes(as_viewed(image).tobytes())
        results = list(cohort_results_of(one).order_by("created_at"))
        files = [folder / name for name in names]
        for number, result in enumerate(results, start=1):
            files += _result_out(one, result, number, names, folder, engine, keep)
        yield files


def pieces_of(path: Path) -> Iterator[bytes]:
    """Yield a file a piece at a time."""
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _images_out(
    one: CohortImage, folder: Path, engine: Engine, keep: Callable[[], None]
) -> list[str]:
    image = one.image
    files = originals_out(image, folder)
    study, series = image.study.study_instance_uid, image.series.series_instance_uid
    answer = engine.call(
        "deidentify", timeout_s=settings.ENGINE_CALL_TIMEOUT_S, on_wait=keep,
        out_dir=str(folder), files=files, disguise=asdict(disguise_of(one)),
        known=[
            {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
            for instance in _instances(image, len(files))
        ],
    )  # fmt: skip
    for name in files:
        (folder / name).unlink()  # the original is not kept beside what leaves
    return answer["files"]


def _instances(image: Image, count: int) -> list[str]:
    known = list(image.files.values_list("sop_instance_uid", flat=True))
    return known if len(known) == count else [image.sop_instance_uid] * count


def _result_out(
    one: CohortImage, result: Result, number: int, names: list[str], folder: Path,
    engine: Engine, keep: Callable[[], None],
) -> list[Path]:  # fmt: skip
    """Write what models found as SEG and SR that refer to the files without identity."""
    if result.is_measured:
        blob_out(map_of(result), folder / "map.raw")
    request = _request(one, result, is_dicom=bool(names))
    answer = engine.call(
        "compose", timeout_s=TIMEOUT_S, on_wait=keep, out_dir=str(folder), files=names,
        grey="grey.raw", pdf="", map="map.raw" if result.is_measured else "", tell=False,
        probability="map.raw" if result.is_measured else "", anonymous=True, request=request,
    )  # fmt: skip
    return [
        _kept(folder, name, number) for name in answer["files"] if name != CAPTURE or number == 1
    ]


def _kept(folder: Path, name: str, number: int) -> Path:
    """Name an object after the result that it is of; a picture is the same for all of them."""
    kept = name if name == CAPTURE else name.replace(".dcm", f"-{number}.dcm")
    return (folder / name).rename(folder / kept)


def _request(one: CohortImage, result: Result, *, is_dicom: bool) -> dict[str, Any]:
    """Return what the child writes of a result: models' words, and nothing typed or named here."""
    disguise, image = disguise_of(one), result.image
    level = result.level if result.is_measured else None
    said = request_of(result, MODELS_OWN, level, is_dicom=is_dicom)
    instances = [disguise.uid(uid) for uid in said["uids"]["instances"]]
    return said | {
        "identity": one.cohort.secret("result", result.pk),
        "title": result.job.run.frozen["name"],
        "is_edited": False,
        "signer": None,
        "lesions": [
            lesion | {"tracking_uid": disguise.uid(lesion["tracking_uid"])}
            for lesion in said["lesions"]
        ],
        "capture": None if is_dicom else {
            "record_number": disguise.patient, "name": disguise.patient,
            "birth_date": "", "sex": "", "accession": "",
        },
        "uids": {
            "study": disguise.uid(image.study.study_instance_uid),
            "series": disguise.uid(image.series.series_instance_uid),
            "instances": instances,
        },
    }  # fmt: skip
