"""A golden case of classes and of boxes: within its tolerance, or the numbers that are not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from imaging.inference.golden import GoldenCase, compared


def outcome(kind, expected, tolerance=1, **found):
    analysis = SimpleNamespace(type=kind, **found)
    return compared(analysis, GoldenCase("golden-input.png", expected, tolerance), None, None, None)


def classes(**shares):
    return [{"label": label, "p": p} for label, p in shares.items()]


def test_probabilities_within_a_level_pass():
    found = outcome(
        "classification", {"tb": 0.8, "clear": 0.2}, classes=classes(tb=0.803, clear=0.2)
    )
    assert (found["outcome"], found["sentence"]) == ("passed", "")
    assert found["figures"] == {"probability": pytest.approx(0.003)}


def test_a_probability_beyond_it_is_told_with_both_numbers():
    found = outcome("classification", {"tb": 0.8}, classes=classes(tb=0.81))
    assert found["outcome"] == "failed"
    assert found["sentence"] == "tb: 0.8100, expected 0.8000."
    assert (
        outcome("classification", {"tb": 0.8}, 3, classes=classes(tb=0.81))["outcome"] == "passed"
    )


def test_another_label_is_a_failure():
    found = outcome("classification", {"tb": 0.8}, classes=classes(other=0.8))
    assert found["sentence"] == "The model answers other; expected tb."


def box(score=0.9, side=10.0, label="tumour"):
    return {"label": label, "score": score, "box": [0.0, 0.0, side, 10.0]}


@pytest.mark.parametrize(
    ("boxes", "verdict", "words"),
    [
        ([box()], "passed", ""),
        ([box(score=0.902)], "passed", ""),
        ([box(score=0.91)], "failed", "tumour 0.9100 overlaps 1.000"),
        ([box(side=12.5)], "failed", "overlaps 0.800"),
        ([box(label="cyst")], "failed", "cyst 0.9000"),
        ([], "failed", "0 boxes were found, 1 expected."),
    ],
)
def test_boxes_lie_where_they_must(boxes, verdict, words):
    found = outcome("detection", [box()], boxes=boxes)
    assert found["outcome"] == verdict
    assert words in found["sentence"]
