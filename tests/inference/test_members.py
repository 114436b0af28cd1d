"""Members side by side and in sequence, and what happens when memory or a network gives way."""

import threading
from contextlib import closing

import numpy as np
import pytest

from imaging.inference import devices
from imaging.inference.devices import Placement
from imaging.inference.mapping import joined, maps_of
from imaging.inference.members import GPU_FULL, is_memory, run_member, run_members
from imaging.inference.spec import MemberSpec
from imaging.types import InferenceError
from tests.inference.factories import card, fake_cache, picture, write_model

GPU = Placement("cuda:0")


class GpuFull(RuntimeError):
    def __init__(self):
        super().__init__("CUDA out of memory. Tried to allocate 20.00 GiB.")


@pytest.fixture
def root(tmp_path):
    for name in ("one", "two"):
        write_model(tmp_path, name, b"x")
    return tmp_path


def test_one_member_comes_back_on_the_images_grid(root):
    image = picture(16, 16)
    outcome = run_member(image, MemberSpec("one"), Placement("cpu"), fake_cache(root), maps_of)
    assert outcome.answer.finding == pytest.approx(image.array / 255, abs=1e-6)
    assert outcome.answer.finding.dtype == np.float32
    assert (outcome.device_used, outcome.fallback) == ("cpu", "")
    assert outcome.run_ms >= outcome.forward_ms >= 0


def test_a_full_gpu_is_freed_then_spared_then_left(root):
    calls = []

    def run(name, device, batch):
        calls.append((device, len(batch)))
        if device != "cpu":
            raise GpuFull
        return batch

    three = picture(array=np.zeros((3, 16, 16), np.uint8))
    outcome = run_member(
        three, MemberSpec("one", device="cuda"), GPU, fake_cache(root, run), maps_of
    )
    assert calls == [("cuda:0", 3), ("cuda:0", 1), ("cpu", 3)]
    assert (outcome.device_used, outcome.fallback) == ("cpu", GPU_FULL)


def test_sparing_may_be_enough(root):
    def run(name, device, batch):
        if len(batch) > 1:
            raise GpuFull
        return batch

    three = picture(array=np.zeros((3, 16, 16), np.uint8))
    outcome = run_member(three, MemberSpec("one"), GPU, fake_cache(root, run), maps_of)
    assert (outcome.device_used, outcome.fallback) == ("cuda:0", "")


def test_a_gpu_too_full_to_load_a_model_is_left_too(root):
    models = fake_cache(root)
    plain = models._load

    def load(folder, metadata, device, expected=None):
        if device != "cpu":
            raise GpuFull
        return plain(folder, metadata, device, expected)

    models._load = load
    assert run_member(picture(), MemberSpec("one"), GPU, models, maps_of).fallback == GPU_FULL


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried…")],
)
def test_a_full_machine_is_a_plain_failure(root, error):
    def run(name, device, batch):
        raise error

    with pytest.raises(InferenceError, match="Model “one” needs more memory for this image"):
        run_member(picture(), MemberSpec("one"), Placement("cpu"), fake_cache(root, run), maps_of)


def test_a_network_that_breaks_is_named_with_its_reason(root):
    def run(name, device, batch):
        raise RuntimeError("Sizes of tensors must match\nmore lines")

    with pytest.raises(InferenceError) as caught:
        run_member(picture(), MemberSpec("one"), GPU, fake_cache(root, run), maps_of)
    assert str(caught.value) == (
        "Model “one” 1.0.0 could not be run on an input of [1, 1, 16, 16]: "
        "Sizes of tensors must match"
    )
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_memory_words():
    assert is_memory(GpuFull())
    assert not is_memory(InferenceError("out of memory"))
    assert not is_memory(ValueError("bad"))


def test_different_devices_run_side_by_side(root, monkeypatch):
    monkeypatch.setattr(devices, "cuda_count", lambda: 1)
    meeting = threading.Barrier(2, timeout=20)  # breaks unless both are inside at once

    def run(name, device, batch):
        meeting.wait()
        return batch

    members = [MemberSpec("one", device="cuda"), MemberSpec("two", device="cpu")]
    outcomes = list(run_members(picture(), members, fake_cache(root, run), maps_of))
    assert [(o.member.model, o.device_used) for o in outcomes] == [
        ("one", "cuda:0"),
        ("two", "cpu"),
    ]


def test_one_device_runs_in_sequence_one_map_at_a_time(root):
    ran = []
    members = [MemberSpec("one"), MemberSpec("two")]
    models = fake_cache(root, lambda name, device, batch: (ran.append(name), batch)[1])
    with closing(run_members(picture(), members, models, maps_of)) as outcomes:
        next(outcomes)
        assert ran == ["one"]


def test_the_first_failure_ends_the_run(root, monkeypatch):
    monkeypatch.setattr(devices, "cuda_count", lambda: 1)

    def run(name, device, batch):
        if name == "two":
            raise RuntimeError("broken")
        return batch

    members = [MemberSpec("two", device="cpu"), MemberSpec("one", device="cuda")]
    with pytest.raises(InferenceError, match="“two”"):
        list(run_members(picture(), members, fake_cache(root, run), maps_of))
    assert not [t for t in threading.enumerate() if t.name.startswith("member-")]


def test_missing_cuda_is_said(root, monkeypatch):
    monkeypatch.setattr(devices, "cuda_count", lambda: 0)
    (outcome,) = run_members(
        picture(), [MemberSpec("one", device="cuda")], fake_cache(root), maps_of
    )
    assert outcome.fallback == "CUDA is not available on this machine; ran on CPU."


def test_labels_that_exclude_each_other_are_added_others_take_the_maximum(tmp_path):
    maps = [np.float32([0.4, 0.7]), np.float32([0.3, 0.6])]
    shape = {"output_shape": [None, 2, 16, 16], "labels": {"0": "background", "1": "a"}}
    softmax = card(tmp_path, "soft", activation="softmax", **shape)
    assert joined(maps, softmax) == pytest.approx([0.7, 1.0])
    assert joined(maps, card(tmp_path, "sig", activation="sigmoid")) == pytest.approx([0.4, 0.7])
