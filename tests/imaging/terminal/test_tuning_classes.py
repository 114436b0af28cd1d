"""The weights of a classifier: by AUROC, of images that the choice never saw."""

import numpy as np
import pytest

from imaging.terminal.tuning_classes import (
    Judged,
    class_words,
    mean_auroc,
    propose_classes,
    youden,
)


def image(number: int, *shares: float) -> Judged:
    """Every second image holds the label; one number a member."""
    return Judged(f"{number}.png", f"p{number}", np.array([[p] for p in shares]),
                  np.array([number % 2 == 0]))  # fmt: skip


def of_one_that_knows(count: int = 24) -> list[Judged]:
    noise = np.random.default_rng(3).random(count)
    return [image(n, 0.7 if n % 2 == 0 else 0.4, noise[n]) for n in range(count)]


def test_the_member_that_ranks_right_gets_the_weight():
    found = propose_classes(of_one_that_knows(), ["tb"], [0.0, 1.0])
    assert found["weights"][0] > found["weights"][1]
    assert (found["auroc_tuned"], found["gain"] > 0.3, found["ci95"][0] > 0) == (1.0, True, True)
    assert found["auroc_now"] < 0.7
    assert "not more than chance" not in " ".join(class_words(["a", "b"], found))


def test_equal_members_keep_even_shares_and_gain_nothing():
    images = [image(n, p, p) for n, p in enumerate(np.linspace(0.1, 0.9, 20))]
    found = propose_classes(images, ["tb"], [0.5, 0.5])
    assert found["weights"] == [0.5, 0.5]
    assert (found["gain"], found["ci95"]) == (0, [0, 0])
    assert "keep the weights" in list(class_words(["a", "b"], found))[-1]


def test_an_image_never_chooses_the_weights_that_judge_it():
    """Two images to two folds: the choice by one image of one class says nothing; equal shares."""
    images = [image(0, 0.9, 0.1), image(1, 0.2, 0.8)]
    assert propose_classes(images, ["tb"], [0.5, 0.5], folds=2)["auroc_tuned"] == 0.5


def test_auroc_and_threshold_by_hand():
    p, truth = np.array([[0.1], [0.4], [0.35], [0.8]]), np.array([[0], [0], [1], [1]], dtype=bool)
    assert mean_auroc(p, truth) == 0.75  # three of four pairs stand in the right order
    assert youden(p[:, 0], truth[:, 0]) == 0.225  # 1 + 0.5, as 0.6 would be: the first of equals
    assert mean_auroc(p, np.ones((4, 1), dtype=bool)) is None
    assert youden(p[:, 0], np.ones(4, dtype=bool)) is None


@pytest.mark.parametrize(
    ("images", "words"),
    [([image(0, 0.5)], "two patients"), ([image(0, 0.5), image(2, 0.4)], "with and without")],
)
def test_what_cannot_be_tuned_is_said(images, words):
    with pytest.raises(ValueError, match=words):
        propose_classes(images, ["tb"], [1.0])
