"""The input gate: each check, each verdict, and what it leaves unsaid."""

import numpy as np
import pytest

from imaging.inference.gate import gate
from imaging.inference.likeness import distance, features, learned
from imaging.inference.metadata import read_metadata
from imaging.inference.metadata_gate import Likeness
from imaging.inference.pipeline import analyse
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.types import InferenceError, Volume
from tests.inference.factories import card, fake_cache, picture, write_metadata, write_model

BIG = (96, 96)


def verdicts(volume, tmp_path, **changes):
    plan = {"min_side": 64} | changes.pop("gate", {})
    found = gate(volume, {"one": card(tmp_path, "one", gate=plan, **changes)})
    return found["verdict"], [(one["code"], one["verdict"]) for one in found["checks"]]


def test_a_picture_as_it_should_be_passes(tmp_path):
    assert verdicts(picture(*BIG), tmp_path) == ("pass", [])


def flat(height=96, width=96):
    array = np.full((1, height, width), 7, np.uint8)
    array[0, 0, 0] = 250
    return Volume(array, modality="DX")


def ct(low, high, **changes):
    array = np.random.default_rng(0).integers(low, high, (4, 96, 96)).astype(np.int16)
    return Volume(array, modality="CT", **changes)


@pytest.mark.parametrize(
    ("volume", "changes", "wanted"),
    [
        (picture(*BIG, modality="MR", raster=False), {}, [("modality", "refuse")]),
        (picture(*BIG, modality="MR"), {}, [("modality", "warn")]),
        (picture(*BIG, localizer=True), {}, [("kind", "refuse")]),
        (picture(*BIG, body_part="FOOT"), {"gate": {"body_part": ["chest"]}},
         [("body_part", "warn")]),
        (picture(*BIG, body_part="Chest"), {"gate": {"body_part": ["chest"]}}, []),
        (picture(*BIG), {"gate": {"range": [0, 100]}}, [("range", "refuse")]),
        (ct(0, 256), {"modality": "ct"}, [("range", "refuse")]),
        (ct(-900, 900), {"modality": "ct"}, []),
        (picture(40, 96), {}, [("size", "refuse")]),
        (picture(96, 96), {"size": (512, 512)}, [("size", "warn")]),
        (flat(), {}, [("flat", "refuse")]),
    ],
)  # fmt: skip
def test_each_check_has_its_verdict(tmp_path, volume, changes, wanted):
    found, checks = verdicts(volume, tmp_path, **changes)
    assert checks == wanted
    assert found == (wanted[0][1] if wanted else "pass")


def test_a_volume_of_two_slices_is_no_volume(tmp_path):
    two = Volume(np.random.default_rng(1).integers(0, 99, (2, 96, 96)).astype(np.int16), "MR")
    _, checks = verdicts(two, tmp_path, size=(64, 64, 64), modality="mri")
    assert checks == [("kind", "refuse")]


def test_the_worst_check_wins_and_stands_first(tmp_path):
    odd = picture(40, 96, body_part="FOOT")
    found, checks = verdicts(odd, tmp_path, gate={"body_part": ["CHEST"]})
    assert found == "refuse"
    assert checks == [("size", "refuse"), ("body_part", "warn")]


def test_one_sentence_for_models_that_say_the_same(tmp_path):
    cards = {name: card(tmp_path, name, gate={}) for name in ("one", "two")}
    (check,) = gate(picture(40, 96), cards)["checks"]
    assert check["model"] == "one, two"


def test_features_by_hand():
    ramp = np.tile(np.arange(101, dtype=np.float32), (1, 3, 1))
    assert features(ramp) == pytest.approx([10, 20, 30, 40, 50, 60, 70, 80, 90, 0.5])


def test_distance_counts_standard_deviations():
    seen = Likeness((0.0,) * 10, tuple(tuple(row) for row in (np.eye(10) * 4).tolist()), 9.0)
    assert distance(np.array([6.0] + [0.0] * 9), seen) == pytest.approx(9)  # (6/2)²


def noise(seed, gain=1.0):
    rng = np.random.default_rng(seed)
    soft = rng.normal(110 + rng.normal(0, 8), 30 + rng.normal(0, 3), (1, 96, 96)) * gain
    return Volume(np.clip(soft, 0, 255).astype(np.uint8), modality="DX", raster=True)


def test_what_looks_like_training_passes_and_what_does_not_is_told(tmp_path):
    plain = card(tmp_path, "one")
    block = learned([features(noise(seed).array / np.float32(255)) for seed in range(200)])
    # features of the network's own input: 8-bit values over 255, on a grid of 96
    model = card(tmp_path, "two", size=BIG, gate={"ood": block})
    assert gate(noise(999), {"two": model})["verdict"] == "pass"
    far = gate(noise(5, gain=0.1), {"two": model})
    assert far["verdict"] == "refuse"
    assert far["checks"][0]["code"] == "ood"
    assert "times the distance" in far["checks"][0]["sentence"]
    assert gate(noise(5), {"one": plain})["unassessed"] == ["one"]
    assert far["unassessed"] == []


def test_a_likeness_needs_enough_pictures():
    with pytest.raises(ValueError, match="30 pictures"):
        learned([np.zeros(10)] * 29)


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"range": [5, 5]}, "does not rise"),
        ({"min_side": 0}, "min_side"),
        ({"ood": {"mean": [0] * 9, "covariance": [], "cut": 1}}, "mean"),
        ({"ood": {"mean": [0] * 10, "covariance": [[0.0] * 10] * 10, "cut": 1}}, "definite"),
        ({"colour": 1}, "unknown key gate.colour"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused_by_key(tmp_path, block, says):
    with pytest.raises(InferenceError, match=says):
        read_metadata(write_metadata(tmp_path, "one", gate=block))


def test_what_is_refused_is_not_run_unless_a_person_says_so(tmp_path):
    write_model(tmp_path, "one", b"x", gate={"min_side": 500})
    spec, ran = spec_from_members(tmp_path, [MemberSpec("one")]), []
    models = fake_cache(tmp_path, lambda name, device, batch: (ran.append(name), batch)[1])
    refused = analyse(picture(), spec, models, lambda *_: None)
    assert (ran, refused.ensemble, refused.measures) == ([], None, None)
    assert refused.arrays() == {}
    assert refused.members[0]["fallback"] == "Not run."
    anyway = analyse(picture(), spec, models, lambda *_: None, overridden=True)
    assert ran == ["one"]
    assert anyway.gate["verdict"] == "refuse"
    assert anyway.gate["overridden"] is True
    assert anyway.measures["operating"]["t"] == 0.5
