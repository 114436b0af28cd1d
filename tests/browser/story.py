"""One person's work in every state that a page can show, drawn and measured without an engine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
from django.urls import reverse
from django.utils.timezone import now

from accounts.vault.storage import blob_write
from imaging.formats.png import encode_png
from imaging.inference.ensemble import Tally
from imaging.measures.agreement import agreement
from imaging.measures.measuring import measure
from imaging.measures.probability import quantise
from imaging.models import Image, Job, ModelVersion, Result
from imaging.samples import chest_phantom
from imaging.services.jobs import job_succeed
from imaging.services.reviews import review_save, review_sign
from imaging.types import Volume
from reports.models import Export
from tests.imaging.analyses import box_analysis, class_analysis
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    RunFactory,
    StudyFactory,
    UploadFactory,
    UploadItemFactory,
    stored,
)
from tests.imaging.volumes import NIFTI, volume_result
from tests.reports.factories import ExportFactory

SIZE = 96


def three_models() -> list[ModelVersion]:
    """The same three, however often they are asked for."""
    names = [f"lungs-{kind}" for kind in ("unet", "segresnet", "resunet")]
    known = {one.name: one for one in ModelVersion.objects.filter(name__in=names)}
    return [known.get(name) or ModelVersionFactory(name=name) for name in names]


def drawn_result(
    user, folder: Path, *, size: int = SIZE, models=None, threshold=0.5, **image
) -> Result:
    """A result of three models whose maps fall off smoothly, so that every threshold differs."""
    run = RunFactory(
        requested_by=user,
        versions=models or three_models(),
        title="Lung fields",
        threshold=threshold,
    )
    image = {"array": chest_phantom(size, 3)[np.newaxis]} | image
    shown = ImageFactory(user=user, **image)
    job = JobFactory(run=run, image=shown, running=True)
    assert job_succeed(job, analysis(job, size, folder), folder)
    return job.result


def analysed_by(user, make, kind: str, folder: Path, *, size: int = SIZE) -> Result:
    """The result of three models for an answer that `make` writes: classes, boxes, a refusal."""
    run = RunFactory(requested_by=user, versions=three_models(), title="Chest findings")
    run.frozen["type"] = kind
    run.save()
    shown = ImageFactory(user=user, array=chest_phantom(size, 3)[np.newaxis])
    job = JobFactory(run=run, image=shown, running=True)
    assert job_succeed(job, make(job, folder), folder)
    return Result.objects.get(job=job)


def analysis(job: Job, size: int, folder: Path) -> dict:
    """What the engine would answer for two lungs that three models draw a little differently."""
    members = [lungs(size, reach) for reach in (0.30, 0.27, 0.33)]
    maps = {f"member-{n}.u8": quantise(one) for n, one in enumerate(members)}
    tally = Tally()
    for one in members:
        tally.add(one, 1 / 3)
    maps["ensemble.u8"], maps["disagreement.u8"] = quantise(tally.mean), tally.disagreement
    names = [member["model"] for member in job.run.frozen["members"]]
    own = {name: maps[f"member-{n}.u8"] for n, name in enumerate(names)}
    for name, array in maps.items():
        (folder / name).write_bytes(array.tobytes())
    volume = Volume(chest_phantom(size, 3)[np.newaxis], raster=True)
    return {
        "shape": [1, size, size],
        "maps": {
            "ensemble": "ensemble.u8",
            "disagreement": "disagreement.u8",
            "members": {name: f"member-{n}.u8" for n, name in enumerate(names)},
            "labels": {},
        },
        "measures": measure(maps["ensemble.u8"], volume, None, job.run.threshold),
        "agreement": agreement(own, volume, job.run.threshold),
        "members": [_outcome(name, own[name]) for name in names],
        "loads": 3, "forward_ms": 30.0, "total_ms": 40.0, "versions": {"numpy": "2"},
    }  # fmt: skip


def lungs(size: int, reach: float) -> np.ndarray:
    """Probability (1, size, size): two ovals of half-height `reach`, soft at the edge."""
    y, x = (np.indices((size, size)) + 0.5) / size
    away = [np.hypot((x - at) / 0.45, (y - 0.5) / 1.0) for at in (0.32, 0.68)]
    return (1 / (1 + np.exp((np.minimum(*away) - reach) / 0.03)))[np.newaxis]


def _outcome(name: str, levels: np.ndarray) -> dict:
    is_first = name.endswith("unet")
    return {
        "model": name, "version": "1.0.0", "weight": 1.0, "share": 1 / 3,
        "device": "cuda" if is_first else "cpu", "device_used": "cpu",
        "fallback": "CUDA is not available on this machine; ran on CPU." if is_first else "",
        "load_ms": 3.0, "run_ms": 12.0, "area_px": int((levels >= 128).sum()),
        "framework": "onnx", "sha256": "0" * 64,
    }  # fmt: skip


def addresses_of_a_working_day(user, folder: Path) -> dict[str, str]:
    """Make the rows behind every state of the work pages; return their addresses by name."""
    models = three_models()
    EnsembleFactory(title="Lung fields")
    result = drawn_result(user, folder, models=models)
    organisation = result.organisation
    JobFactory(run=result.job.run, image=ImageFactory(user=user), failed=True, position=1)
    live = RunFactory(requested_by=user, versions=[models[0]])
    JobFactory(run=live, running=True, step="Model 1 of 1, lungs-unet", steps_total=2)
    JobFactory(run=live, position=1)
    receipt, waiting = UploadFactory(user=user, finished=True), UploadFactory(user=user)
    for upload in (receipt, waiting):
        UploadItemFactory(upload=upload, accepted=True)
        UploadItemFactory(upload=upload, refused=True, name="x" * 200 + ".png")
    UploadItemFactory(upload=waiting)
    StudyFactory(user=user)
    chosen = ImageFactory(user=user)
    scan = ImageFactory(user=user, modality="ct")
    exports = _exports(user, organisation, result)
    show_thumbnails()
    new_run = reverse("imaging:run-create")
    return {
        "worklist": reverse("imaging:study-list"),
        "worklist, nothing matches": reverse("imaging:study-list") + "?modality=mri",
        "upload": reverse("imaging:upload-create"),
        "receipt": receipt.get_absolute_url(),
        "receipt, checking": waiting.get_absolute_url(),
        "study": result.image.study.get_absolute_url(),
        "run form": f"{new_run}?image={chosen.pk}",
        "run form, nothing fits": f"{new_run}?image={scan.pk}",
        "run form, no image": new_run,
        "runs": reverse("imaging:run-list"),
        "run, done with a failure": result.job.run.get_absolute_url(),
        "run, running": live.get_absolute_url(),
        "result, heatmap": result.get_absolute_url(),
        "result, mask": result.get_absolute_url() + "?mode=mask",
        "result, disagreement": result.get_absolute_url() + "?mode=disagreement&t=0.3",
        "models": reverse("imaging:model-list"),
        "exports": reverse("reports:export-list"),
    } | {f"export, {state}": one.get_absolute_url() for state, one in exports.items()}


def addresses_of_reviewing(user, folder: Path) -> dict[str, str]:
    """Make results to hold against each other and to paint on; return their pages by name."""
    models = three_models()
    picture = drawn_result(user, folder, models=models)
    later = drawn_result(user, folder, models=models, study=picture.image.study)
    volume = volume_result(user, folder, affine=NIFTI)
    show_thumbnails()
    pairs = {
        "masks": (picture, later),
        "masks of volumes": (volume, volume),
    }
    for kind, make in (("classification", class_analysis), ("detection", box_analysis)):
        for name, image in (("", picture.image), (" of a volume", volume.image)):
            both = [_answered(user, image, kind, make, folder, models[:1]) for _ in range(2)]
            pairs[kind + name] = (both[0], both[1])
    shown = {
        f"compare, {name}": reverse("imaging:result-compare", args=[one.pk, other.pk])
        for name, (one, other) in pairs.items()
    }
    return shown | {
        "compare, the list": reverse("imaging:result-compare-list", args=[picture.pk]),
        "planes": reverse("imaging:result-planes", args=[volume.pk]),
        "result of a volume": volume.get_absolute_url(),
        "boxes of a volume": pairs["detection of a volume"][0].get_absolute_url(),
        "paint": reverse("imaging:review-paint", args=[picture.pk]),
        "paint on a volume": reverse("imaging:review-paint", args=[volume.pk]),
        "upload a mask": reverse("imaging:review-upload", args=[volume.pk]),
    }


def addresses_of_signing(user, folder: Path) -> dict[str, str]:
    """Make a result in each state of deciding; return their pages by name."""
    models = three_models()
    words = "Both lung fields are outlined well."
    results = {}
    for state in ("unsigned", "rejected", "signed", "amended"):
        result = results[state] = drawn_result(user, folder, models=models)
        if state == "rejected":
            review_save(by=user, result=result, seen=0, decision="rejected", reason="picture")
        elif state != "unsigned":
            review = review_save(by=user, result=result, seen=0, decision="accepted", comment=words)
            review_sign(by=user, review=review, meaning="reviewed")
        if state == "amended":
            review_save(
                by=user, result=result, seen=1, decision="accepted", comment=f"{words} Cut below.",
                amendment="The left costal angle is cut off.",
            )  # fmt: skip
    show_thumbnails()
    signed = results["signed"].reviews.get()
    decided = {f"result, {state}": f"{one.get_absolute_url()}#decision"
               for state, one in results.items()}  # fmt: skip
    return decided | {
        "review, signed": reverse("imaging:review-detail", args=[signed.pk]),
        "sign": reverse("imaging:review-sign", args=[results["amended"].reviews.get(number=2).pk]),
    }


def show_thumbnails() -> None:
    """Give each image a small picture that looks like what it is: a chest, or a slice of a body."""
    y, x = (np.indices((SIZE, SIZE)) + 0.5) / SIZE - 0.5
    body = (np.hypot(x / 0.45, y / 0.36) < 1) * (90 + 60 * (np.hypot(x + 0.1, y) < 0.12))
    for number, image in enumerate(Image.objects.order_by("created_at")):
        is_chest = image.modality == "xray"
        shown = chest_phantom(SIZE, number) if is_chest else body.astype(np.uint8)
        image.thumbnail = stored(
            image.organisation, encode_png(shown), "thumbnail", image.patient_id
        )
        image.save(update_fields=["thumbnail"])


def _answered(user, image, kind: str, make, folder: Path, models) -> Result:
    run = RunFactory(requested_by=user, versions=models, title=f"A {kind}")
    run.frozen["type"] = kind
    run.save()
    job = JobFactory(run=run, image=image, running=True)
    assert job_succeed(job, make(job, folder), folder)
    return Result.objects.get(job=job)


def _exports(user, organisation, result) -> dict[str, Export]:
    made = {}
    for state in ("queued", "running", "succeeded", "failed"):
        made[state] = ExportFactory(user=user, results=[result], status=state)
    blob = blob_write(organisation=organisation, chunks=[b"a,b\n"], kind="export")
    soon = now() + timedelta(days=7)
    Export.objects.filter(pk=made["succeeded"].pk).update(blob=blob, expires_at=soon)
    Export.objects.filter(pk=made["failed"].pk).update(error="The file could not be made.")
    return made
