"""A map without some of its lesions measures as if they had never been there."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.measures.measuring import measure
from imaging.measures.removing import without
from imaging.types import Volume

SHAPE = (1, 40, 60)


@pytest.fixture
def q() -> np.ndarray:
    """Lesions of 100, 64 and 36 pixels, and a speck of 4."""
    q = np.full(SHAPE, 5, np.uint8)
    for y, x, side in ((2, 2, 10), (20, 30, 8), (4, 50, 6), (36, 2, 2)):
        q[0, y : y + side, x : x + side] = 200
    return q


SIZES = [100, 64, 36]


def test_what_is_removed_is_gone_and_the_rest_is_measured_as_before(q):
    volume = Volume((np.indices(SHAPE)[2] * 4).astype(np.uint8), raster=True)
    whole = measure(q, volume, None, 0.5, min(SIZES))
    left = measure(without(q, 128, SIZES, [2]), volume, None, 0.5, min(SIZES))
    assert whole["operating"]["area_px"] == 200
    assert left["operating"]["area_px"] == 136
    assert [one["px"] for one in left["lesions"]] == [100, 36]
    assert (left["operating"]["specks"], left["operating"]["specks_px"]) == (1, 4)
    for measured, before in zip(left["lesions"], [whole["lesions"][0], whole["lesions"][2]],
                                strict=True):  # fmt: skip
        assert measured["circularity"] == before["circularity"]
        assert measured["average_intensity"] == before["average_intensity"]
    assert q.max() == 200  # the stored map is as it was
    assert q[0, 20, 30] == 200


def test_without_any_there_is_no_finding(q):
    volume = Volume(np.arange(2400, dtype=np.uint16).reshape(SHAPE), raster=True)
    row = measure(without(q, 128, SIZES, [1, 2, 3]), volume, None, 0.5, 36)["operating"]
    assert (row["lesions"], row["severity"]) == (0, "no finding")


def test_a_volume_loses_the_whole_of_a_lesion(q):
    block = np.concatenate([q, q, q])
    left = without(block, 128, [300, 192, 108], [1])
    assert not (left[:, 2:12, 2:12] > 0).any()
    assert (left[:, 20:28, 30:38] == 200).all()


@pytest.mark.parametrize(
    ("sizes", "removed", "sentence"),
    [
        ([100, 65, 36], [1], "not those that are listed"),
        (SIZES, [4], "no region L4"),
        (SIZES, [0], "no region L0"),
        ([], [1], "no region to remove"),
    ],
)
def test_another_map_or_another_lesion_is_refused(q, sizes, removed, sentence):
    with pytest.raises(ValueError, match=sentence):
        without(q, 128, sizes, removed)
