"""Classes: three frameworks as one ensemble, thresholds and their origin, where they looked."""

import json

import numpy as np
import pytest
import torch

from imaging.inference.backends.gradcam import gradcam, torch_watched
from imaging.inference.cache import ModelCache
from imaging.inference.pipeline import analyse
from imaging.inference.saliency import occlusion, patches_within
from imaging.inference.spec import EnsembleSpec, MemberSpec, spec_from_members
from imaging.types import InferenceError
from tests.inference.factories import card, picture, write_model
from tests.inference.task_models import (
    CLASSIFIER,
    SIDE,
    keras_classifier,
    onnx_classifier,
    torch_classifier,
)


def silent(*_step):
    pass


def classes(root, *members, image=None, **changes):
    spec = spec_from_members(root, list(members), **changes)
    spec = EnsembleSpec.from_json(json.loads(json.dumps(spec.to_json())))
    analysis = analyse(image or picture(SIDE, SIDE), spec, ModelCache(root), silent)
    json.dumps(analysis.to_json(), allow_nan=False)
    return analysis, {one["label"]: one for one in analysis.classes}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    onnx_classifier(root, "by-onnx", (0.9, 0.2), thresholds={"class 0": 0.4})
    keras_classifier(root, "by-keras", (0.5, 0.4), thresholds={"class 0": 0.6})
    torch_classifier(root, "by-torch", (0.7, 0.1))
    return root


def three_members():
    return [MemberSpec("by-onnx", weight=2), MemberSpec("by-keras"), MemberSpec("by-torch")]


def test_three_frameworks_are_one_weighted_mean_of_probabilities(three):
    analysis, found = classes(three, *three_members())
    one = found["class 0"]
    assert one["p"] == pytest.approx(0.5 * 0.9 + 0.25 * 0.5 + 0.25 * 0.7, abs=1e-4)
    assert one["spread"] == pytest.approx(
        np.sqrt(0.5 * 0.15**2 + 0.25 * 0.25**2 + 0.25 * 0.05**2), abs=1e-4
    )
    assert one["members"] == pytest.approx({"by-onnx": 0.9, "by-keras": 0.5, "by-torch": 0.7},
                                           abs=1e-4)  # fmt: skip
    # no threshold of its own: 0.5·0.4 + 0.25·0.6 + 0.25·0.5, and said not to be validated
    assert one["threshold"] == pytest.approx(0.475)
    assert (one["origin"], one["validated"]) == ("mean of the members", False)
    assert (one["verdict"], found["class 1"]["verdict"]) == ("positive", "negative")
    assert (analysis.ensemble, analysis.measures, analysis.boxes) == (None, None, ())
    assert analysis.decision["kind"] == "multi-label"
    assert [m["device_used"] for m in analysis.members] == ["cpu"] * 3


def test_members_on_two_sides_of_the_threshold_disagree(three):
    analysis, _ = classes(three, *three_members(), thresholds={"class 0": 0.6})
    assert analysis.agreement["disagree"] is True
    assert analysis.agreement["sentence"] == (
        "The models disagree on class 0: by-onnx, by-torch reach 0.60, by-keras does not."
    )


def test_the_ensembles_own_threshold_comes_first(three):
    _, found = classes(three, *three_members(), thresholds={"Class_0": 0.8})
    assert (found["class 0"]["origin"], found["class 0"]["validated"]) == ("ensemble", True)
    assert found["class 0"]["verdict"] == "negative"


def test_one_model_brings_the_threshold_of_its_version(three):
    analysis, found = classes(three, MemberSpec("by-keras"))
    one = found["class 0"]
    assert (one["threshold"], one["origin"], one["validated"]) == (0.6, "model", True)
    assert (one["verdict"], one["spread"], analysis.agreement) == ("negative", None, None)


def test_a_majority_vote_takes_what_more_than_half_says(three):
    members = [MemberSpec("by-onnx"), MemberSpec("by-keras"), MemberSpec("by-torch")]
    _, found = classes(three, *members, fusion="majority")
    assert found["class 0"]["p"] == pytest.approx(0.7, abs=1e-4)
    with pytest.raises(InferenceError, match="STAPLE joins masks"):
        spec_from_members(three, members, fusion="staple")


def test_labels_of_a_union_are_averaged_over_who_knows_them(tmp_path):
    onnx_classifier(tmp_path, "a", (0.8, 0.3), labels={"0": "effusion", "1": "mass"})
    onnx_classifier(tmp_path, "b", (0.4,), labels={"0": "Effusion"})
    members = [MemberSpec("a"), MemberSpec("b", weight=3)]
    with pytest.raises(InferenceError, match="do not fit together"):
        spec_from_members(tmp_path, members)
    _, found = classes(tmp_path, *members, union=True)
    assert found["Effusion"]["p"] == pytest.approx(0.25 * 0.8 + 0.75 * 0.4, abs=1e-4)
    assert (found["Effusion"]["n"], found["mass"]["n"]) == (2, 1)
    assert found["mass"]["p"] == pytest.approx(0.3, abs=1e-4)


SOFT = {"activation": "softmax", "labels": {"0": "normal", "1": "tb"}, "findings": ["tb"]}


def test_of_labels_that_exclude_each_other_the_largest_wins_or_is_uncertain(tmp_path):
    onnx_classifier(tmp_path, "one", (0.5, 0.2), **SOFT)
    analysis, found = classes(tmp_path, MemberSpec("one"))
    assert analysis.decision["kind"] == "multi-class"
    assert found["normal"]["p"] == pytest.approx(0.8)  # logits 0 and -1.386
    assert (found["normal"]["verdict"], found["normal"]["is_finding"]) == ("positive", False)
    assert (found["tb"]["verdict"], found["tb"]["is_finding"]) == ("negative", True)
    onnx_classifier(tmp_path, "two", (0.5, 0.2), min_p=0.9, **SOFT)
    _, found = classes(tmp_path, MemberSpec("two"))
    assert found["normal"]["verdict"] == "uncertain"


def test_a_least_probability_is_for_classification(tmp_path):
    with pytest.raises(InferenceError, match="min_p: is for classification"):
        card(tmp_path, "one", min_p=0.5)


def test_mirrored_copies_are_averaged_and_never_mix_the_classes(tmp_path):
    onnx_classifier(tmp_path, "one", (0.9, 0.2), tta=["identity", "flip_x", "flip_xy"])
    _, found = classes(tmp_path, MemberSpec("one"))
    assert [round(one["p"], 3) for one in found.values()] == [0.9, 0.2]


def test_occlusion_finds_what_holds_the_probability_up(tmp_path):
    onnx_classifier(tmp_path, "one", (0.5,), gain=20.0, labels={"0": "bright"})
    image = np.zeros((1, 128, 128), np.uint8)
    image[0, 80:104, 24:48] = 255
    analysis, _ = classes(tmp_path, MemberSpec("one"), image=picture(array=image))
    q = analysis.saliency["bright"]
    assert q.shape == (1, 128, 128)
    assert q.max() == 255  # each map by its own maximum
    y, x = np.unravel_index(int(q.argmax()), (128, 128))
    assert 80 <= y < 104
    assert 24 <= x < 48
    assert q[0, :40, 90:].max() == 0
    assert analysis.decision["saliency"] == ["bright"]
    assert analysis.to_json()["maps"]["saliency"] == {"bright": "saliency-0.u8"}


def test_a_network_that_looks_nowhere_has_no_map(tmp_path):
    onnx_classifier(tmp_path, "one", (0.7,))
    analysis, _ = classes(tmp_path, MemberSpec("one"))
    assert (analysis.saliency, analysis.decision["saliency"]) == ({}, [])


def test_torch_is_asked_for_its_gradients(three):
    analysis, _ = classes(three, MemberSpec("by-torch"))
    assert all(q.max() == 255 and q.shape == (1, SIDE, SIDE) for q in analysis.saliency.values())


def test_gradcam_by_hand():
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 1, bias=False), torch.nn.ReLU(inplace=True),
        torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(2, 1, bias=False),
    )  # fmt: skip
    with torch.no_grad():
        network[0].weight[:] = torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1)
        network[4].weight[:] = torch.tensor([[3.0, -1.0]])
    picture = torch.tensor([[0.0, 1.0], [2.0, 5.0]])[None, None]
    (found,) = gradcam(network, torch_watched(network), picture, [0])
    # α = (3, -1)/4 where the ReLU lets through (3 of 4 places), A = (x, 2x): (3x - 2x)·3/16
    assert found == pytest.approx(picture[0, 0].detach().numpy() * 3 / 16)


def test_a_keras_network_is_asked_for_its_gradients_too(tmp_path):
    """The same network by hand: the sum above, with the channels last and a network inside."""
    from imaging.inference.backends.keras_runtime import keras

    inside = keras.Sequential([keras.Input((SIDE, SIDE, 1)), keras.layers.Conv2D(2, 1)])
    dense = keras.layers.Dense(1, use_bias=False)
    entry = keras.Input((SIDE, SIDE, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(inside(entry)))
    model = keras.Model(entry, dense(pooled))
    inside.layers[-1].set_weights([np.array([[[[1.0, 2.0]]]]), np.zeros(2)])
    dense.set_weights([np.array([[3.0], [-1.0]])])
    model.save(tmp_path / "file.keras")
    write_model(tmp_path, "one", (tmp_path / "file.keras").read_bytes(), framework="tensorflow",
                **CLASSIFIER, labels={"0": "bright"}, output_shape=[None, 1])  # fmt: skip
    models = ModelCache(tmp_path)
    predictor = models.get(MemberSpec("one"), "cpu").predictor
    image = np.random.default_rng(1).uniform(0.1, 1, (1, 1, SIDE, SIDE)).astype(np.float32)
    for _again in range(2):  # the layers are what they were
        (found,) = predictor.gradcam(image, [0])
        assert found == pytest.approx(image[0, 0] / SIDE**2, rel=1e-4)
    assert predictor.predict(image).shape == (1, 1)
    analysis, _ = classes(
        tmp_path, MemberSpec("one"), image=picture(array=np.uint8(image[0] * 250))
    )
    assert analysis.saliency["bright"].max() == 255


@pytest.mark.parametrize(
    ("grid", "most", "count"),
    [((64, 64), 225, 225), ((64, 64), 224, 64), ((64, 64), 49, 49), ((64, 64), 48, 16),
     ((64, 64), 15, 9), ((64, 64), 8, 4), ((64, 64), 0, 4), ((32, 32, 32), 343, 343),
     ((32, 32, 32), 30, 27), ((32, 32, 32), 1, 8)],
)  # fmt: skip
def test_patches_are_as_fine_as_the_time_allows(grid, most, count):
    places = patches_within(grid, most)
    assert len(places) == count
    covered = np.zeros(grid, dtype=bool)
    for place in places:
        covered[place] = True
    assert covered.all()


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """Return what draws the map of a network whose passes take seconds of a clock of its own."""
    onnx_classifier(tmp_path, "one", (0.5,), gain=20.0)
    ready = ModelCache(tmp_path).get(MemberSpec("one"), "cpu")
    item = np.zeros((1, 1, SIDE, SIDE), np.float32)
    item[0, 0, 33:47, 17:31] = 1

    def draw(*seconds: float, budget_s: float = 2.0) -> tuple[np.ndarray, int, float]:
        clock, asked = [0.0], [0]
        monkeypatch.setattr("imaging.inference.saliency.perf_counter", lambda: clock[0])

        def predict(batch):
            for _one in batch:
                clock[0] += seconds[min(asked[0], len(seconds) - 1)]
                asked[0] += 1
            return ready.predictor.predict(batch)

        (found,) = occlusion(item, ready.metadata, predict, [0], budget_s=budget_s)
        return found, asked[0], clock[0]

    return draw


@pytest.mark.parametrize(
    ("a_pass", "asked"), [(0.001, 226), (0.01, 65), (0.035, 50), (0.1, 17), (0.15, 10), (0.3, 5)]
)
def test_a_slow_network_is_asked_as_often_as_the_budget_allows(slow, a_pass, asked):
    found, times, took = slow(a_pass)
    assert times == asked
    assert took <= 2.0
    y, x = np.unravel_index(int(found.argmax()), found.shape)
    assert (y // 32, x // 32) == (1, 0)


def test_patches_slower_than_the_first_pass_are_drawn_anew_and_coarser(slow):
    found, times, took = slow(0.004, 0.1)
    assert times == 1 + 8 + 9  # the picture, the first patches, and what time is left for
    assert took <= 2.0
    assert found.max() > 0


def test_the_slowest_network_is_asked_four_times_and_no_more(slow):
    assert slow(60.0)[1] == 1 + 4


def test_who_wants_the_numbers_only_waits_for_no_map(three):
    spec = spec_from_members(three, three_members())
    heard = []
    found = [analyse(picture(SIDE, SIDE), spec, ModelCache(three), lambda *step: heard.append(step),
                     maps=maps) for maps in (False, True)]  # fmt: skip
    assert found[0].classes == found[1].classes
    assert (found[0].saliency, found[0].decision["saliency"]) == ({}, [])
    assert [(step[1], step[2]) for step in heard[:3]] == [(0, 3), (1, 3), (2, 3)]
    assert heard[3][2] == 6


def test_saliency_is_asked_of_what_was_found(tmp_path):
    ps = (0.9, 0.2, 0.8)
    onnx_classifier(tmp_path, "one", ps, gain=5.0)
    analysis, _ = classes(tmp_path, MemberSpec("one"))
    assert set(analysis.decision["saliency"]) <= {"class 0", "class 2", "class 1"}
    assert "class 0" in analysis.decision["saliency"]
