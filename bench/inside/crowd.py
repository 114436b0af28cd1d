"""Thousands of studies without a pixel: the rows that pages read, written in bulk."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from itertools import count

from django.db import transaction
from django.db.models import Model
from django.utils.timezone import now

from accounts.models import AuditEvent, Organisation, User
from accounts.vault.tables import Blob
from imaging.models import (
    Image,
    ImageFile,
    ItemStatus,
    Job,
    JobStatus,
    Lesion,
    Measurement,
    Member,
    MemberOutcome,
    ModelVersion,
    Patient,
    Result,
    ResultMap,
    Run,
    Series,
    SourceFile,
    Study,
    Upload,
    UploadItem,
)
from imaging.services.results import UNITS
from reports.models import Export, ExportItem, ExportStatus, ItemState

AT_ONCE = 500
SIDE = 1024
EXPORTED = 5
DETAILED = 100  # results of one growth with all that their page reads; the others are lean
_number = count()


class Crowd:
    """Studies of one organisation, each with a picture, most with a finished job and a result.

    table   a threshold table as the engine writes it; the newest results carry all of it.
    """

    def __init__(self, user: User, organisation: Organisation, table: list[dict]) -> None:
        self.user, self.organisation, self.table = user, organisation, table
        self.models = list(ModelVersion.objects.order_by("name"))

    @transaction.atomic
    def grow(self, studies: int, last_images: int = 1) -> None:
        """Add `studies` studies in one upload and one run; the newest holds `last_images`."""
        images = self._images(studies, last_images)
        self._uploads(images)
        run = self._run()
        jobs = [self._job(run, image, place) for place, image in enumerate(images)]
        _write(Job, jobs)
        done = [job for job in jobs if job.status == JobStatus.SUCCEEDED]
        results = [self._result(job, whole=job in done[-DETAILED:]) for job in done]
        _write(Result, results)
        self._details(results[-DETAILED:], list(run.members.all()))
        self._exports(results)
        _write(AuditEvent, [
            AuditEvent(actor=self.user, organisation=self.organisation, action="job.succeed",
                       target=f"result:{one.pk}") for one in results
        ])  # fmt: skip

    def _images(self, studies: int, last_images: int) -> list[Image]:
        own = {"organisation": self.organisation}
        patients = [Patient(**own, name=f"Nobody {next(_number)}") for _ in range(studies)]
        _write(Patient, patients)
        cases = [
            Study(**own, patient=patient, study_instance_uid=_uid(), modality="xray",
                  title=f"Chest {next(_number)}", uploaded_by=self.user)
            for patient in patients
        ]  # fmt: skip
        _write(Study, cases)
        series = [
            Series(**own, patient=case.patient, study=case, series_instance_uid=_uid())
            for case in cases
        ]
        _write(Series, series)
        homes = series + series[-1:] * (last_images - 1)
        images = [self._image(home) for home in homes]
        for name in ("pixels", "thumbnail"):
            _write(Blob, [getattr(image, name) for image in images])
        _write(Blob, [image.source.blob for image in images])
        _write(SourceFile, [image.source for image in images])
        _write(Image, images)
        _write(ImageFile, [
            ImageFile(image=image, source=image.source, position=0,
                      sop_instance_uid=image.sop_instance_uid)
            for image in images
        ])  # fmt: skip
        return images

    def _image(self, home: Series) -> Image:
        source = SourceFile(
            organisation=self.organisation, name="chest.png", sha256=uuid.uuid4().hex * 2,
            size=10**6, format="png", blob=self._blob("source", None, 10**6),
        )  # fmt: skip
        return Image(
            organisation=self.organisation, patient=home.patient, study=home.study, series=home,
            source=source, sop_instance_uid=_uid(), modality="xray", depth=1, height=SIDE,
            width=SIDE, dtype="uint8",
            facts={"slope": 1.0, "intercept": 0.0, "spacing_mm": None, "spacing_kind": "none",
                   "unit": "stored value", "bits": 8, "raster": True, "affine": None,
                   "padding": None, "window": None, "low": 3.0, "high": 250.0, "minimum": 0.0,
                   "maximum": 255.0},
            pixels=self._blob("pixels", home.patient_id, SIDE * SIDE),
            thumbnail=self._blob("thumbnail", home.patient_id, 8000),
        )  # fmt: skip

    def _uploads(self, images: list[Image]) -> None:
        upload = Upload.objects.create(
            organisation=self.organisation, user=self.user, modality="xray", finished_at=now()
        )
        _write(UploadItem, [
            UploadItem(organisation=self.organisation, upload=upload, position=place,
                       name="chest.png", size=10**6, status=ItemStatus.ACCEPTED, image=image)
            for place, image in enumerate(images)
        ])  # fmt: skip

    def _run(self) -> Run:
        members = [
            {"model": one.name, "version": one.version, "weight": 1.0, "device": "auto",
             "sha256": one.sha256}
            for one in self.models
        ]  # fmt: skip
        run = Run.objects.create(
            organisation=self.organisation, requested_by=self.user, title="Lung fields",
            threshold=0.5,
            frozen={"name": "xray-lungs", "type": "segmentation", "labels": ["lung fields"],
                    "threshold": 0.5, "severity": None, "members": members},
        )  # fmt: skip
        Member.objects.bulk_create(
            Member(run=run, model_version=one, position=place, weight=1.0,
                   share=1 / len(self.models), device="auto")
            for place, one in enumerate(self.models)
        )  # fmt: skip
        return run

    def _job(self, run: Run, image: Image, place: int) -> Job:
        """Every tenth job failed; the others found something."""
        failed = place % 10 == 9
        return Job(
            organisation=self.organisation, run=run, image=image, position=place, attempt=1,
            status=JobStatus.FAILED if failed else JobStatus.SUCCEEDED,
            error="It failed." if failed else "", started_at=now(),
            finished_at=now() + timedelta(seconds=1),
        )  # fmt: skip

    def _result(self, job: Job, *, whole: bool) -> Result:
        row = next(row for row in self.table if row["t"] == 0.5)
        return Result(
            organisation=self.organisation, patient_id=job.image.patient_id, job=job,
            image=job.image, labels=["lung fields"], threshold=0.5, level=row["level"],
            severity=row["severity"], severity_reason=row["severity_reason"][:300],
            severity_rule={"rule": "area-circularity", "version": 1, "basis": "foreground",
                           "area": [1.5, 7.5], "circularity": [0.45, 0.75],
                           "denominator": "foreground"},
            area_hundredths=row["area_hundredths"], intensity_range=[0.0, 255.0],
            table=self.table if whole else [row],
            timings={"forward_ms": 1.0, "total_ms": 2.0, "loads": 0},
        )  # fmt: skip

    def _details(self, results: list[Result], members: list[Member]) -> None:
        own = {"organisation": self.organisation}
        maps = [
            ResultMap(**own, result=result, name=name,
                      blob=self._blob("map", result.patient_id, SIDE * SIDE))
            for result in results
            for name in ("ensemble", "disagreement")
        ]  # fmt: skip
        _write(Blob, [one.blob for one in maps])
        _write(ResultMap, maps)
        _write(MemberOutcome, (
            MemberOutcome(**own, result=result, member=member, device_used="cpu", run_ms=1.0,
                          area_px=1)
            for result in results
            for member in members
        ))  # fmt: skip
        _write(Measurement, (
            Measurement(**own, result=result, name=name, value=1.0, threshold=0.5,
                        rule="area-circularity v1")
            for result in results
            for name in UNITS
        ))  # fmt: skip
        _write(Lesion, (
            Lesion(**own, result=result, position=1, tracking_uid=_uid(), facts=_lesion())
            for result in results
        ))  # fmt: skip

    def _exports(self, results: list[Result]) -> None:
        chosen = [results[at : at + EXPORTED] for at in range(0, len(results), 10 * EXPORTED)]
        exports = [
            Export(organisation=self.organisation, user=self.user, kind="csv",
                   status=ExportStatus.SUCCEEDED, finished_at=now(),
                   blob=self._blob("export", None, 1000))
            for _ in chosen
        ]  # fmt: skip
        _write(Blob, [one.blob for one in exports])
        _write(Export, exports)
        _write(ExportItem, [
            ExportItem(organisation=self.organisation, export=export, result=result,
                       position=place, state=ItemState.DONE)
            for export, some in zip(exports, chosen, strict=True)
            for place, result in enumerate(some)
        ])  # fmt: skip

    def _blob(self, kind: str, patient_id: uuid.UUID | None, size: int) -> Blob:
        return Blob(organisation=self.organisation, patient_id=patient_id, kind=kind, size=size,
                    sha256="0" * 64)  # fmt: skip


def _write(model: type[Model], rows: Iterable) -> list:
    return model.objects.bulk_create(rows, batch_size=AT_ONCE)


def _uid() -> str:
    return f"2.25.{uuid.uuid4().int}"


def _lesion() -> dict:
    return {
        "label": "L1", "px": 200, "area_percent": 2.5, "area_mm2": None, "volume_ml": None,
        "centroid": [0, 12, 16], "box": [0, 4, 8, 1, 20, 24], "average_intensity": 120.5,
        "mean": 120.5, "sd": 40.2, "circularity": 0.93, "touches_border": False,
        "equivalent_diameter": 16.0, "maximum_diameter": 17.0, "unit": "px",
        "tracking_uid": _uid(), "reasons": {},
    }  # fmt: skip
