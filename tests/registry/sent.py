"""Models on their way in, and a take that needs no child: the conversion runs in this process."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imaging.engine import convert_ops
from imaging.registry import taking
from tests.inference.factories import identity_onnx, metadata_json, write_model


class HereEngine:
    """Stands in for the convert child, in this process."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False

    def call(self, op, *, timeout_s, on_progress=None, on_wait=None, trace="-", **args):
        return convert_ops.OPS[op](args, on_progress or (lambda *_: None))


@pytest.fixture
def places(settings, tmp_path, monkeypatch) -> Path:
    """An empty models folder and store, and conversions without a child of their own."""
    settings.MODELS_DIR, settings.MODEL_STORE = tmp_path / "models", tmp_path / "store"
    settings.MODELS_DIR.mkdir()
    settings.STARTER_MODELS = []
    monkeypatch.setattr(taking, "convert_engine", lambda **_: HereEngine())
    return tmp_path


def sent_folder(root: Path, name: str = "mine", **changes) -> Path:
    return write_model(root / "sent", name, identity_onnx(), **changes)


def weight_file(data: bytes | None = None, name: str = "net.onnx") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, identity_onnx() if data is None else data)


def form(**changes) -> dict:
    return metadata_json("mine", **changes)
