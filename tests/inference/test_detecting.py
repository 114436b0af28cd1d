"""Boxes: three frameworks as one ensemble, thresholds, the way back to the image's pixels."""

import json

import numpy as np
import pytest

from imaging.inference.cache import ModelCache
from imaging.inference.pipeline import analyse
from imaging.inference.spec import EnsembleSpec, MemberSpec, spec_from_members
from imaging.types import InferenceError, Volume
from tests.inference.factories import picture
from tests.inference.task_models import (
    SIDE,
    keras_detector,
    onnx_detector,
    torch_detector,
)


def found_by(root, *members, image=None, **changes):
    spec = spec_from_members(root, list(members), **changes)
    spec = EnsembleSpec.from_json(json.loads(json.dumps(spec.to_json())))
    image = image or picture(SIDE, SIDE)
    analysis = analyse(image, spec, ModelCache(root), lambda *_: None)
    json.dumps(analysis.to_json(), allow_nan=False)
    return analysis


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    onnx_detector(root, "by-onnx", [[10, 10, 30, 30], [40, 40, 60, 60]], [0.9, 0.8])
    keras_detector(root, "by-keras", [[12, 10, 32, 30]], [0.6])
    torch_detector(root, "by-torch", [[10, 12, 30, 32]], [0.6])
    return root


def three_members():
    return [MemberSpec("by-onnx", weight=2), MemberSpec("by-keras"), MemberSpec("by-torch")]


def test_three_frameworks_are_fused_and_thresholded(three):
    analysis = found_by(three, *three_members())
    (one,) = analysis.boxes
    assert one["score"] == pytest.approx(0.5 * 0.9 + 0.25 * 0.6 + 0.25 * 0.6, abs=1e-4)
    # masses 0.45, 0.15, 0.15 of 0.75: x0 = (10·0.45 + 12·0.15 + 10·0.15)/0.75
    assert one["box"] == pytest.approx([10.4, 10.4, 30.4, 30.4], abs=0.01)
    assert (one["label"], one["n"], one["slice"]) == ("spot", 3, 0)
    assert analysis.decision["below"] == 1  # the second box: 0.5·0.8 < 0.5
    assert analysis.decision["highest_below"] == pytest.approx(0.4, abs=1e-4)
    assert analysis.decision["thresholds"]["spot"]["validated"] is False
    assert analysis.agreement == {"disagree": False, "sentence": "The models agree on every box."}
    assert analysis.arrays() == {}


def test_a_box_of_one_member_only_is_disagreement(three):
    analysis = found_by(three, *three_members(), thresholds={"spot": 0.3})
    assert len(analysis.boxes) == 2
    assert analysis.agreement["sentence"] == (
        "The models disagree: 1 of 2 box(es) were not drawn by by-keras, by-torch."
    )
    voted = found_by(three, *three_members(), thresholds={"spot": 0.3}, fusion="majority")
    assert [one["n"] for one in voted.boxes] == [3]  # half of the weight is no majority


@pytest.mark.parametrize(
    ("resize", "shape", "wanted"),
    [
        ("stretch", (128, 256), [40, 20, 120, 60]),
        ("letterbox", (32, 64), [10, 0, 30, 14]),  # 64 x 32 on 64 x 64: 16 rows of padding above
        ("crop", (64, 128), [42, 10, 62, 30]),  # 128 columns: the middle 64 are seen
    ],
)
def test_boxes_come_back_to_the_images_pixels(tmp_path, resize, shape, wanted):
    onnx_detector(tmp_path, "one", [[10, 10, 30, 30]], [0.9], resize=resize)
    (one,) = found_by(tmp_path, MemberSpec("one"), image=picture(*shape)).boxes
    assert one["box"] == pytest.approx(wanted)


def test_what_lies_outside_the_picture_is_cut_or_dropped(tmp_path):
    boxes = [[-5, -5, 20, 20], [70, 70, 90, 90], [30, 30, 30, 40]]
    onnx_detector(tmp_path, "one", boxes, [0.9, 0.9, 0.9])
    (one,) = found_by(tmp_path, MemberSpec("one")).boxes
    assert one["box"] == [0, 0, 20, 20]


def test_a_member_keeps_one_box_where_many_overlap(tmp_path):
    boxes = [[10, 10, 30, 30], [11, 10, 31, 30], [10, 11, 30, 31]]
    labels = {"labels": {"0": "spot", "1": "line"}}
    onnx_detector(tmp_path, "one", boxes, [0.9, 0.8, 0.7], [0, 0, 1], **labels)
    found = found_by(tmp_path, MemberSpec("one")).boxes
    assert [(one["label"], one["score"]) for one in found] == [
        ("spot", pytest.approx(0.9)),
        ("line", pytest.approx(0.7)),
    ]


def test_each_slice_has_its_boxes(tmp_path):
    onnx_detector(tmp_path, "one", [[10, 10, 30, 30]], [0.9], modality="mri")
    array = np.random.default_rng(1).integers(0, 200, (3, SIDE, SIDE)).astype(np.int16)
    found = found_by(tmp_path, MemberSpec("one"), image=Volume(array, modality="MR")).boxes
    assert [one["slice"] for one in found] == [0, 1, 2]


def test_nothing_found_is_said_with_the_highest_score(tmp_path):
    onnx_detector(tmp_path, "one", [[1, 1, 9, 9]], [0.2])
    analysis = found_by(tmp_path, MemberSpec("one"))
    assert (analysis.boxes, analysis.decision["highest_below"]) == ([], pytest.approx(0.2))


def test_mirrored_copies_are_turned_back_and_fused(tmp_path):
    onnx_detector(tmp_path, "one", [[10, 10, 30, 30]], [0.9], tta=["identity", "flip_x"])
    found = found_by(tmp_path, MemberSpec("one"), thresholds={"spot": 0.4}).boxes
    # this network says the same of any picture, so its mirrored box lies elsewhere: half a score
    assert sorted(one["box"] for one in found) == [[10, 10, 30, 30], [34, 10, 54, 30]]
    assert [one["score"] for one in found] == [pytest.approx(0.45)] * 2


@pytest.mark.parametrize(
    ("boxes", "scores", "labels", "says"),
    [
        ([[0, 0, 5, 5]], [1.7], [0], "scores from 0 to 1"),
        ([[0, 0, 5, 5]], [0.7], [4], "none of 0 to 0"),
        ([[0, 0, 5, 5]], [0.7, 0.8], [0], r"\[n, 4\]"),
        ([[0, 0, np.nan, 5]], [0.7], [0], "not numbers"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path, boxes, scores, labels, says):
    onnx_detector(tmp_path, "one", boxes, scores, labels)
    with pytest.raises(InferenceError, match=says):
        found_by(tmp_path, MemberSpec("one"))
