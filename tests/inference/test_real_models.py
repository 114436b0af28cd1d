"""Real networks on real images: the starter ensemble, and brain models others trained."""

import os
from pathlib import Path

import numpy as np
import pytest

from imaging.inference.cache import ModelCache
from imaging.inference.devices import Placement
from imaging.inference.mapping import maps_of
from imaging.inference.members import run_member
from imaging.inference.pipeline import analyse
from imaging.inference.spec import MemberSpec, spec_from_file
from imaging.types import Volume
from tests.inference.factories import write_model

pytestmark = pytest.mark.data

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MEDISCAN_DATA", ROOT.parent / "shared" / "data"))
STARTERS = ROOT / "models"
BRAINS = DATA / "weights" / "brainchop"
TISSUES = {"0": "background", "1": "white matter", "2": "grey matter"}


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def grey(path):
    from PIL import Image

    return np.asarray(Image.open(path).convert("L"))


@pytest.mark.engine
def test_the_starter_ensemble_finds_lungs_in_another_hospital():
    folder = DATA / "cxr_shenzhen_external"
    if not folder.is_dir():
        pytest.skip("no chest X-rays: set MEDISCAN_DATA")
    if not (STARTERS / "ensembles" / "xray-lungs.json").is_file():
        pytest.skip("the starter models are not in models/")
    spec, models = spec_from_file(STARTERS, "xray-lungs"), ModelCache(STARTERS)
    for number, path in enumerate(sorted((folder / "images").glob("*.png"))[:2]):
        image = Volume(grey(path)[None], modality="DX", raster=True)
        analysis = analyse(image, spec, models, lambda *step: None)
        found, wanted = analysis.ensemble[0] >= 128, grey(folder / "masks" / path.name) > 127
        assert dice(found, wanted) >= 0.80, path.name
        assert analysis.loads == (3 if number == 0 else 0)
        assert {m["framework"] for m in analysis.members} == {"pytorch", "onnx", "tensorflow"}


@pytest.fixture(scope="module")
def head():
    """The middle of a real T1 volume, 1 mm, with its affine in LPS."""
    if not BRAINS.is_dir():
        pytest.skip("no brain models: set MEDISCAN_DATA")
    import nibabel

    file = nibabel.load(BRAINS / "t1_crop.nii.gz")
    affine = np.diag([-1, -1, 1, 1]) @ file.affine
    array = np.ascontiguousarray(np.asarray(file.dataobj).T[100:140, 90:150, 100:156])
    return Volume(
        array,
        modality="MR",
        affine=tuple(map(tuple, affine)),
        spacing_mm=(1.0, 1.0, 1.0),
        spacing_kind="calibrated",
    )


def brain_model(root, name, file, framework, size):
    """A folder for one of the networks; `size` is that of the grid, in the order LIA."""
    shape, channels = ((None, *size, 1), (None, *size, 3))
    if framework == "onnx":
        shape, channels = (None, 1, *size), (None, 3, *size)
    write_model(
        root,
        name,
        (BRAINS / file).read_bytes(),
        framework=framework,
        size=size,
        modality="mri",
        labels=TISSUES,
        input_shape=shape,
        output_shape=channels,
        activation="softmax",
        orientation="LIA",
        intensity=[{"op": "percentile", "low": 0, "high": 100}],
    )


def test_one_brain_network_says_the_same_in_two_frameworks(tmp_path, head):
    size = head.array.shape[::-1]
    brain_model(tmp_path, "by-onnx", "model5_gw_ae/model5_gw_ae.onnx", "onnx", size)
    brain_model(tmp_path, "by-keras", "model5_gw_ae/model5_gw_ae.keras", "tensorflow", size)
    models = ModelCache(tmp_path)
    by_onnx, by_keras = (
        run_member(head, MemberSpec(name), Placement("cpu"), models, maps_of).answer
        for name in ("by-onnx", "by-keras")
    )
    for tissue in ("white matter", "grey matter"):
        assert by_onnx.labels[tissue].shape == head.array.shape
        assert by_onnx.labels[tissue] == pytest.approx(by_keras.labels[tissue], abs=2e-4)
        assert 0.01 < (by_onnx.labels[tissue] >= 0.5).mean() < 0.6
