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


def filled(enough, device="cuda:0"):
    """A network for which memory runs out on `device` unless `enough`, and its calls."""
    calls = []

    def run(name, where, batch):
        calls.append((where, *batch.shape[:1], *batch.shape[2:]))
        if where == device and not enough(len(calls), batch):
            raise GpuFull
        return batch

    return run, calls


SLICES = picture(array=np.zeros((3, 16, 16), np.uint8))


def test_a_full_gpu_is_freed_then_spared_then_left(root):
    run, calls = filled(lambda call, batch: False)
    member = MemberSpec("one", device="cuda")
    outcome = run_member(SLICES, member, GPU, fake_cache(root, run), maps_of)
    assert [call[:2] for call in calls] == [
        ("cuda:0", 3), ("cuda:0", 3), ("cuda:0", 1), ("cpu", 3)
    ]  # fmt: skip
    assert (outcome.device_used, outcome.fallback) == ("cpu", GPU_FULL)


@pytest.mark.parametrize(
    ("enough", "says"),
    [
        (lambda call, batch: True, ""),
        (
            lambda call, batch: call == 2,
            "The GPU ran out of memory; ran again once loaded models had made room.",
        ),
        (
            lambda call, batch: len(batch) == 1,
            "The GPU ran out of memory; ran one slice at a time.",
        ),
    ],
    ids=["at once", "freed", "spared"],
)
def test_each_step_that_is_enough_is_said(root, enough, says):
    run, _calls = filled(enough)
    outcome = run_member(SLICES, MemberSpec("one"), GPU, fake_cache(root, run), maps_of)
    assert (outcome.device_used, outcome.fallback) == ("cuda:0", says)


def test_room_is_made_by_the_models_that_are_not_asked(root):
    run, _calls = filled(lambda call, batch: call == 2)
    models = fake_cache(root, run)
    models.get(MemberSpec("two"), "cuda:0")
    run_member(SLICES, MemberSpec("one"), GPU, models, maps_of)
    assert list(models._entries) == [("one", "cuda:0")]


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("cuda:0", "The GPU ran out of memory; ran in windows of 32 × 32 × 32."),
        ("cpu", "Memory ran out; ran in windows of 32 × 32 × 32."),
    ],
)
def test_a_volume_goes_on_in_smaller_windows(tmp_path, device, says):
    free = [None, 1, None, None, None]
    write_model(
        tmp_path, "one", b"x", size=(64, 64, 64), input_shape=free, output_shape=free,
        tiling={"roi_size": [64, 64, 64], "batch": 2},
    )  # fmt: skip
    run, calls = filled(lambda call, batch: batch.shape[2] <= 32, device)
    array = np.random.default_rng(3).integers(0, 255, (70, 40, 66), dtype=np.uint8)
    outcome = run_member(
        picture(array=array), MemberSpec("one"), Placement(device), fake_cache(tmp_path, run),
        maps_of,
    )  # fmt: skip
    assert (outcome.device_used, outcome.fallback) == (device, says)
    sizes = list(dict.fromkeys(call[1:3] for call in calls))
    assert sizes == [(2, 64), (1, 64), (1, 32)]
    assert outcome.answer.finding == pytest.approx(array / np.float32(255), abs=1e-5)


def test_why_the_cpu_and_how_it_got_through_are_both_said(root, monkeypatch):
    monkeypatch.setattr(devices, "cuda_count", lambda: 0)
    run, _calls = filled(lambda call, batch: len(batch) == 1, "cpu")
    (outcome,) = run_members(
        SLICES, [MemberSpec("one", device="cuda:1")], fake_cache(root, run), maps_of
    )
    assert outcome.fallback == (
        "CUDA is not available on this machine; ran on CPU. "
        "Memory ran out; ran one slice at a time."
    )


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
