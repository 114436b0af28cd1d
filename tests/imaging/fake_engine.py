"""An engine that answers what the test told it to, in place of a child process."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from tests.imaging.factories import THUMBNAIL


class FakeEngine:
    """Each call takes the next of `answers`: a dict, an exception, or a function of args."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, dict]] = []

    def call(self, op, *, timeout_s, on_progress=None, on_wait=None, **args):
        if op == "describe_instances":  # of files that this fake never wrote: nothing to tell
            return {"told": [""] * len(args["files"])}
        self.calls.append((op, args))
        answer = self.answers.pop(0)
        if on_progress:
            on_progress("Model 1 of 1", 0, 1)
        if on_wait:
            on_wait()
        if isinstance(answer, BaseException):
            raise answer
        return answer(args) if callable(answer) else answer


def fake_decoder(monkeypatch, *answers) -> FakeEngine:
    engine = FakeEngine(*answers)
    monkeypatch.setattr(
        "imaging.services.ingest.decode_engine", lambda: contextlib.nullcontext(engine)
    )
    return engine


def decoded(array: np.ndarray | None = None, **changes):
    """Return what a child answers for a picture; changes to header or volume by prefix."""
    array = np.arange(20, dtype=np.uint8).reshape(1, 4, 5) if array is None else array
    header = {k[7:]: v for k, v in changes.items() if k.startswith("header_")}
    volume = {k[7:]: v for k, v in changes.items() if k.startswith("volume_")}

    def answer(args):
        folder = Path(args["out_dir"])
        (folder / "pixels.raw").write_bytes(array.tobytes())
        (folder / "thumb.png").write_bytes(THUMBNAIL)
        return {
            "image": {
                "format": changes.get("format", "png"),
                "pixels": "pixels.raw", "thumbnail": "thumb.png",
                "dtype": array.dtype.name, "shape": list(array.shape),
                "volume": {
                    "modality": "", "slope": 1.0, "intercept": 0.0, "spacing_mm": None,
                    "spacing_kind": "none", "unit": "stored value", "bits": 8, "raster": True,
                    "affine": None, "padding": None, "window": None,
                } | volume,
                "header": header,
                "warnings": changes.get("warnings", []),
            }
        }  # fmt: skip

    return answer


def dicom(array: np.ndarray | None = None, *, modality: str = "DX", **header):
    """Return what a child answers for a DICOM file."""
    changes = {f"header_{name}": value for name, value in header.items()}
    return decoded(array, format="dicom", volume_modality=modality, volume_raster=False, **changes)
