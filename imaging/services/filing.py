"""A decoded file takes its place: Patient, Study, Series, Image, and its encrypted files."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.vault.fields import blind_index
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_copied, blob_keep, blobs_replace
from imaging.engine.records import header_from_json
from imaging.models import (
    Image,
    ImageFile,
    ItemStatus,
    Modality,
    Patient,
    Series,
    SourceFile,
    Study,
    Upload,
    UploadItem,
)
from imaging.services.assignments import sender_assign
from imaging.services.facts import image_facts
from imaging.services.leases import LeaseLost
from imaging.services.rejoining import APART, JOINED, Earlier, earlier_told
from imaging.services.rule_matches import matches_note
from imaging.types import Header, Refused

PIECE_BYTES = 1 << 20
MODALITY_OF = {
    **dict.fromkeys(("CR", "DX", "RG", "PX"), Modality.XRAY),
    "MR": Modality.MRI,
    "CT": Modality.CT,
}
KINDS = {  # DICOM PS3.3 C.7.3.1.1.1, those that people send by mistake
    "US": "Ultrasound",
    "MG": "Mammography",
    "NM": "Nuclear medicine",
    "PT": "PET",
    "XA": "Angiography",
    "RF": "Fluoroscopy",
    "OT": "An unspecified kind of image",
    "SC": "A secondary capture",
    "SR": "A structured report",
    "SEG": "A segmentation",
    "PR": "A presentation state",
    "ECG": "An electrocardiogram",
    "ES": "Endoscopy",
    "OP": "Ophthalmic photography",
    "SM": "Slide microscopy",
    "DOC": "A document",
}
ASK_MODALITY = "It does not say what it shows. Send it again and choose X-ray, MRI or CT."
DELETED = (
    "This file belongs to a study that was deleted here and can still be restored."
    " Ask an administrator of your organisation."
)
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def image_file(item: UploadItem, decoded: Mapping[str, Any], folder: Path, *, held) -> Image:
    """Store one decoded file that is one image; see `images_file`."""
    header = decoded["header"]
    answer = {**decoded, "files": [0], "uids": [str(header.get("sop_instance_uid", ""))]}
    return images_file([item], [answer], folder, held=held)[0]


def images_file(
    items: Sequence[UploadItem],
    decoded: Sequence[Mapping[str, Any]],
    folder: Path,
    *,
    held,
    on_wait: Callable[[], None] = lambda: None,
    earlier: Sequence[Earlier] = (),
) -> list[Image]:
    """Store the images of some files, all their rows and blobs or nothing.

    decoded  the child's answers; `files` of each are its items in the order of its slices,
             `uids` their SOP instances, and `folder` holds its pixels and thumbnail.
    held     the queryset of the upload while it is still this worker's.
    on_wait  called now and then while files are encrypted.
    earlier  stored files of the series that the images hold too: they count after the items.

    Raises: Refused; LeaseLost when an item is no longer waiting or no longer ours.
    """
    upload = items[0].upload
    pictures = [_picture(upload, one, folder) for one in decoded]  # slow: before others must wait
    patient_id = _known_patient(items[0], pictures[0].header) or uuid.uuid4()
    while True:  # again when another worker has filed the same patient meanwhile
        try:
            return _stored(items, pictures, folder, patient_id, held, on_wait, earlier)
        except _AnotherPatient as another:
            patient_id = another.patient_id
        except IntegrityError:
            raise _taken() from None


@dataclass(frozen=True, slots=True)
class _Picture:
    """One decoded image and what was found out about it."""

    decoded: Mapping[str, Any]
    header: Header
    modality: str
    facts: dict[str, Any]

    @property
    def uids(self) -> list[str]:
        """The SOP instance of each file, as far as it is one."""
        return [uid if _is_uid(uid) else "" for uid in self.decoded["uids"]]


def _picture(upload: Upload, decoded: Mapping[str, Any], folder: Path) -> _Picture:
    return _Picture(
        decoded,
        _plain(header_from_json(decoded["header"])),
        modality_of(decoded["volume"]["modality"], upload.modality),
        image_facts(decoded, folder / decoded["pixels"]),
    )


def _stored(
    items: Sequence[UploadItem],
    pictures: Sequence[_Picture],
    folder: Path,
    patient_id: uuid.UUID,
    held,
    on_wait: Callable[[], None],
    earlier: Sequence[Earlier],
) -> list[Image]:
    """Encrypt the files under the patient's key, then file them in one transaction."""
    with ExitStack() as staged:
        sources = []
        for item in items:
            on_wait()
            sources.append(blob_copied(item.blob, patient_id=patient_id))
            staged.callback(sources[-1].discard)  # nothing, once it was published
        files = []
        for one in pictures:
            on_wait()
            files.append({
                name: staged.enter_context(
                    _staged(items[0], folder / one.decoded[name], name, patient_id)
                )
                for name in ("pixels", "thumbnail")
            })  # fmt: skip
        with transaction.atomic():
            images = _filed(items, pictures, patient_id, sources, files, earlier)
            _accept(items, pictures, images, held)
            for image in images:
                audit.record(items[0].upload.user, "image.create", image)
            matches_note(items[0].upload, images)
            return images


def _accept(
    items: Sequence[UploadItem], pictures: Sequence[_Picture], images: Sequence[Image], held
) -> None:
    """End the waiting files, each with the first image that shows it. Raises: LeaseLost."""
    left = set(range(len(items)))  # those that were stored before wait for nothing
    for one, image in zip(pictures, images, strict=True):
        mine = left & set(one.decoded["files"])
        left -= mine
        waiting = UploadItem.objects.filter(
            pk__in=[items[file].pk for file in mine],
            status=ItemStatus.WAITING,
            upload__in=held(),
        )
        changed = waiting.update(status=ItemStatus.ACCEPTED, image=image, blob=None)
        if changed != len(mine):
            raise LeaseLost
    if left:
        raise ValueError("a file belongs to no image")


class _AnotherPatient(Exception):
    """The study belongs to a patient other than the one under whose key the files lie."""

    def __init__(self, patient_id: uuid.UUID) -> None:
        self.patient_id = patient_id


def modality_of(code: str, chosen: str) -> str:
    """Return what a person would call it; the file's own word wins. Raises: Refused."""
    if code in MODALITY_OF:
        return MODALITY_OF[code]
    if code:
        kind = (
            f"{KINDS[code]} ({code})" if code in KINDS else f"A DICOM file of the kind {code[:16]}"
        )
        raise Refused(
            "modality-unsupported",
            f"{kind} is not analysed here; X-ray (CR, DX, RG, PX), MR and CT are.",
        )
    if not chosen:
        raise Refused("modality-missing", ASK_MODALITY)
    return chosen


def _filed(
    items: Sequence[UploadItem],
    pictures: Sequence[_Picture],
    patient_id: uuid.UUID,
    originals: Sequence[StagedBlob],
    files: Sequence[Mapping[str, StagedBlob]],
    earlier: Sequence[Earlier],
) -> list[Image]:
    first = pictures[0]
    study = _study(items[0], first.header, first.modality, patient_id)
    if study.patient_id != patient_id:
        raise _AnotherPatient(study.patient_id)
    series = _series(study, first.header)
    stored = {one.sop_instance_uid for one in earlier}
    _check_new(study, {uid for one in pictures for uid in one.uids} - stored)
    late = _came_late(series, items[0].upload, earlier) if first.modality != Modality.XRAY else []
    copies = list(zip([item.blob for item in items], originals, strict=True))
    if not blobs_replace(copies):
        raise LeaseLost  # another worker has taken the files in
    sources = SourceFile.objects.bulk_create(
        SourceFile(
            organisation=item.organisation,
            name=item.name,
            sha256=item.blob.sha256,
            size=item.blob.size,
            format=first.decoded["format"],
            blob=item.blob,
        )
        for item in items
    )
    sources += [one.source for one in earlier]
    images = []
    for one, blobs in zip(pictures, files, strict=True):
        mine = [sources[file] for file in one.decoded["files"]]
        is_new = not images and not earlier  # the first slice may be another image's already
        images.append(_image(items[0], study, series, one, mine, blobs, is_first=is_new, late=late))
    if earlier:
        earlier_told(images, [one.source for one in earlier])
    return images


def _came_late(series: Series, upload: Upload, earlier: Sequence[Earlier]) -> list[str]:
    """Say that files of this series stand here from another upload, and whether these joined."""
    if earlier:
        return [JOINED % {"n": len(earlier)}]
    stored = ImageFile.objects.filter(image__series=series, image__created_at__lt=upload.created_at)
    count = stored.values("source").distinct().count()
    return [APART % {"n": count}] if count else []


def _image(
    item: UploadItem,
    study: Study,
    series: Series,
    picture: _Picture,
    sources: Sequence[SourceFile],
    blobs: Mapping[str, StagedBlob],
    *,
    is_first: bool,
    late: Sequence[str] = (),
) -> Image:
    decoded = picture.decoded
    depth, height, width = decoded["shape"]
    image = Image.objects.create(
        organisation=item.organisation,
        patient=study.patient,
        study=study,
        series=series,
        source=sources[0],
        # the other stacks of one object get UIDs of their own
        sop_instance_uid=_uid(picture.uids[0] if is_first else ""),
        modality=picture.modality,
        dicom_modality=decoded["volume"]["modality"],
        depth=depth,
        height=height,
        width=width,
        dtype=decoded["dtype"],
        facts=picture.facts,
        header=json.dumps(asdict(picture.header)),
        warnings=[*late, *_warnings(item, decoded, picture.modality)],
        pixels=blob_keep(blobs["pixels"]),
        thumbnail=blob_keep(blobs["thumbnail"]),
    )
    named = zip(sources, picture.uids, strict=True)
    ImageFile.objects.bulk_create(
        ImageFile(image=image, source=source, position=position, sop_instance_uid=uid)
        for position, (source, uid) in enumerate(named)
    )
    return image


def _known_patient(item: UploadItem, header: Header) -> uuid.UUID | None:
    """Return whose picture it is as far as this can be read now; None: nobody we know."""
    study = _studies(item, header.study_instance_uid).first()
    if study is not None:
        return study.patient_id
    mrn = blind_index(item.organisation, "record_number", header.patient_id)
    if not mrn:
        return None
    known = Patient.objects.filter(organisation=item.organisation, mrn_index=mrn)
    return known.values_list("pk", flat=True).first()


def _studies(item: UploadItem, uid: str) -> QuerySet[Study]:
    studies = Study.objects.select_related("patient")
    return studies.filter(organisation=item.organisation, study_instance_uid=uid)


def _study(item: UploadItem, header: Header, modality: str, patient_id: uuid.UUID) -> Study:
    """Find the study in the organisation or make it, with its patient."""
    mrn = blind_index(item.organisation, "record_number", header.patient_id)
    _check_meant(item.upload, header)
    uid = _uid(header.study_instance_uid)
    known = _studies(item, uid)
    study = known.first()
    if study is None:
        try:
            with transaction.atomic():
                return _new_study(
                    item, header, modality, uid, _patient(item, header, mrn, patient_id)
                )
        except IntegrityError:  # another worker files the same study
            study = known.get()
    if study.deleted_at is not None:
        raise Refused("study-deleted", DELETED)
    if mrn and study.patient.mrn_index and mrn != study.patient.mrn_index:
        raise Refused(
            "patient-conflict",
            "The file belongs to a study that is stored here for another patient."
            " Check the record number and send the right file.",
        )
    return study


def _check_meant(upload: Upload, header: Header) -> None:
    if upload.study_instance_uid not in ("", header.study_instance_uid):
        raise Refused(
            "study-mismatch",
            "The file is of another study than the one that it was sent to. Send it to its own.",
        )


def _new_study(
    item: UploadItem, header: Header, modality: str, uid: str, patient: Patient
) -> Study:
    return Study.objects.create(
        organisation=item.organisation,
        patient=patient,
        department=item.upload.department,
        study_instance_uid=uid,
        modality=modality,
        title=header.study_description or ("" if header.study_instance_uid else item.name),
        accession_number=header.accession_number,
        accession_index=blind_index(item.organisation, "accession_number", header.accession_number),
        studied_at=_moment(header.study_date, header.study_time),
        uploaded_by=item.upload.user,
    )


def _patient(item: UploadItem, header: Header, mrn: str, patient_id: uuid.UUID) -> Patient:
    """Find the patient by record number; without one, each study has a patient of its own."""
    identity = {
        "id": patient_id,
        "name": header.patient_name,
        "record_number": header.patient_id,
        "birth_date": header.birth_date,
        "sex": header.sex,
    }
    if not mrn:
        patient, is_new = Patient.objects.create(organisation=item.organisation, **identity), True
    else:
        patient, is_new = Patient.objects.get_or_create(
            organisation=item.organisation, mrn_index=mrn, defaults=identity
        )
    if is_new:
        sender_assign(patient=patient, user=item.upload.user)
    return patient


def _series(study: Study, header: Header) -> Series:
    return Series.objects.get_or_create(
        study=study,
        series_instance_uid=_uid(header.series_instance_uid),
        defaults={
            "organisation": study.organisation,
            "patient": study.patient,
            "description": header.series_description,
        },
    )[0]


def _check_new(study: Study, uids: set[str]) -> None:
    stored = ImageFile.objects.filter(image__study=study)
    if stored.filter(sop_instance_uid__in=uids - {""}).exists():
        raise _taken()


def _taken() -> Refused:
    return Refused(
        "uid-taken",
        "Another file with the same SOP Instance UID is stored here, and this one differs from it."
        " Export the image as a new instance.",
    )


def _warnings(item: UploadItem, decoded: Mapping[str, Any], modality: str) -> list[str]:
    warnings = [str(one)[:300] for one in decoded["warnings"]]
    chosen = item.upload.modality
    if chosen and chosen != modality:
        names = dict(Modality.choices)
        warnings.append(
            f"{names[chosen]} was chosen; the file says {names[modality]} and is believed."
        )
    return warnings


def _staged(item: UploadItem, path: Path, kind: str, patient_id: uuid.UUID) -> StagedBlob:
    staged = StagedBlob(organisation=item.organisation, kind=kind, patient_id=patient_id)
    with staged:
        for piece in _pieces(path):
            staged.write(piece)
    return staged


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _plain(header: Header) -> Header:
    """The header with texts of bounded length and UIDs that are UIDs."""
    values = {
        name: tuple(map(str, value)) if isinstance(value, tuple) else str(value)[:1024]
        for name, value in asdict(header).items()
    }
    for name in ("study_instance_uid", "series_instance_uid", "sop_instance_uid"):
        if not _is_uid(values[name]):
            values[name] = ""
    return Header(**values)


def _is_uid(text: str) -> bool:
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def _uid(given: str) -> str:
    """A UID, or one made from a random UUID (PS3.5 B.2) where the file has none."""
    return given or f"2.25.{uuid.uuid4().int}"


def _moment(date: str, time: str) -> str:
    """DICOM date and time as people read them: 2004-01-19 07:27."""
    if not re.fullmatch(r"\d{8}", date):
        return ""
    day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return f"{day} {time[:2]}:{time[2:4]}" if re.match(r"\d{4}", time) else day
