"""Numbers worked by hand, then what the summary does at the edges."""

import numpy as np
import pytest

from imaging.measures.reference import compare
from imaging.terminal.scores import Case, block, missed, summary


def case(file, numbers=None, *, label="lung", who="ensemble", **changes):
    base = {
        "dice": 0.8, "iou": 0.7, "hd95": 3.0, "nsd": 0.9, "sensitivity": 0.9, "specificity": 0.9,
        "ppv": 0.9, "unit": "px", "note": "",
    }  # fmt: skip
    return Case(file, file, who, label, {**base, **(numbers or {}), **changes})


def values(*numbers):
    return [(f"{n}.png", f"{n}", number) for n, number in enumerate(numbers)]


def test_mean_median_and_worst_with_its_file():
    found = summary(values(0.9, 0.5, 0.7, None), "dice")
    assert found["mean"] == pytest.approx(0.7)
    assert (found["median"], found["worst"], found["worst_file"]) == (0.7, 0.5, "1.png")
    assert (found["n"], found["nulls"]) == (3, 1)
    assert found["sd"] == pytest.approx(0.2)
    assert (found["p25"], found["p75"]) == (0.6, 0.8)


def test_of_a_distance_the_largest_is_the_worst():
    found = summary(values(3.0, 9.0, 1.0), "hd95_px")
    assert (found["worst"], found["worst_file"]) == (9.0, "1.png")


def test_nothing_defined_has_no_mean():
    found = summary(values(None, None), "dice")
    assert (found["mean"], found["worst_file"], found["n"], found["nulls"]) == (None, None, 0, 2)


def test_the_interval_is_reproducible_and_resamples_patients():
    numbers = list(np.linspace(0.5, 0.9, 20))
    found = summary(values(*numbers), "dice")
    assert found["ci95"] == summary(values(*numbers), "dice")["ci95"]
    assert found["ci95"][0] < found["mean"] < found["ci95"][1]
    doubled = [(f"{n}.png", str(n // 2), numbers[n // 2 * 2]) for n in range(20)]
    once = [(f"{n}.png", str(n), numbers[n * 2]) for n in range(10)]
    assert summary(doubled, "dice")["ci95"] == summary(once, "dice")["ci95"]
    assert summary(values(0.5), "dice")["ci95"] is None


def test_distances_in_mm_and_in_px_are_never_mixed():
    cases = [case("a.png", hd95=10.0), case("b.dcm", hd95=2.0, unit="mm")]
    found = block(cases, ["lung"])
    assert found["hd95_px"]["mean"] == 10.0
    assert found["hd95_mm"]["mean"] == 2.0
    assert "hd95_mm" not in block(cases[:1], ["lung"])


def test_two_empty_masks_are_counted_apart():
    nothing = np.zeros((1, 8, 8), bool)
    empty = Case("b.png", "b", "ensemble", "lung", compare(nothing, nothing))
    found = block([case("a.png"), empty], ["lung"])["dice"]
    assert (found["mean"], found["n"], found["nulls"]) == (0.8, 1, 1)
    assert (found["agreed_empty"], found["mean_with_agreed_empty"]) == (1, 0.9)


def test_several_labels_have_a_block_each_and_their_mean_on_top():
    cases = [
        case("a.png", label="left", dice=0.9),
        case("a.png", label="right", dice=0.5),
        case("b.png", label="left", dice=0.8),
        case("b.png", label="right", dice=None),
    ]
    found = block(cases, ["left", "right"])
    assert found["labels"]["left"]["dice"]["mean"] == pytest.approx(0.85)
    assert found["labels"]["right"]["dice"]["n"] == 1
    assert found["dice"]["mean"] == pytest.approx((0.7 + 0.8) / 2)
    assert found["dice"]["worst_file"] == "a.png"


def test_a_bar_that_is_missed_is_told():
    report = {"ensemble": block([case("a.png")], ["lung"])}
    assert missed(report, {"dice": 0.8, "hd95_px": 3.0}) == []
    assert missed(report, {"dice": 0.81, "hd95_px": 2.9, "hd95_mm": 5}) == [
        "mean dice of the ensemble is 0.8, wanted 0.81",
        "mean hd95_px of the ensemble is 3.0, wanted 2.9",
        "mean hd95_mm of the ensemble is None, wanted 5",
    ]
