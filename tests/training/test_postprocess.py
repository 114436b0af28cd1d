"""Post-processing of a probability map, on maps drawn by hand."""

import numpy as np
import pytest

from training.postprocess import fill_holes, keep_largest, postprocess


def drawn(*rectangles: tuple[slice, slice, float]) -> np.ndarray:
    probability = np.zeros((20, 20), np.float32)
    for rows, columns, value in rectangles:
        probability[rows, columns] = value
    return probability


def test_all_but_the_two_largest_components_go():
    big = (slice(0, 5), slice(0, 5), 0.9)
    middle = (slice(0, 4), slice(10, 14), 0.8)
    small = (slice(15, 17), slice(15, 17), 0.99)
    kept = keep_largest(drawn(big, middle, small), 2, 0.5)
    assert np.array_equal(kept, drawn(big, middle))


def test_the_faint_ring_about_a_dropped_component_goes_with_it():
    big = (slice(0, 5), slice(0, 5), 0.9)
    ring = (slice(13, 19), slice(13, 19), 0.2)
    small = (slice(15, 17), slice(15, 17), 0.9)
    assert np.array_equal(keep_largest(drawn(big, ring, small), 1, 0.5), drawn(big))


def test_a_faint_ring_shared_with_a_kept_component_stays():
    bridge = (slice(0, 3), slice(0, 20), 0.2)
    big = (slice(0, 3), slice(0, 8), 0.9)
    small = (slice(0, 3), slice(17, 19), 0.9)
    kept = keep_largest(drawn(bridge, big, small), 1, 0.5)
    assert np.array_equal(kept, drawn(bridge, big, (slice(0, 3), slice(17, 19), 0)))


def test_corners_join_components():
    corner = drawn((slice(0, 2), slice(0, 2), 0.9), (slice(2, 4), slice(2, 4), 0.9))
    assert np.array_equal(keep_largest(corner, 1, 0.5), corner)


def test_holes_are_raised_to_the_threshold_and_the_rest_is_kept():
    frame = drawn((slice(2, 10), slice(2, 10), 0.9), (slice(4, 6), slice(4, 6), 0.1))
    filled = fill_holes(frame, 0.5)
    assert (filled[4:6, 4:6] == 0.5).all()
    assert np.array_equal(np.delete(filled, [4, 5], 0), np.delete(frame, [4, 5], 0))


def test_an_open_bay_is_no_hole():
    bay = drawn((slice(2, 10), slice(2, 10), 0.9), (slice(4, 10), slice(4, 6), 0.1))
    assert np.array_equal(fill_holes(bay, 0.5), bay)


def test_an_empty_map_passes_through():
    empty = drawn()
    steps = [{"op": "largest_components", "count": 2}, {"op": "fill_holes"}]
    assert np.array_equal(postprocess(empty, steps, 0.5), empty)


def test_an_unknown_step_is_refused_by_name():
    with pytest.raises(ValueError, match="erode"):
        postprocess(drawn(), [{"op": "erode"}], 0.5)
