"""OpenVINO is offered where it can be imported, and its absence is said."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from imaging.engine import convert_work
from imaging.inference.conversion import timing
from tests.inference.conversion import saved
from tests.inference.factories import metadata_json


@pytest.fixture
def taken(tmp_path):
    """Return a function that converts an ONNX file and tells what its page will show."""

    def take() -> dict:
        path, out = tmp_path / "sent.onnx", tmp_path / "out"
        saved.onnx_file(path)
        out.mkdir()
        args = {"path": path, "out_dir": out, "name": "net.onnx", "trusted": False,
                "form": metadata_json("mine")}  # fmt: skip
        return convert_work.convert_model(args, lambda *step: None)["model"]

    return take


def seen(monkeypatch, found) -> None:
    """Let the one seam, find_spec, answer `found` for openvino."""
    real = timing.importlib.util.find_spec
    monkeypatch.setattr(
        timing.importlib.util, "find_spec",
        lambda name, *more: found if name == "openvino" else real(name, *more),
    )  # fmt: skip


def test_where_it_is_missing_no_row_stands_and_the_page_says_so(taken, monkeypatch):
    seen(monkeypatch, None)
    told = taken()
    assert [row["engine"] for row in told["timings"]] == ["ONNX Runtime"]
    assert timing.NO_OPENVINO in told["notes"]


def test_where_it_is_there_it_is_timed_in_fp32_and_never_serves(taken, monkeypatch):
    asked = []

    class Core:
        def read_model(self, data):
            return data

        def compile_model(self, model, device, settings):
            asked.append((device, settings["INFERENCE_PRECISION_HINT"]))
            return lambda batch: [np.asarray(batch)]

    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(Core=Core))
    seen(monkeypatch, object())
    told = taken()
    rows = {row["engine"]: row for row in told["timings"]}
    assert asked == [("CPU", "f32")]
    assert (rows["OpenVINO"]["serves"], rows["OpenVINO"]["within"]) == (False, True)
    assert rows["ONNX Runtime"]["serves"]
    assert timing.NO_OPENVINO not in told["notes"]
