"""One run, a device for each member: what was asked, what was used, and why it differs.

There is no GPU here: the count of devices and the networks are faked at their seams, nothing else.
"""

import numpy as np
import pytest

from imaging.inference import devices
from imaging.inference.pipeline import analyse
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.types import Volume
from tests.inference.factories import fake_cache, write_model

ASKED = {"a": "cpu", "b": "cuda", "c": "cuda:1", "d": "auto", "e": "cuda:7", "f": "cuda:1"}
WORDS = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 1 has a total capacity of 8.00 GiB"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that analyses a volume on two faked GPUs, `network` being every model."""
    monkeypatch.setattr(devices, "cuda_count", lambda: 2)
    free = [None, 1, None, None, None]
    for name in ASKED:
        write_model(
            tmp_path, name, b"x", size=(64, 64, 64), modality="mri", input_shape=free,
            output_shape=free, tiling={"roi_size": [64, 64, 64]},
        )  # fmt: skip
    array = np.random.default_rng(9).integers(0, 256, (10, 70, 66), dtype=np.uint8)

    def go(network):
        members = [MemberSpec(name, device=asked) for name, asked in ASKED.items()]
        volume = Volume(array, modality="MR")
        spec = spec_from_members(tmp_path, members)
        return array, analyse(volume, spec, fake_cache(tmp_path, network), lambda *step: None)

    return go


def records(analysis):
    return {m["model"]: (m["device"], m["device_used"], m["fallback"]) for m in analysis.members}


def test_every_member_runs_where_it_was_sent_and_the_missing_device_is_named(run):
    seen = {}

    def network(name, device, batch):
        seen[name] = device
        return batch

    array, analysis = run(network)
    assert np.abs(analysis.ensemble.astype(int) - array).max() <= 1
    assert records(analysis) == {
        "a": ("cpu", "cpu", ""),
        "b": ("cuda", "cuda:0", ""),
        "c": ("cuda:1", "cuda:1", ""),
        "d": ("auto", "cuda:0", ""),
        "e": ("cuda:7", "cpu", "This machine has no cuda:7, only 2 CUDA device(s); ran on CPU."),
        "f": ("cuda:1", "cuda:1", ""),
    }
    assert seen == {name: used for name, (_, used, _) in records(analysis).items()}


def test_a_full_gpu_moves_its_members_on_and_leaves_the_others_where_they_are(run):
    """cuda:1 bears windows of 32 for one member, and nothing at all for the other."""

    def network(name, device, batch):
        if device == "cuda:1" and (name == "f" or batch.shape[-1] > 32):
            raise RuntimeError(WORDS)
        return batch

    array, analysis = run(network)
    assert np.abs(analysis.ensemble.astype(int) - array).max() <= 1
    found = records(analysis)
    small = "The GPU ran out of memory; ran in windows of 32 × 32 × 32."
    assert found["c"] == ("cuda:1", "cuda:1", small)
    assert found["f"] == ("cuda:1", "cpu", "The GPU ran out of memory; ran on CPU.")
    assert [found[name][1] for name in "abde"] == ["cpu", "cuda:0", "cuda:0", "cpu"]
