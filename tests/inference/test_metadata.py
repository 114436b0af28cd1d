"""metadata.json: what is taken, and what is refused with the key and both values."""

import json

import pytest

from imaging.inference.metadata import MetadataError, card_missing, read_metadata
from imaging.types import InferenceError
from tests.inference.factories import CARD, card, metadata_json, write_metadata

USERS_EXAMPLE = {
    "name": "lung_disease_classifier",
    "type": "classification",
    "framework": "pytorch",
    "version": "1.0.0",
    "input_shape": [1, 3, 224, 224],
    "output_shape": [1, 14],
    "modality": "xray",
    "labels": {"0": "No Finding", "1": "Atelectasis", "2": "Cardiomegaly"},
    "preprocessing": {"normalize": True, "target_size": [224, 224]},
}
CT_EXAMPLE = {
    "name": "ct-lung-lesion",
    "type": "segmentation",
    "framework": "pytorch",
    "version": "1.2.0",
    "input_shape": [1, 1, 96, 96, 96],
    "output_shape": [1, 2, 96, 96, 96],
    "modality": "ct",
    "labels": {"0": "background", "1": "lesion"},
    "preprocessing": {"normalize": False, "target_size": [96, 96, 96]},
    "network": {
        "_target_": "monai.networks.nets.UNet",
        "spatial_dims": 3,
        "in_channels": 1,
        "out_channels": 2,
        "channels": [16, 32, 64],
        "strides": [2, 2],
        "num_res_units": 2,
    },
    "activation": "softmax",
    "intensity": [{"op": "scale", "from": [-1000, 400], "to": [0, 1], "clip": True}],
    "orientation": "RAS",
    "spacing": [1.5, 1.5, 1.5],
    "tiling": {"roi_size": [96, 96, 96], "overlap": 0.25},
    "threshold": 0.45,
    "reference": {"model": "ct-lungs"},
    "severity": {
        "rule": "area-circularity",
        "version": 1,
        "basis": "organ",
        "area": [5, 25],
        "circularity": [0.45, 0.75],
    },
    "card": CARD,
    "sha256": {"model.safetensors": "9f" * 32},
}
CXR_EXAMPLE = {
    "name": "cxr-findings",
    "type": "classification",
    "framework": "onnx",
    "version": "2.0.1",
    "input_shape": [None, 1, 224, 224],
    "output_shape": [None, 2],
    "modality": "xray",
    "labels": {"0": "opacity", "1": "effusion"},
    "preprocessing": {"normalize": True, "target_size": [224, 224]},
    "activation": "sigmoid",
    "resize": "letterbox",
    "thresholds": {"opacity": 0.41, "effusion": 0.36},
    "card": CARD,
    "sha256": {"model.onnx": "77" * 32},
}
BOXES_EXAMPLE = {
    "name": "wrist-boxes",
    "type": "detection",
    "framework": "onnx",
    "version": "0.3.0",
    "input_shape": [1, 1, 640, 640],
    "output_shape": [[None, 4], [None], [None]],
    "modality": "xray",
    "labels": {"0": "fracture"},
    "preprocessing": {"normalize": True, "target_size": [640, 640]},
    "resize": "letterbox",
    "activation": "none",
    "thresholds": {"fracture": 0.3},
    "card": CARD,
    "sha256": {"model.onnx": "c0" * 32},
}


def written(root, values):
    folder = root / values["name"]
    folder.mkdir()
    (folder / "metadata.json").write_text(json.dumps(values), encoding="utf-8")
    return folder


def test_the_users_example_with_all_fourteen_labels_is_taken(tmp_path):
    labels = {str(n): f"finding {n}" for n in range(14)}
    found = read_metadata(written(tmp_path, {**USERS_EXAMPLE, "labels": labels}))
    assert (found.type, found.channels, found.spatial_dims) == ("classification", ("grey",) * 3, 2)
    assert len(found.labels) == 14
    assert found.sha256 == {}


def test_the_users_excerpt_of_three_labels_is_refused_with_both_numbers(tmp_path):
    with pytest.raises(MetadataError, match=r"labels: 3 names, but output_shape has 14 channels"):
        read_metadata(written(tmp_path, USERS_EXAMPLE))


@pytest.mark.parametrize("example", [CT_EXAMPLE, CXR_EXAMPLE, BOXES_EXAMPLE])
def test_the_documented_examples_are_taken(tmp_path, example):
    found = read_metadata(written(tmp_path, example))
    assert found.name == example["name"]
    assert found.raw == example
    assert card_missing(found.card) == ()


def test_one_channel_of_background_and_x_is_x(tmp_path):
    found = card(tmp_path, labels={"0": "background", "1": "lung"})
    assert found.channel_labels == ("lung",)
    assert found.findings == ("lung",)


@pytest.mark.parametrize(
    ("changes", "activation"),
    [
        ({}, "sigmoid"),
        ({"output_shape": [None, 2, 16, 16], "labels": {"0": "background", "1": "a"}}, "softmax"),
        ({"output_shape": [None, 2, 16, 16], "labels": {"0": "a", "1": "b"}}, "sigmoid"),
    ],
)
def test_an_absent_activation_follows_the_channels(tmp_path, changes, activation):
    assert card(tmp_path, activation=..., **changes).activation == activation


def test_absent_keys_take_their_documented_values(tmp_path):
    found = card(tmp_path, card=..., activation=...)
    assert (found.resize, found.threshold, found.temperature) == ("stretch", 0.5, 1.0)
    assert (found.tta, found.tiling, found.min_size) == (((),), None, None)
    assert "authors" in card_missing(found.card)


def test_tensorflow_is_channels_last_unless_it_says_otherwise(tmp_path):
    assert card(tmp_path, framework="tensorflow").channel_axis == -1
    other = {"input_shape": [None, 16, 16, 1], "output_shape": [None, 16, 16, 1]}
    assert card(tmp_path, "two", channel_axis=3, **other).channel_axis == -1


def test_keys_of_ones_own_begin_with_x(tmp_path):
    assert card(tmp_path, x_note="mine").raw["x_note"] == "mine"


@pytest.mark.parametrize("channels", [1, ["grey"], ["flair"]])
def test_channels_are_a_number_or_names(tmp_path, channels):
    assert len(card(tmp_path, channels=channels).channels) == 1


REFUSED = [
    ({"colour": "red"}, 'unknown key colour with value "red"'),
    ({"version": ...}, "required key version is missing"),
    ({"version": "1.0"}, 'version: "1.0" is not a semantic version'),
    ({"version": "01.0.0"}, "version"),
    ({"name": "two"}, 'name: says "two", but the folder is named "one"'),
    ({"name": "One"}, "name"),
    ({"type": "regression"}, 'type: "regression" is not one of classification'),
    ({"framework": "jax"}, 'framework: "jax"'),
    ({"modality": "ultrasound"}, 'modality: "ultrasound"'),
    ({"modality": []}, "modality"),
    ({"labels": {"0": "a", "2": "b"}}, "labels: keys"),
    ({"labels": {}}, "labels"),
    ({"labels": {"0": "a", "1": "A"}}, "labels: a name stands twice"),
    ({"labels": {"0": "background"}}, "hold no finding"),
    ({"labels": {"0": ""}}, "labels"),
    ({"input_shape": [None, 16, 16]}, "input_shape"),
    ({"input_shape": [None, None, 16, 16]}, "channel count must be a number"),
    ({"input_shape": [None, 2, 16, 16]}, "channels: input_shape has 2 channels; name each"),
    (
        {"input_shape": [None, 1, 32, 16], "output_shape": [None, 1, 32, 16]},
        "target_size: [16, 16] does not fit input_shape",
    ),
    ({"output_shape": [None, 1, 8, 8]}, "output_shape: [null, 1, 8, 8] is another grid"),
    ({"output_shape": [None, 3, 16, 16]}, "1 names, but output_shape has 3 channels"),
    ({"channels": 3}, "channels: 3 does not fit input_shape with 1 channels"),
    ({"channels": True}, "channels"),
    ({"preprocessing": {"normalize": "yes", "target_size": [16, 16]}}, "preprocessing.normalize"),
    ({"preprocessing": {"normalize": True}}, "preprocessing.target_size is missing"),
    (
        {"preprocessing": {"normalize": True, "target_size": [16, 16], "mean": 0}},
        "unknown key preprocessing.mean",
    ),
    ({"activation": "relu"}, 'activation: "relu"'),
    ({"temperature": 0}, "temperature: 0 is not a number"),
    ({"resize": "squash"}, "resize"),
    ({"threshold": 0}, "threshold"),
    ({"thresholds": {"other": 0.5}}, "unknown key thresholds.other"),
    ({"orientation": "RAS"}, "orientation: is for networks of three dimensions"),
    ({"spacing": [1, 1]}, "spacing"),
    ({"intensity": [{"op": "gamma"}]}, "intensity[0].op"),
    ({"intensity": [{"op": "percentile", "low": 99, "high": 1}]}, "intensity[0].low"),
    ({"intensity": [{"op": "scale", "from": [1, 1]}]}, "intensity[0].from"),
    ({"intensity": [{"op": "window", "center": 0, "width": 0}]}, "intensity[0].width"),
    ({"intensity": [{"op": "zscore", "mean": 1, "std": "image"}]}, "intensity[0].std"),
    ({"intensity": [{"op": "zscore", "mean": 1, "std": 0}]}, "intensity[0].std"),
    ({"postprocess": [{"op": "erode"}]}, "postprocess[0].op"),
    ({"postprocess": [{"op": "largest_components", "count": 0}]}, "postprocess[0].count"),
    ({"postprocess": [{"op": "fill_holes", "count": 1}]}, "unknown key postprocess[0].count"),
    ({"tta": ["flip_z"]}, "tta"),
    ({"tiling": {"roi_size": [16, 16], "overlap": 1}}, "tiling.overlap"),
    ({"tiling": {"roi_size": [16, 16], "padding": "mirror"}}, "tiling.padding"),
    ({"tiling": {"roi_size": [8, 8]}}, "tiling.roi_size: [8, 8] does not fit"),
    ({"network": {"_target_": "os.system"}}, 'network: _target_ "os.system" is not on the list'),
    ({"network": {"_target_": "monai.networks.nets.UNet.x"}}, "not on the list"),
    (
        {"network": {"_target_": "monai.networks.nets.UNet", "act": "$__import__('os')"}},
        "is an expression",
    ),
    ({"network": {"_target_": "monai.networks.nets.UNet", "a": ["@b"]}}, "is an expression"),
    (
        {"network": {"_target_": "monai.networks.nets.UNet", "a": {"_target_": "b"}}},
        "nested _target_",
    ),
    (
        {"network": {"_target_": "monai.networks.nets.EfficientNetBN", "pretrained": True}},
        "pretrained must be false",
    ),
    ({"reference": {"labels": ["liver"]}}, 'reference: "liver" is not one of the labels'),
    ({"reference": {}}, "reference: needs either model or labels"),
    ({"findings": ["liver"]}, 'findings: "liver"'),
    ({"severity": {"rule": "area-circularity", "version": 1, "area": [25, 5]}}, "severity"),
    ({"severity": {"rule": "other"}}, "severity"),
    ({"card": {"licence": "MIT", "price": 3}}, "unknown key card.price"),
    ({"sha256": {"../x": "0" * 64}}, 'sha256: "../x" is not a plain file name'),
    ({"sha256": {"model.onnx": "0" * 63}}, "sha256"),
    ({"gate": 3}, "gate"),
]


@pytest.mark.parametrize(("changes", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_what_is_wrong_is_refused_by_name(tmp_path, changes, says):
    folder = write_metadata(tmp_path, "one", **changes)
    with pytest.raises(MetadataError) as caught:
        read_metadata(folder)
    assert says in str(caught.value)
    assert "Model “one”" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"name": "one", "name": "two"}',
        '{"name": NaN}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_a_file_that_is_no_honest_json_is_refused(tmp_path, text):
    folder = write_metadata(tmp_path)
    (folder / "metadata.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(MetadataError, match=r"metadata\.json"):
        read_metadata(folder)


def test_a_missing_and_a_huge_file_are_refused(tmp_path):
    with pytest.raises(MetadataError, match="missing"):
        read_metadata(tmp_path / "none")
    folder = write_metadata(tmp_path, x_big="a" * (1 << 20))
    with pytest.raises(MetadataError, match="bytes"):
        read_metadata(folder)


def test_every_refusal_may_be_shown_to_the_user():
    assert issubclass(MetadataError, InferenceError)
    assert metadata_json()["name"] == "one"
