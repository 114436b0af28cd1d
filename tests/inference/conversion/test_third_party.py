"""Networks of others, in each format they come in: one answer, and their makers' figures."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from imaging.inference import backends
from imaging.inference.cache import ModelCache
from imaging.inference.conversion.converting import convert
from imaging.inference.metadata import read_metadata
from imaging.inference.pipeline import analyse
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.terminal import third_party
from imaging.types import Volume

pytestmark = pytest.mark.data


@pytest.fixture
def weights(data_root):
    if not (data_root / "weights").is_dir():
        pytest.skip("no third-party weights beside the images")
    return data_root / "weights"


@pytest.mark.parametrize("name", third_party.BRAINCHOP)
def test_one_network_in_three_frameworks_says_the_same(weights, tmp_path, name):
    batch = np.random.default_rng(3).random((1, 1, 24, 24, 24), dtype=np.float32)
    found = {}
    for ending in (".pt", ".onnx", ".keras"):
        record = third_party.brain_metadata(name, ending)
        record["preprocessing"]["target_size"] = [24, 24, 24]
        source = third_party.brain_file(weights, name, ending)
        folder = third_party.write_folder(tmp_path, record, source, f"model{ending}")
        out = tmp_path / "out" / folder.name
        convert(folder, out)
        found[ending] = backends.load(out, read_metadata(out), "cpu").predictor.predict(batch)
    for one, other in combinations(found.values(), 2):
        assert np.abs(one - other).max() < 2e-4


def test_the_lgg_network_reaches_its_dice(weights, data_root, tmp_path):
    source = weights / "giacomodeodato_lgg_unet" / "unet.torchscript.pt"
    record = third_party.lgg_metadata("lgg-unet")
    folder = third_party.write_folder(tmp_path, record, source, "model.pt")
    made = convert(folder, tmp_path / "out" / "lgg-unet", trusted=True)
    assert (made.file, made.agreement < 1e-3) == ("model.onnx", True)
    found = third_party.lgg_masks(data_root / "mri_lgg", tmp_path / "out" / "lgg-unet")
    tumours = sorted(dice for dice, has_tumour, _ in found if has_tumour)
    assert tumours == pytest.approx([0.958, 0.964], abs=0.005)
    assert sum(pixels for _, has_tumour, pixels in found if not has_tumour) == 0


def test_deepbrain_is_taken_as_it_is(weights):
    from imaging.inference.backends.onnx_backend import check

    check("deepbrain", (weights / "deepbrain" / "deepbrain_v2.onnx").read_bytes())


def test_an_ensemble_of_one_member_per_framework_says_what_three_onnx_members_say(
    weights, tmp_path
):
    nibabel = pytest.importorskip("nibabel")
    head = nibabel.load(weights / "brainchop" / "t1_crop.nii.gz")
    crop = np.asarray(head.dataobj[96:160, 96:160, 80:144])
    volume = Volume(
        np.ascontiguousarray(crop.transpose(2, 1, 0)), modality="MR", spacing_mm=(1.0, 1.0, 1.0),
        affine=((1, 0, 0, 0), (0, 0, -1, 0), (0, -1, 0, 0), (0, 0, 0, 1)),
    )  # fmt: skip
    maps = {}
    for kind, endings in {"mixed": (".keras", ".pt", ".onnx"), "plain": (".onnx",) * 3}.items():
        members = []
        for name, ending in zip(third_party.BRAINCHOP, endings, strict=True):
            record = third_party.brain_metadata(name, ending)
            record["preprocessing"]["target_size"] = [64, 64, 64]
            del record["tiling"]  # the crop is smaller than a window
            source = third_party.brain_file(weights, name, ending)
            sent, file = tmp_path / "in" / kind, f"model{ending}"
            folder = third_party.write_folder(sent, record, source, file)
            convert(folder, tmp_path / kind / folder.name)
            members.append(MemberSpec(folder.name))
        root = tmp_path / kind
        found = analyse(volume, spec_from_members(root, members), ModelCache(root), lambda *_: None)
        maps[kind] = found.ensemble.astype(int)
        frameworks = {member["framework"] for member in found.members}
        assert len(frameworks) == (3 if kind == "mixed" else 1)
    assert np.abs(maps["mixed"] - maps["plain"]).max() <= 1
    assert 0.05 < (maps["mixed"] >= 128).mean() < 0.95
