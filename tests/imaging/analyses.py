"""What the engine would answer, made by the real measures from a drawn map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imaging.measures.measuring import measure
from imaging.models import Job
from imaging.types import Volume
from tests.imaging.factories import disc_map, ramp


def fake_analysis(job: Job, folder: Path) -> dict[str, Any]:
    """Return ANALYSIS for `job` and write its map files into `folder`."""
    q = disc_map(job.image.shape)
    models = [member["model"] for member in job.run.frozen["members"]]
    files = {"ensemble.u8": q} | {f"member-{n}.u8": q for n, _ in enumerate(models)}
    for name, array in files.items():
        (folder / name).write_bytes(array.tobytes())
    volume = Volume(ramp(job.image.shape), raster=True)
    return {
        "shape": list(job.image.shape),
        "maps": {
            "ensemble": "ensemble.u8",
            "disagreement": None,
            "members": {model: f"member-{n}.u8" for n, model in enumerate(models)},
            "labels": {},
        },
        "measures": measure(q, volume, None, job.run.threshold),
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
