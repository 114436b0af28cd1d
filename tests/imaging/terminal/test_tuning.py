"""Weights that are earned: found where they help, judged on what they never saw."""

from __future__ import annotations

import numpy as np
import pytest

from imaging.terminal.tuning import (
    THRESHOLDS,
    Choice,
    dice_table,
    folds_of,
    is_worth_it,
    propose,
    tried,
    weight_choices,
    words,
)


def image(number: int, *, noise: float = 0.0, side: int = 40):
    """A square whose first member sees it, and whose second sees another place."""
    draw = np.random.default_rng(number)
    truth = np.zeros((1, side, side), bool)
    top = 5 + number % 10
    truth[0, top : top + 12, 8:24] = True
    good = np.where(truth, 200, 20) + draw.normal(0, 10 + noise, truth.shape)
    bad = np.where(np.roll(truth, 14, axis=2), 255, 0)
    maps = [np.clip(one, 0, 255).astype(np.uint8) for one in (good, bad)]
    return tried(f"{number}.png", f"p{number // 2}", maps, truth)


NOW = Choice((0.5, 0.5), 0.5)


def test_the_member_that_is_right_gets_the_weight_and_the_gain_is_said():
    found = propose([image(n) for n in range(12)], NOW)
    assert found["weights"][0] >= 0.7
    assert found["dice_tuned"] > 0.95 > found["dice_now"]
    assert found["gain"] == pytest.approx(found["dice_tuned"] - found["dice_now"], abs=1e-6)
    assert found["ci95"][0] <= found["gain"] <= found["ci95"][1]
    assert is_worth_it(found)
    assert "gain +" in list(words(["a", "b"], found))[1]


def test_where_the_members_are_equal_nothing_is_gained_and_that_is_said():
    rows = []
    for n in range(12):
        one = image(n)
        rows.append(tried(one.file, one.patient, [one.maps[0], one.maps[0]], one.truth))
    best = propose(rows, NOW)["threshold"]
    found = propose(rows, Choice((0.5, 0.5), best))
    assert found["gain"] == pytest.approx(0, abs=0.01)
    assert not is_worth_it(found)
    assert "not more than chance" in list(words(["a", "b"], found))[-1]


def test_a_patient_is_never_on_both_sides():
    rows = [image(n) for n in range(11)]
    parts = folds_of(rows, 3)
    assert sorted(np.concatenate(parts).tolist()) == list(range(11))
    patients = [{rows[n].patient for n in part} for part in parts]
    assert all(not a & b for i, a in enumerate(patients) for b in patients[i + 1 :])


def test_the_dice_is_that_of_masks_and_left_out_pixels_change_nothing():
    one = image(3)
    table = dice_table([one], [(0.3, 0.7)])
    mean = np.floor(0.3 * one.maps[0].astype(np.float32) + 0.7 * one.maps[1] + 0.5)
    for place, t in enumerate(THRESHOLDS):
        mask = mean >= np.ceil(round(255 * t, 6))
        dice = 2 * (mask & one.truth).sum() / (mask.sum() + one.truth.sum())
        assert table[0, 0, place] == pytest.approx(dice)


def test_two_empty_masks_are_no_number():
    empty = tried("a", "a", [np.zeros((1, 4, 4), np.uint8)] * 2, np.zeros((1, 4, 4), bool))
    assert np.isnan(dice_table([empty], [(0.5, 0.5)])).all()


@pytest.mark.parametrize(("members", "count"), [(1, 1), (2, 11), (3, 66), (4, 286), (6, 1001)])
def test_the_ways_to_share_sum_to_one(members, count):
    found = weight_choices(members)
    assert len(found) == count
    assert all(sum(one) == pytest.approx(1) for one in found)


def test_one_patient_is_too_few():
    with pytest.raises(ValueError, match="two patients"):
        propose([image(0), image(1)], NOW)
