"""What the engine would answer, made by the real measures from a drawn map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imaging.measures.measuring import measure
from imaging.models import Job, Result
from imaging.services import jobs
from imaging.types import Volume
from tests.imaging.factories import JobFactory, disc_map, ramp


def fake_analysis(job: Job, folder: Path) -> dict[str, Any]:
    """Return ANALYSIS for `job` and write its map files into `folder`."""
    q = disc_map(job.image.shape)
    models = [member["model"] for member in job.run.frozen["members"]]
    files = {"ensemble.u8": q} | {f"member-{n}.u8": q for n, _ in enumerate(models)}
    for name, array in files.items():
        (folder / name).write_bytes(array.tobytes())
    volume = Volume(ramp(job.image.shape), raster=True)
    return {
        "type": "segmentation",
        "fusion": "mean",
        "gate": {"verdict": "pass", "checks": [], "unassessed": models, "overridden": False},
        "shape": list(job.image.shape),
        "maps": {
            "ensemble": "ensemble.u8",
            "disagreement": None,
            "augmentation": None,
            "members": {model: f"member-{n}.u8" for n, model in enumerate(models)},
            "labels": {},
            "saliency": {},
        },
        "measures": measure(q, volume, None, job.run.threshold),
        "label_measures": [],
        "classes": [],
        "boxes": [],
        "decision": {},
        "agreement": None,
        "members": [
            {
                "model": model, "version": "1.0.0", "weight": 1.0, "share": 1 / len(models),
                "device": "auto", "device_used": "cpu", "fallback": "", "load_ms": 3.0,
                "run_ms": 4.0, "area_px": int((q >= 128).sum()), "framework": "onnx",
                "sha256": "0" * 64,
            }
            for model in models
        ],
        "loads": len(models),
        "forward_ms": 4.0,
        "total_ms": 9.0,
        "versions": {"numpy": "2"},
    }  # fmt: skip


def _without_map(job: Job, folder: Path, kind: str, **found) -> dict[str, Any]:
    analysis = fake_analysis(job, folder)
    maps = {name: {} for name in ("members", "labels", "saliency")}
    maps |= dict.fromkeys(("ensemble", "disagreement", "augmentation"))
    return analysis | {"type": kind, "measures": None, "maps": maps} | found


def class_analysis(job: Job, folder: Path) -> dict[str, Any]:
    """The same for a classification of two labels that looked at a disc."""
    (folder / "saliency-0.u8").write_bytes(disc_map(job.image.shape).tobytes())
    models = [member["model"] for member in job.run.frozen["members"]]
    line = {
        "spread": 0.1, "threshold": 0.5, "origin": "mean of the members", "validated": False,
        "n": len(models), "is_finding": True,
    }  # fmt: skip
    members = dict.fromkeys(models, 0.8)
    found = {"label": "tuberculosis", "p": 0.83, "verdict": "positive", "members": members}
    other = {"label": "effusion", "p": 0.2, "verdict": "negative", "members": members}
    analysis = _without_map(
        job,
        folder,
        "classification",
        classes=[line | found, line | other],
        decision={"kind": "multi-label", "saliency": ["tuberculosis"]},
        agreement={"disagree": True, "sentence": "The models disagree on tuberculosis."},
    )
    analysis["maps"]["saliency"] = {"tuberculosis": "saliency-0.u8"}
    return analysis


def box_analysis(job: Job, folder: Path) -> dict[str, Any]:
    """The same for a detection of two boxes."""
    models = [member["model"] for member in job.run.frozen["members"]]
    box = {"label": "tumour", "slice": 0, "n": 1, "members": {models[0]: 0.9}}
    return _without_map(
        job,
        folder,
        "detection",
        boxes=[
            box | {"score": 0.9, "box": [2.0, 3.0, 12.5, 9.0]},
            box | {"score": 0.6, "box": [0.0, 10.0, 8.0, 20.0]},
        ],
        decision={
            "kind": "boxes",
            "thresholds": {"tumour": {"t": 0.5, "origin": "model", "validated": True}},
            "iou_member": 0.5, "iou_fusion": 0.55, "below": 3, "highest_below": 0.41,
            "left_out": 0,
        },
    )  # fmt: skip


REFUSAL = "Its short side has 24 pixels; at least 64 are needed."


def refused_analysis(job: Job, folder: Path) -> dict[str, Any]:
    """The same for an image that the input gate refused."""
    check = {"model": "one", "code": "size", "verdict": "refuse", "sentence": REFUSAL}
    gate = {"verdict": "refuse", "checks": [check], "unassessed": [], "overridden": False}
    return _without_map(job, folder, job.run.frozen["type"], gate=gate)


def result_of(user, make, kind: str, folder: Path) -> Result:
    """Return what is stored when the answer of `make` comes for a new job of `user`."""
    job = JobFactory(user=user)
    job.run.frozen["type"] = kind
    job.run.save()
    job = jobs.job_claim(job.pk)
    assert jobs.job_succeed(job, make(job, folder), folder)
    return Result.objects.get(job=job)
