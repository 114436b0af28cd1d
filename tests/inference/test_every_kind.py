"""Every modality, task and framework: a small model of each kind answers a drawn picture."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.inference.cache import ModelCache
from imaging.inference.pipeline import analyse
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.samples import chest_phantom
from imaging.types import Volume
from tests.inference import task_models as small
from tests.inference.factories import keras_model, onnx_model, torch_model

CODES = {"xray": "DX", "mri": "MR", "ct": "CT"}
BOX, SCORE = [[8, 8, 40, 40]], [0.8]
MAKERS = {
    ("segmentation", "pytorch"): lambda root, **more: torch_model(root, "m", p=0.75, **more),
    ("segmentation", "onnx"): lambda root, **more: onnx_model(root, "m", **more),
    ("segmentation", "tensorflow"): lambda root, **more: keras_model(root, "m", **more),
    ("classification", "pytorch"): lambda root, **more: small.torch_classifier(
        root, "m", [0.8, 0.3], **more
    ),
    ("classification", "onnx"): lambda root, **more: small.onnx_classifier(
        root, "m", [0.8, 0.3], **more
    ),
    ("classification", "tensorflow"): lambda root, **more: small.keras_classifier(
        root, "m", [0.8, 0.3], **more
    ),
    # a detector written in torch is delivered as what it is exported to
    ("detection", "pytorch"): lambda root, **more: small.torch_detector(
        root, "m", BOX, SCORE, **more
    ),
    ("detection", "onnx"): lambda root, **more: small.onnx_detector(root, "m", BOX, SCORE, **more),
    ("detection", "tensorflow"): lambda root, **more: small.keras_detector(
        root, "m", BOX, SCORE, **more
    ),
}


def drawn(modality: str) -> Volume:
    """The drawn chest; as CT its values are Hounsfield units."""
    array = chest_phantom(64, 1)[np.newaxis]
    if modality == "ct":
        array = (array.astype(np.int16) - 128) * 8
    return Volume(array, modality=CODES[modality], raster=modality != "ct")


@pytest.mark.parametrize("modality", CODES)
@pytest.mark.parametrize(("task", "framework"), MAKERS)
def test_a_model_of_each_kind_answers(tmp_path, modality, task, framework):
    MAKERS[task, framework](tmp_path, modality=[modality])
    spec = spec_from_members(tmp_path, [MemberSpec("m")])
    found = analyse(drawn(modality), spec, ModelCache(tmp_path), lambda *step: None)
    assert found.gate["verdict"] != "refuse", found.gate
    if task == "segmentation":
        assert found.ensemble.shape == (1, 64, 64)
    elif task == "classification":
        assert [round(one["p"], 2) for one in found.classes] == [0.8, 0.3]
    else:
        assert [round(one["score"], 2) for one in found.boxes] == [0.8]
