"""Overlap, suppression and fusion of boxes, by hand and by property."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.inference.boxes import Found, clipped, fused, iou, suppressed


def box(label="spot", score=0.8, at=(0, 0, 10, 10), plane=0):
    return Found(label, score, tuple(float(v) for v in at), plane)


def test_overlap_by_hand():
    others = [[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 4, 4]]
    found = iou(np.array([0.0, 0, 10, 10]), np.array(others, dtype=float))
    assert found == pytest.approx([1, 50 / 150, 0, 4 / 100])


def test_a_box_is_cut_to_the_image_and_an_empty_one_is_dropped():
    boxes, some = clipped(np.array([[-5.0, 2, 4, 99], [30, 1, 40, 5], [3, 3, 3, 8]]), 20, 24)
    assert boxes[0].tolist() == [0, 2, 4, 20]
    assert some.tolist() == [True, False, False]


def test_lower_boxes_over_a_better_one_go():
    boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [6, 0, 16, 10]])
    assert suppressed(boxes, [0.5, 0.9, 0.7]) == [1, 2]


def test_two_members_are_fused_by_score_and_weight():
    found = fused(
        {"a": [box(score=0.9)], "b": [box(score=0.6, at=(2, 0, 12, 10))]}, {"a": 2, "b": 1}
    )
    (one,) = found
    # masses 0.9·2/3 and 0.6·1/3: corners (0·0.6 + 2·0.2)/0.8 and (10·0.6 + 12·0.2)/0.8
    assert one.box == pytest.approx((0.5, 0, 10.5, 10))
    assert one.score == pytest.approx(0.6 + 0.2)
    assert one.scores == {"a": 0.9, "b": 0.6}


def test_who_drew_nothing_counts_as_zero():
    (one,) = fused({"a": [box(score=0.9)], "b": []}, {"a": 1, "b": 1})
    assert one.score == pytest.approx(0.45)


def test_labels_and_slices_are_kept_apart():
    boxes = [box(), box(label="line"), box(plane=1)]
    assert len(fused({"a": boxes}, {"a": 1})) == 3


def test_only_the_best_of_a_member_counts_in_a_cluster():
    (one,) = fused({"a": [box(score=0.9), box(score=0.5, at=(1, 0, 11, 10))]}, {"a": 1})
    assert one.score == pytest.approx(0.9)


coordinates = st.integers(0, 60)
drawn = st.builds(
    lambda label, score, x, y, w, h: box(label, score / 100, (x, y, x + w, y + h)),
    st.sampled_from("ab"),
    st.integers(5, 100),
    coordinates,
    coordinates,
    st.integers(1, 30),
    st.integers(1, 30),
)


@given(st.lists(drawn, max_size=6), st.lists(drawn, max_size=6))
def test_fusion_has_its_properties(first, second):
    shares = {"m": 0.7, "n": 0.3}
    found = fused({"m": first, "n": second}, shares)
    assert found == fused({"n": second, "m": first}, shares)  # the order does not matter
    assert all(0 < one.score <= 1 for one in found)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    everything = np.array([one.box for one in first + second] or [[0, 0, 1, 1]])
    for one in found:  # a fused box stays within what was drawn, and holds something
        assert (np.array(one.box[:2]) >= everything[:, :2].min(axis=0) - 1e-9).all()
        assert (np.array(one.box[2:]) <= everything[:, 2:].max(axis=0) + 1e-9).all()
        assert one.box[0] < one.box[2]
        assert one.box[1] < one.box[3]
    doubled = fused({"m": first, "n": first}, {"m": 0.5, "n": 0.5})
    alone = fused({"m": first}, {"m": 1})
    assert len(doubled) <= len(alone)


@given(st.lists(drawn, min_size=1, max_size=8))
def test_what_suppression_leaves_does_not_overlap(boxes):
    corners = np.array([one.box for one in boxes])
    kept = suppressed(corners, [one.score for one in boxes])
    for number, index in enumerate(kept):
        rest = corners[kept[number + 1 :]]
        assert (iou(corners[index], rest) <= 0.5).all()
    assert boxes[kept[0]].score == max(one.score for one in boxes)
