"""Where a member runs, with and without CUDA."""

import pytest

from imaging.inference import devices
from imaging.inference.devices import Placement, resolve


@pytest.mark.parametrize(
    ("asked", "count", "device", "says"),
    [
        ("auto", 0, "cpu", ""),
        ("cpu", 2, "cpu", ""),
        ("cuda", 0, "cpu", "CUDA is not available on this machine; ran on CPU."),
        ("cuda:1", 0, "cpu", "CUDA is not available on this machine; ran on CPU."),
        ("auto", 2, "cuda:0", ""),
        ("cuda", 2, "cuda:0", ""),
        ("cuda:1", 2, "cuda:1", ""),
        ("cuda:3", 2, "cpu", "This machine has no cuda:3, only 2 CUDA device(s); ran on CPU."),
    ],
)
def test_every_wish_has_one_place(monkeypatch, asked, count, device, says):
    monkeypatch.setattr(devices, "cuda_count", lambda: count)
    assert resolve(asked) == Placement(device, says)


@pytest.mark.parametrize("asked", ["gpu", "", "cuda:", "cuda:x", "CPU"])
def test_another_word_is_refused(asked):
    with pytest.raises(ValueError, match="is not auto"):
        resolve(asked)


def test_the_cpu_is_chosen_without_asking_for_cuda(monkeypatch):
    monkeypatch.setattr(devices, "cuda_count", lambda: pytest.fail("asked"))
    assert resolve("cpu").device == "cpu"
