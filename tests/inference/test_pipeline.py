"""The whole story: three frameworks on one picture, with numbers known beforehand."""

import json

import numpy as np
import pytest

from imaging.inference import devices
from imaging.inference.cache import ModelCache
from imaging.inference.pipeline import analyse
from imaging.inference.spec import EnsembleSpec, MemberSpec, spec_from_members
from imaging.types import InferenceError, Volume
from tests.inference.factories import (
    fake_cache,
    identity_onnx,
    keras_model,
    onnx_model,
    picture,
    torch_model,
    write_model,
)


def silent(stage, done, total):
    pass


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """p = v/255 by ONNX, v/510 by Keras, 0.25 everywhere by torch."""
    root = tmp_path_factory.mktemp("models")
    onnx_model(root, "onnx-one")
    keras_model(root, "keras-one", gain=0.5)
    torch_model(root, "torch-one", p=0.25)
    return root


def three_members(**changes):
    return [
        MemberSpec("onnx-one", weight=2, **changes),
        MemberSpec("keras-one", weight=1),
        MemberSpec("torch-one", weight=1),
    ]


def test_three_frameworks_are_one_weighted_mean(three):
    spec, image = spec_from_members(three, three_members()), picture()
    analysis = analyse(image, spec, ModelCache(three), silent)
    p = image.array.astype(np.float64) / 255
    mean = 0.5 * p + 0.25 * p / 2 + 0.25 * 0.25
    wanted = np.floor(255 * mean + 0.5)
    assert np.abs(analysis.ensemble - wanted).max() <= 1
    assert (analysis.ensemble != wanted).mean() < 0.01
    members = np.stack([p, p / 2, np.full_like(p, 0.25)])
    weights = np.array([0.5, 0.25, 0.25])[:, None, None, None]
    sigma = np.sqrt((weights * (members - mean) ** 2).sum(axis=0))
    assert np.abs(analysis.disagreement - np.floor(510 * sigma + 0.5)).max() <= 1
    assert (analysis.member_maps["onnx-one"] == image.array).all()
    assert (analysis.member_maps["torch-one"] == 64).all()  # ⌊255·0.25 + ½⌋


def test_the_record_is_json_and_names_its_files(three):
    spec = EnsembleSpec.from_json(spec_from_members(three, three_members()).to_json())
    models = ModelCache(three)
    analysis = analyse(picture(), spec, models, silent)
    record = json.loads(json.dumps(analysis.to_json(), allow_nan=False))
    files = analysis.arrays()
    named = [record["maps"]["ensemble"], record["maps"]["disagreement"]]
    assert set(files) == {*named, *record["maps"]["members"].values()}
    assert all(q.dtype == np.uint8 and list(q.shape) == record["shape"] for q in files.values())
    assert record["measures"]["operating"]["t"] == 0.5
    assert len(record["agreement"]["pairwise_dice"]) == 3
    assert [m["framework"] for m in record["members"]] == ["onnx", "tensorflow", "pytorch"]
    assert [m["share"] for m in record["members"]] == [0.5, 0.25, 0.25]
    assert all(m["device_used"] == "cpu" and len(m["sha256"]) == 64 for m in record["members"])
    assert {"torch", "numpy", "keras", "onnxruntime"} <= record["versions"].keys()
    assert record["loads"] == 3
    assert analyse(picture(), spec, models, silent).loads == 0


def test_the_image_decides_the_grid(three):
    spec = spec_from_members(three, three_members())
    analysis = analyse(picture(37, 90), spec, ModelCache(three), silent)
    assert analysis.ensemble.shape == (1, 37, 90)


def test_progress_names_each_member_then_the_measuring(three):
    spec, said = spec_from_members(three, three_members()), []
    analyse(picture(), spec, ModelCache(three), lambda *step: said.append(step))
    assert said == [
        ("onnx-one", 0, 4),
        ("keras-one", 1, 4),
        ("torch-one", 2, 4),
        ("measuring", 3, 4),
    ]


def test_a_member_of_weight_zero_is_listed_and_not_run(tmp_path):
    write_model(tmp_path, "one", b"x")
    write_model(tmp_path, "two", b"x")
    members = [MemberSpec("one"), MemberSpec("two", weight=0)]
    ran = []
    models = fake_cache(tmp_path, lambda name, device, batch: (ran.append(name), batch)[1])
    analysis = analyse(picture(), spec_from_members(tmp_path, members), models, silent)
    assert ran == ["one"]
    assert list(analysis.member_maps) == ["one"]
    assert (analysis.agreement, analysis.disagreement) == (None, None)
    assert analysis.members[1]["run_ms"] is None
    assert "not run" in analysis.members[1]["fallback"]
    assert analysis.members[1]["share"] == 0


def test_cuda_that_is_missing_is_said_on_the_member(three, monkeypatch):
    monkeypatch.setattr(devices, "cuda_count", lambda: 0)
    spec = spec_from_members(three, three_members(device="cuda"))
    analysis = analyse(picture(), spec, ModelCache(three), silent)
    first = analysis.members[0]
    assert (first["device"], first["device_used"]) == ("cuda", "cpu")
    assert first["fallback"] == "CUDA is not available on this machine; ran on CPU."


LABELS = {"0": "background", "1": "oedema", "2": "core"}
SOFTMAX = {"output_shape": [None, 3, 16, 16], "labels": LABELS, "activation": "softmax"}


def scores(*values):
    """A network whose softmax is `values` everywhere."""
    column = np.log(np.array(values, dtype=np.float32)).reshape(1, -1, 1, 1)
    return lambda name, device, batch: np.repeat(batch * 0, len(values), axis=1) + column


def test_several_labels_are_mapped_each_and_together(tmp_path):
    write_model(tmp_path, "one", b"x", **SOFTMAX)
    spec = spec_from_members(tmp_path, [MemberSpec("one")])
    models = fake_cache(tmp_path, scores(0.4, 0.35, 0.25))
    analysis = analyse(picture(), spec, models, silent)
    assert spec.labels == ("oedema", "core")
    assert np.unique(analysis.label_maps["oedema"]).tolist() == [153]  # likelier than the core
    assert np.unique(analysis.label_maps["core"]).tolist() == [0]
    rows = {one["label"]: one["row"]["area_px"] for one in analysis.label_measures}
    assert rows == {"oedema": 256, "core": 0}
    assert np.unique(analysis.ensemble).tolist() == [153]  # 0.6: no argmax
    assert analysis.to_json()["maps"]["labels"] == {"oedema": "label-0.u8", "core": "label-1.u8"}


def test_reference_labels_are_the_denominator_and_no_finding(tmp_path):
    write_model(tmp_path, "one", b"x", **SOFTMAX, reference={"labels": ["oedema"]})
    spec = spec_from_members(tmp_path, [MemberSpec("one")])
    analysis = analyse(picture(), spec, fake_cache(tmp_path, scores(0.2, 0.49, 0.31)), silent)
    assert spec.labels == ("core",)
    assert np.unique(analysis.ensemble).tolist() == [79]
    assert analysis.measures["operating"]["denominator"] == "organ"


def test_slices_of_a_volume_go_through_flat_networks(tmp_path):
    onnx_model(tmp_path, "one", modality="mri")
    array = np.random.default_rng(1).integers(0, 256, (5, 16, 16), dtype=np.uint8)
    spec = spec_from_members(tmp_path, [MemberSpec("one")])
    analysis = analyse(Volume(array, modality="MR"), spec, ModelCache(tmp_path), silent)
    assert (analysis.ensemble == array).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"orientation": "RAS"},
        {"spacing": [2, 2, 2], "tiling": {"roi_size": [16, 16, 16], "batch": 4}},
    ],
    ids=["turned and resized", "by spacing in tiles"],
)
def test_a_volume_goes_through_a_network_of_three_dimensions(tmp_path, changes):
    size = (16, 16, 16)
    shape = [None, 1, *size]
    write_model(
        tmp_path,
        "one",
        identity_onnx(dims=3),
        size=size,
        input_shape=shape,
        output_shape=shape,
        modality="ct",
        intensity=[{"op": "scale", "from": [-1000, 0], "to": [0, 1], "clip": True}],
        **changes,
    )
    array = np.zeros((24, 40, 36), np.int16)
    array[4:16, 8:30, 6:20] = 1000
    volume = Volume(
        array,
        modality="CT",
        intercept=-1000.0,
        unit="HU",
        spacing_mm=(2.5, 1.0, 1.0),
        spacing_kind="calibrated",
        affine=((-1.0, 0, 0, 5), (0, 1.0, 0, 7), (0, 0, -2.5, 9), (0, 0, 0, 1.0)),
    )
    spec = spec_from_members(tmp_path, [MemberSpec("one")])
    analysis = analyse(volume, spec, ModelCache(tmp_path), silent)
    found, wanted = analysis.ensemble >= 128, array > 0
    assert (found & wanted).sum() / (found | wanted).sum() >= 0.85  # a box of 7 x 9 x 6 pixels
    row = analysis.measures["operating"]
    assert row["volume_ml"] == pytest.approx(wanted.sum() * 2.5 / 1000, rel=0.1)


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (picture(array=np.zeros((16, 16), np.uint8)), "three axes"),
    ],
)
def test_an_image_that_cannot_be_analysed_is_refused(three, image, says):
    spec = spec_from_members(three, [MemberSpec("onnx-one")])
    with pytest.raises(InferenceError, match=says):
        analyse(image, spec, ModelCache(three), silent)


def test_a_picture_whose_modality_is_unknown_is_taken_at_the_users_word(three):
    spec = spec_from_members(three, [MemberSpec("onnx-one")])
    assert analyse(picture(modality=""), spec, ModelCache(three), silent).loads == 1


def test_labels_changed_since_the_run_was_frozen_are_refused(tmp_path):
    onnx_model(tmp_path, "one")
    spec = spec_from_members(tmp_path, [MemberSpec("one")])
    onnx_model(tmp_path, "one", labels={"0": "lung"})
    with pytest.raises(InferenceError, match="finds lung; this ensemble is about spot"):
        analyse(picture(), spec, ModelCache(tmp_path), silent)


def test_a_file_changed_since_the_run_was_frozen_is_refused_by_name(tmp_path):
    onnx_model(tmp_path, "one")
    spec = spec_from_members(tmp_path, [MemberSpec("one")])
    onnx_model(tmp_path, "one", gain=0.9)
    with pytest.raises(InferenceError, match=r"Model “one” 1\.0\.0: file model\.onnx has changed"):
        analyse(picture(), spec, ModelCache(tmp_path), silent)
