"""Sliding windows: the same answer as MONAI's, in less memory than the volume takes."""

import tracemalloc

import numpy as np
import pytest

from imaging.inference.forward import probabilities
from imaging.inference.thrift import Thrift, thrifts
from imaging.inference.windows import gaussian, slide, starts
from imaging.types import InferenceError
from tests.inference.factories import card

RNG = np.random.default_rng(11)
EDGE = np.float32(0.3)


def seamed(windows):
    """Two channels that depend on the place in the window, so that every weight matters."""
    ramp = np.linspace(0, 1, windows.shape[-1], dtype=np.float32)
    return np.concatenate([windows + ramp, windows * ramp[::-1]], axis=1)


def blended(item, roi, overlap, at_once=2, predict=seamed, padding="zeros"):
    slabs = list(slide(item, roi, overlap, at_once, predict, padding=padding))
    ends = [start + slab.shape[1] for start, slab in slabs]
    assert [start for start, _ in slabs] == [0, *ends[:-1]], "the slabs cover the item once"
    return np.concatenate([slab for _, slab in slabs], axis=1)


MODES = {"zeros": "constant", "edge": "replicate"}


@pytest.mark.parametrize("padding", MODES)
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.6])
@pytest.mark.parametrize(
    ("grid", "roi"),
    [
        ((21, 13, 17), (8, 8, 8)),
        ((9, 30, 10), (16, 12, 8)),
        ((5, 6, 7), (8, 8, 8)),
        ((40, 23), (12, 16)),
        ((12, 12), (12, 12)),
    ],
)
def test_windows_say_what_monais_say(grid, roi, overlap, padding):
    import torch
    from monai.inferers import sliding_window_inference

    item = RNG.random((1, *grid), dtype=np.float32)
    theirs = sliding_window_inference(
        torch.from_numpy(item[None]), roi, 2,
        lambda tiles: torch.from_numpy(seamed(tiles.numpy())), overlap=overlap, mode="gaussian",
        padding_mode=MODES[padding],
    )  # fmt: skip
    assert blended(item, roi, overlap, padding=padding) == pytest.approx(
        theirs.numpy()[0], abs=1e-5
    )


def test_windows_begin_where_they_must():
    assert starts(20, 8, 0.25) == [0, 6, 12]
    assert starts(21, 8, 0.25) == [0, 6, 12, 13]
    assert starts(8, 8, 0.25) == [0]
    assert starts(5, 8, 0.25) == [0]
    assert starts(10, 8, 0.9) == [0, 1, 2]


def test_the_middle_of_a_window_counts_most():
    weights = gaussian((7, 9))
    assert weights.shape == (7, 9)
    assert weights[3, 4] == 1
    assert (weights == weights[::-1, ::-1]).all()
    assert weights.min() >= 1e-3


def tiled(root, side=16, free=True, **changes):
    shape = [None, 1, *([None] * 3 if free else [side] * 3)]
    tiling = {"roi_size": [side] * 3, **changes.pop("tiling", {})}
    sizes = {"size": (side,) * 3, "input_shape": shape, "output_shape": [None, 2, *shape[2:]]}
    labels = {"0": "background", "1": "spot"}
    return card(
        root, **{**sizes, "labels": labels, "activation": "softmax", "tiling": tiling, **changes}
    )


def test_memory_grows_with_the_window_not_with_the_channels_of_the_volume(tmp_path):
    """Twice as long a volume takes what its own kept map takes, and nothing beside it."""
    metadata = tiled(tmp_path)

    def peak(length):
        batch = np.zeros((1, 1, length, 48, 48), dtype=np.float32)
        tracemalloc.start()
        p = probabilities(batch, metadata, lambda w: np.repeat(w, 2, axis=1), keep=[1])
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most - p.nbytes

    short, long = peak(64), peak(256)
    assert long <= 1.05 * short


@pytest.mark.parametrize(("padding", "beyond"), [("zeros", 0.0), ("edge", 0.75)])
def test_a_thin_slab_is_filled_up_as_the_model_asks(tmp_path, padding, beyond):
    metadata = tiled(tmp_path, tiling={"padding": padding})
    batch = np.full((1, 1, 6, 16, 16), 0.75, dtype=np.float32)
    seen = []

    def predict(windows):
        seen.append(windows)
        return np.repeat(windows, 2, axis=1)

    assert probabilities(batch, metadata, predict).shape == (1, 2, 6, 16, 16)
    (window,) = np.concatenate(seen)[:, 0]
    assert window[:5] == pytest.approx(beyond)  # ten planes are missing, five stand before
    assert window[5:11] == pytest.approx(0.75)
    assert window[11:] == pytest.approx(beyond)


def test_only_the_channels_that_are_asked_for_come_back(tmp_path):
    metadata = tiled(tmp_path)
    batch = RNG.random((1, 1, 20, 18, 17), dtype=np.float32)
    both = probabilities(batch, metadata, seamed)
    assert both.shape == (1, 2, 20, 18, 17)
    assert both.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert (probabilities(batch, metadata, seamed, keep=[1])[:, 0] == both[:, 1]).all()


def test_a_window_of_another_shape_is_refused_by_the_models_name(tmp_path):
    with pytest.raises(InferenceError, match=r"Model “one” 1\.0\.0 returned a grid of"):
        probabilities(
            np.zeros((1, 1, 20, 20, 20), np.float32), tiled(tmp_path),
            lambda w: np.repeat(w, 2, axis=1)[..., ::2],
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "windows"),
    [
        ({"side": 96}, [(96,) * 3, (96,) * 3, (48,) * 3]),
        ({"side": 128}, [(128,) * 3, (128,) * 3, (64,) * 3, (32,) * 3]),
        ({"side": 96, "free": False}, [(96,) * 3, (96,) * 3]),
        ({"side": 40}, [(40,) * 3, (40,) * 3]),
    ],
)
def test_windows_shrink_only_where_the_network_leaves_its_size_free(tmp_path, changes, windows):
    metadata = tiled(tmp_path, **changes)
    assert [thrift.window(metadata) for thrift in thrifts(metadata)] == windows
    assert [thrift.one_by_one for thrift in thrifts(metadata)] == [False] + [True] * (
        len(windows) - 1
    )


def test_a_smaller_window_says_the_same_of_an_identity(tmp_path):
    metadata = tiled(tmp_path, side=64, activation="none")
    batch = RNG.random((1, 1, 70, 66, 64), dtype=np.float32)
    seen = []

    def run(windows):
        seen.append(windows.shape)
        return np.repeat(windows, 2, axis=1)

    thrift = Thrift(one_by_one=True, halvings=1)
    p = probabilities(batch, metadata, run, thrift=thrift, keep=[0])
    assert p == pytest.approx(batch, abs=1e-6)
    assert set(seen) == {(1, 1, 32, 32, 32)}
    assert thrift.words(metadata) == "ran in windows of 32 × 32 × 32"
