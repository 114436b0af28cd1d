"""Studies that came as DICOM, told without a child: the tests read the headers themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from imaging.formats.dicom.instance import describe_instance, native_frames
from imaging.models import Image, SourceFile, Study
from imaging.services.instances import _keep, value_of
from tests.imaging.factories import (
    ImageFactory,
    SeriesFactory,
    SourceFileFactory,
    StudyFactory,
    stored,
)


def told_study(user, files: Sequence[bytes], **study) -> Study:
    """File `files`, of one study and series, as the ingest does; return their study."""
    told = [described(data) for data in files]
    head = told[0]["attributes"]
    made = StudyFactory(
        user=user,
        study_instance_uid=value_of(head, "0020000D") or "2.25.1",
        studied_at=_day(value_of(head, "00080020")),
        modality="ct",
        **study,
    )
    made.patient.name = (value_of(head, "00100010") or {}).get("Alphabetic", "")
    made.patient.record_number = value_of(head, "00100020") or ""
    made.patient.save()
    uid = value_of(head, "0020000E") or "2.25.2"
    series = made.series.first() or SeriesFactory(study=made, series_instance_uid=uid)
    sources = [_source(made, data) for data in files]
    _image(made, series, sources)
    _keep(list(zip(sources, told, strict=True)))
    return made


def described(data: bytes) -> dict:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.dcm"
        path.write_bytes(data)
        return describe_instance(path)


def unpacked(data: bytes) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.dcm"
        path.write_bytes(data)
        return b"".join(native_frames(path))


def _source(study: Study, data: bytes) -> SourceFile:
    return SourceFileFactory(
        organisation=study.organisation,
        name="IM0",
        format="dicom",
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        blob=stored(study.organisation, data, "source", study.patient_id),
    )


def _image(study: Study, series, sources: Sequence[SourceFile]) -> Image:
    return ImageFactory(
        study=study, series=series, source=sources[0], files=sources, dicom_modality="CT"
    )


def _day(text: str | None) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}T00:00:00" if text else ""
