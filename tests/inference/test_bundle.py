"""A MONAI bundle is read as data: its steps in our words, or the reason why not."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from monai.networks.nets import UNet

from imaging.inference.bundle import read_bundle
from imaging.inference.conversion.converting import convert
from imaging.inference.errors import ModelFileError

NET = {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [2, 4], "strides": [2]}
META = {
    "version": "0.5.3", "name": "Spleen CT segmentation", "description": "Finds the spleen",
    "monai_version": "1.3.0", "authors": "MONAI team", "copyright": "Copyright (c) MONAI",
    "data_source": "Task09 of the Decathlon", "eval_metrics": {"mean_dice": 0.96},
    "intended_use": "An example, not for diagnosis",
    "network_data_format": {
        "inputs": {"image": {
            "type": "image", "format": "hounsfield", "modality": "CT", "num_channels": 1,
            "spatial_shape": ["8*n", "8*n", "8*n"], "value_range": [0, 1],
            "channel_def": {"0": "image"}}},
        "outputs": {"pred": {
            "type": "image", "format": "segmentation", "num_channels": 2,
            "spatial_shape": [16, 16, 16], "channel_def": {"0": "background", "1": "spleen"}}},
    },
}  # fmt: skip
INFERENCE = {
    "imports": ["$import glob", "$import os"],
    "bundle_root": ".",
    "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
    "network_def": {"_target_": "UNet", **NET},
    "network": "$@network_def.to(@device)",
    "roi": [16, 16, 16],
    "preprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
        {"_target_": "Spacingd", "keys": "image", "pixdim": [1.5, 1.5, 2.0], "mode": "bilinear"},
        {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164,
         "b_min": 0, "b_max": 1, "clip": True},
        {"_target_": "EnsureTyped", "keys": "image"}]},
    "inferer": {"_target_": "SlidingWindowInferer", "roi_size": "@roi", "sw_batch_size": 4,
                "overlap": 0.5},
    "postprocessing": {"_target_": "Compose", "transforms": [
        {"_target_": "Activationsd", "keys": "pred", "softmax": True},
        {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing"},
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
        {"_target_": "KeepLargestConnectedComponentd", "keys": "pred"},
        {"_target_": "SaveImaged", "keys": "pred", "output_dir": "@output_dir"}]},
    "output_dir": "$@bundle_root + '/eval'",
}  # fmt: skip


def bundle(root, *, weights=True, meta=None, inference=None):
    folder = root / "spleen_ct_segmentation"
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "scripts").mkdir()
    (folder / "scripts" / "__init__.py").write_text("raise SystemExit('run')")
    (folder / "configs" / "metadata.json").write_text(json.dumps(meta or META))
    (folder / "configs" / "inference.json").write_text(json.dumps(inference or INFERENCE))
    (folder / "LICENSE").write_text("Apache License\nVersion 2.0")
    if weights:
        torch.manual_seed(4)
        torch.save(UNet(**NET).state_dict(), folder / "models" / "model.pt")
    return folder


def changed(**more):
    return {**copy.deepcopy(INFERENCE), **more}


def test_every_part_lands_where_it_belongs(tmp_path):
    draft = read_bundle(bundle(tmp_path))
    found = draft.metadata
    assert (found["name"], found["version"]) == ("spleen-ct-segmentation", "0.5.3")
    assert (found["type"], found["modality"], found["framework"]) == (
        "segmentation", "ct", "pytorch",
    )  # fmt: skip
    assert found["labels"] == {"0": "background", "1": "spleen"}
    assert found["network"] == {"_target_": "monai.networks.nets.UNet", **NET}
    assert found["orientation"] == "RAS"
    assert found["spacing"] == [1.5, 1.5, 2.0]
    assert found["tiling"] == {"roi_size": [16, 16, 16], "overlap": 0.5}
    assert found["intensity"] == [
        {"op": "scale", "from": [-57.0, 164.0], "to": [0.0, 1.0], "clip": True}
    ]
    assert (found["activation"], found["threshold"]) == ("softmax", 0.5)
    assert found["postprocess"] == [{"op": "largest_components", "count": 1}]
    assert found["card"]["evaluation"] == {"mean_dice": 0.96}
    assert found["card"]["licence"] == "Apache License"
    assert draft.weights.name == "model.pt"


def test_what_fills_a_window_beyond_the_picture_is_kept(tmp_path):
    inferer = {**INFERENCE["inferer"], "padding_mode": "replicate"}
    found = read_bundle(bundle(tmp_path, inference=changed(inferer=inferer))).metadata
    assert found["tiling"]["padding"] == "edge"


def test_the_draft_converts_as_any_model(tmp_path):
    draft = read_bundle(bundle(tmp_path))
    folder = tmp_path / "made" / draft.metadata["name"]
    folder.mkdir(parents=True)
    (folder / "metadata.json").write_text(json.dumps(draft.metadata))
    (folder / "model.pt").write_bytes(draft.weights.read_bytes())
    made = convert(folder, tmp_path / "out" / folder.name)
    assert (made.file, made.agreement < 1e-3) == ("model.safetensors", True)


@pytest.mark.parametrize(
    ("inference", "said"),
    [
        (changed(network_def={"_target_": "scripts.net.Net"}), "no network of MONAI's list"),
        (changed(network_def={"_target_": "$import_net()"}), "no network of MONAI's list"),
        (changed(network_def={**INFERENCE["network_def"], "out_channels": "$1+1"}),
         "no network of MONAI's list"),
        (changed(preprocessing={"transforms": [{"_target_": "scripts.Mine"}]}),
         "preprocessing step Mine is not known"),
        (changed(preprocessing={"transforms": [{"_target_": "Lambdad", "func": "$lambda x: x"}]}),
         "preprocessing step Lambda is not known"),
        (changed(roi="$[96] * 3"), "roi_size is '\\$\\[96\\] \\* 3', no list of numbers"),
        (changed(inferer={"_target_": "scripts.Inferer"}), "inferer step Inferer"),
        (changed(inferer={**INFERENCE["inferer"], "padding_mode": "reflect"}),
         "padding step reflect 0 is not known"),
        (changed(inferer={**INFERENCE["inferer"], "cval": -1}), "padding step constant -1"),
        (changed(roi="@again", again="@roi"), "run in a circle"),
    ],
)  # fmt: skip
def test_what_needs_a_developer_says_what(tmp_path, inference, said):
    with pytest.raises(ModelFileError, match=said):
        read_bundle(bundle(tmp_path, inference=inference))


def test_torchscript_stands_in_for_a_network_of_ones_own(tmp_path):
    folder = bundle(tmp_path, inference=changed(network_def={"_target_": "scripts.net.Net"}))
    (folder / "models" / "model.ts").write_bytes(b"PK")
    draft = read_bundle(folder)
    assert (draft.weights.name, "network" in draft.metadata) == ("model.ts", False)


def test_weights_that_are_only_named_are_not_fetched(tmp_path):
    folder = bundle(tmp_path, weights=False)
    (folder / "large_files.yml").write_text(
        "large_files:\n- path: models/model.pt\n  url: http://x"
    )
    with pytest.raises(ModelFileError, match="Nothing is downloaded"):
        read_bundle(folder)


def test_a_classifier_is_told_by_its_network_not_by_its_type(tmp_path):
    meta = copy.deepcopy(META)
    output = meta["network_data_format"]["outputs"]["pred"]
    output |= {"num_channels": 3, "channel_def": {"0": "a", "1": "b", "2": "c"}}
    plan = {"_target_": "DenseNet121", "spatial_dims": 3, "in_channels": 1, "out_channels": 3}
    found = read_bundle(bundle(tmp_path, meta=meta, inference=changed(network_def=plan))).metadata
    assert (found["type"], found["output_shape"]) == ("classification", [None, 3])


def test_a_modality_that_is_not_said_is_asked_for(tmp_path):
    meta = copy.deepcopy(META)
    del meta["network_data_format"]["inputs"]["image"]["modality"]
    folder = bundle(tmp_path, meta=meta)
    with pytest.raises(ModelFileError, match="Give --modality"):
        read_bundle(folder)
    assert read_bundle(folder, modality="mri").metadata["modality"] == "mri"
