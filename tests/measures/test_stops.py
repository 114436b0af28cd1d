import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from imaging.measures import stops as module
from imaging.measures.stops import stops_of
from tests.measures.factories import box_mask, hills, map_of

LEVELS = tuple(range(13, 255, 24))


def naive(q, level, min_px):
    """Lesion sizes, mask, number and pixels of specks, from the whole frame."""
    labels, n = ndimage.label(q >= level, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    big = sizes >= min_px
    mask = np.concatenate([[False], big])[labels]
    return (
        sorted(sizes[big].tolist(), reverse=True),
        mask,
        int((~big).sum()),
        int(sizes[~big].sum()),
    )


@pytest.mark.parametrize("shape", [(1, 60, 70), (12, 30, 34)])
@pytest.mark.parametrize("min_px", [1, 12, 60])
@pytest.mark.parametrize("smooth", [1.0, 2.0, 5.0])
def test_every_stop_is_what_the_whole_frame_would_give(shape, min_px, smooth):
    q = hills(11, shape, smooth)
    stops, highest = stops_of(q, LEVELS, min_px)
    for number, stop in enumerate(stops, start=1):
        sizes, mask, specks, speck_px = naive(q, stop.level, min_px)
        assert [part.px for part in stop.parts] == sizes
        assert ((highest >= number) == mask).all()
        assert (stop.specks, stop.specks_px) == (specks, speck_px)
        assert ((highest >= number) == mask).all()
        assert stop.px + stop.specks_px == (q >= stop.level).sum()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 14),
    st.integers(1, 30),
    st.integers(2, 5),
    st.integers(1, 9),
)
def test_it_holds_for_any_small_map(seed, rows, columns, values, min_px):
    rng = np.random.default_rng(seed)
    q = rng.choice(np.linspace(0, 255, values), (1, rows, columns)).astype(np.uint8)
    stops, highest = stops_of(q, (1, 64, 128, 200, 255), min_px)
    for number, stop in enumerate(stops, start=1):
        sizes, mask, specks, speck_px = naive(q, stop.level, min_px)
        assert [part.px for part in stop.parts] == sizes
        assert (stop.specks, stop.specks_px) == (specks, speck_px)
        assert ((highest >= number) == mask).all()


def test_order_is_by_size_and_then_by_first_voxel():
    shape = (30, 30)
    low, high = box_mask(shape, (20, 2), (24, 6)), box_mask(shape, (2, 20), (6, 24))
    large = box_mask(shape, (10, 10), (16, 16))
    ((stop,), _) = stops_of(map_of(low | high | large), [128], 1)
    assert [part.origin for part in stop.parts] == [(0, 10, 10), (0, 2, 20), (0, 20, 2)]


def test_a_lesion_that_the_next_cut_leaves_whole_is_not_searched_again(monkeypatch):
    searched = []

    def spy(q, level, min_px, origin=(0, 0, 0)):
        searched.append((level, q.shape))
        return split(q, level, min_px, origin)

    split = module.split
    monkeypatch.setattr(module, "split", spy)
    q = np.maximum(
        map_of(box_mask((50, 50), (2, 2), (12, 12)), 255),
        map_of(box_mask((50, 50), (30, 30), (40, 44)), 100),
    )
    stops, _ = stops_of(q, [50, 90, 120, 200], 12)
    assert [len(stop.parts) for stop in stops] == [2, 2, 1, 1]
    assert searched == [(50, (1, 50, 50)), (120, (1, 10, 14))]
    assert stops[0].parts[1] is stops[3].parts[0]


def test_an_empty_map_has_empty_stops():
    stops, highest = stops_of(np.zeros((1, 9, 9), np.uint8), [13, 128], 12)
    assert [(stop.px, stop.specks) for stop in stops] == [(0, 0), (0, 0)]
    assert not highest.any()
