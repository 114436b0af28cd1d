import numpy as np
import pytest

from imaging.measures.uncertainty import entropy, model_information, volume_variation


def full(p):
    return np.full((1, 2, 2), p, np.float32)


@pytest.mark.parametrize(("p", "bits"), [(0, 0), (1, 0), (0.5, 1), (0.25, 0.811278)])
def test_entropy_worked_by_hand(p, bits):
    assert entropy(full(p)) == pytest.approx(np.full((1, 2, 2), bits), abs=1e-5)


def test_entropy_is_the_same_for_yes_and_no_and_never_above_one_bit():
    p = np.linspace(0, 1, 1001, dtype=np.float32)
    found = entropy(p)
    assert found == pytest.approx(found[::-1], abs=1e-5)
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match=r"0\.\.1"):
        entropy(full(p))


def test_sure_members_that_contradict_each_other_tell_one_bit():
    assert model_information([full(0), full(1)], [1, 1]) == pytest.approx(np.ones((1, 2, 2)))


def test_unsure_members_that_agree_tell_nothing():
    assert model_information([full(0.5), full(0.5)], [1, 3]) == pytest.approx(np.zeros((1, 2, 2)))


def test_information_is_never_negative():
    maps = np.random.default_rng(0).random((3, 1, 20, 20)).astype(np.float32)
    assert model_information(list(maps), [1, 1, 1]).min() >= 0


def test_volume_variation_worked_by_hand():
    assert volume_variation([10, 20, 30]) == pytest.approx((200 / 3) ** 0.5 / 20)


@pytest.mark.parametrize("volumes", [[0, 0], []])
def test_no_volume_has_no_variation(volumes):
    assert volume_variation(volumes) is None
