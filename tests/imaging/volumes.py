"""A volume that no mirror leaves as it is, analysed and stored as the worker would."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imaging.measures.agreement import agreement
from imaging.measures.measuring import measure
from imaging.models import Result
from imaging.services.jobs import job_succeed
from imaging.types import Volume
from tests.imaging.factories import (
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    RunFactory,
    StudyFactory,
)

SHAPE = (12, 40, 56)
SPACING = (2.0, 0.8, 0.8)  # (z, y, x) mm
# voxel (x, y, z) -> LPS: as a CT lies, from the feet up; NIfTI's usual; taken from the side
AXIAL = ((0.8, 0, 0, -20), (0, 0.8, 0, -10), (0, 0, 2, 100), (0, 0, 0, 1))
NIFTI = ((-0.8, 0, 0, 20), (0, -0.8, 0, 10), (0, 0, 2, 100), (0, 0, 0, 1))
SAGITTAL = ((0, 0, 2, -9), (0.8, 0, 0, -20), (0, -0.8, 0, 60), (0, 0, 0, 1))


def phantom(shape=SHAPE) -> np.ndarray:
    """int16 HU-like: soft tissue in air, brighter towards the last row, column and slice."""
    z, y, x = np.indices(shape)
    inside = ((y - shape[1] / 2) / shape[1]) ** 2 + ((x - shape[2] / 2) / shape[2]) ** 2 < 0.21
    return np.where(inside, 20 + 3 * z + y + 2 * x, -1000).astype(np.int16)


def two_balls(shape=SHAPE, reach: float = 1.0) -> np.ndarray:
    """Probability (Z, Y, X), soft at the edge: a large ball low at the left, a small one above."""
    z, y, x = np.indices(shape).astype(np.float64)
    at = [((3.0, 28.0, 14.0), 7.5 * reach), ((8.0, 12.0, 40.0), 4.5 * reach)]
    away = [
        np.sqrt((2.5 * (z - c[0])) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2) - radius
        for c, radius in at
    ]
    return 1 / (1 + np.exp(np.minimum(*away) / 0.8))


def quantised(p: np.ndarray) -> np.ndarray:
    return np.floor(255 * p + 0.5).astype(np.uint8)


def volume_facts(array: np.ndarray, affine=AXIAL, spacing=SPACING) -> dict:
    return {
        "slope": 1.0, "intercept": 0.0, "spacing_mm": list(spacing) if spacing else None,
        "spacing_kind": "calibrated" if spacing else "none", "unit": "HU", "bits": 16,
        "raster": False, "affine": [list(row) for row in affine] if affine else None,
        "padding": None, "window": None, "low": float(np.percentile(array, 1)),
        "high": float(np.percentile(array, 99)), "minimum": float(array.min()),
        "maximum": float(array.max()),
    }  # fmt: skip


def volume_result(
    user, folder: Path, *, affine=AXIAL, spacing=SPACING, shape=SHAPE, modality="ct", **image
) -> Result:
    """A CT volume with two balls of two models, its result stored with all rows."""
    array = phantom(shape)
    facts = volume_facts(array, affine, spacing)
    shown = ImageFactory(
        study=StudyFactory(user=user, modality=modality), array=array, modality=modality,
        dicom_modality={"ct": "CT", "mri": "MR"}[modality], facts=facts, **image,
    )  # fmt: skip
    versions = [
        ModelVersionFactory(name=name, modalities=[modality], labels=["ball"])
        for name in ("balls-large", "balls-small")
    ]
    run = RunFactory(requested_by=user, versions=versions, title="Balls")
    job = JobFactory(run=run, image=shown, running=True)
    assert job_succeed(job, _analysis(job, array, facts, folder), folder)
    return job.result


def _analysis(job, array: np.ndarray, facts: dict, folder: Path) -> dict:
    names = [member["model"] for member in job.run.frozen["members"]]
    members = [two_balls(array.shape, reach) for reach in (1.08, 0.92)]
    mean = sum(members) / 2
    spread = np.sqrt(sum((one - mean) ** 2 for one in members) / 2)
    own = dict(zip(names, map(quantised, members), strict=True))
    files = {f"member-{n}.u8": q for n, q in enumerate(own.values())}
    files |= {"ensemble.u8": quantised(mean),
              "disagreement.u8": np.floor(510 * spread + 0.5).astype(np.uint8)}  # fmt: skip
    for name, q in files.items():
        (folder / name).write_bytes(q.tobytes())
    volume = Volume(
        array, modality=job.image.dicom_modality, unit="HU", spacing_mm=facts["spacing_mm"],
        spacing_kind=facts["spacing_kind"], affine=facts["affine"],
    )  # fmt: skip
    return {
        "shape": list(array.shape),
        "maps": {
            "ensemble": "ensemble.u8", "disagreement": "disagreement.u8", "labels": {},
            "members": {name: f"member-{n}.u8" for n, name in enumerate(names)},
        },
        "measures": measure(files["ensemble.u8"], volume, None, job.run.threshold),
        "agreement": agreement(own, volume, job.run.threshold),
        "members": [
            {
                "model": name, "version": "1.0.0", "weight": 1.0, "share": 0.5, "device": "auto",
                "device_used": "cpu",
                "fallback": "Memory ran out; ran in windows of 48 × 48 × 48.",
                "load_ms": 3.0, "run_ms": 4.0, "area_px": int((q >= 128).sum()),
                "framework": "onnx", "sha256": "0" * 64,
            }
            for name, q in own.items()
        ],
        "loads": 2, "forward_ms": 4.0, "total_ms": 9.0, "versions": {"numpy": "2"},
    }  # fmt: skip
