"""Ensembles as files, and the frozen recipe of a run."""

import json

import pytest

from imaging.inference.ensembles import ensemble_names, model_names, read_ensemble
from imaging.inference.metadata import MetadataError
from imaging.inference.spec import (
    EnsembleSpec,
    MemberSpec,
    spec_from_file,
    spec_from_members,
    why_not_runnable,
)
from imaging.types import InferenceError
from tests.inference.factories import card, onnx_model, write_metadata, write_model

RULE = {
    "rule": "area-circularity",
    "version": 1,
    "basis": "organ",
    "area": [5.0, 25.0],
    "circularity": [0.45, 0.75],
}


def write_ensemble(root, name="pair", **changes):
    values = {
        "title": "A pair",
        "type": "segmentation",
        "modality": ["xray"],
        "members": [
            {"model": "one", "version": "1.0.0", "weight": 1, "device": "auto"},
            {"model": "two", "weight": 3, "device": "cuda:1"},
        ],
        "threshold": 0.4,
        **changes,
    }
    (root / "ensembles").mkdir(exist_ok=True)
    path = root / "ensembles" / f"{name}.json"
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not ...}), "utf-8")


@pytest.fixture
def root(tmp_path):
    onnx_model(tmp_path, "one")
    onnx_model(tmp_path, "two", severity=RULE, version="2.1.0", sha256=...)
    write_ensemble(tmp_path)
    return tmp_path


def test_the_folder_is_read_as_data(root):
    (root / "Bad Name").mkdir()
    (root / "Bad Name" / "metadata.json").write_text("{}")
    assert model_names(root) == ("one", "two")
    assert ensemble_names(root) == ("pair",)
    found = read_ensemble(root, "pair")
    assert (found.title, found.threshold, len(found.members)) == ("A pair", 0.4, 2)


def test_a_spec_is_filled_in_and_goes_through_json(root):
    spec = spec_from_file(root, "pair")
    assert [m.version for m in spec.members] == ["1.0.0", "2.1.0"]
    assert all(len(m.sha256["model.onnx"]) == 64 for m in spec.members)
    assert spec.shares == {"one": 0.25, "two": 0.75}
    assert spec.severity == RULE  # that of the heaviest member
    assert EnsembleSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_the_frozen_form_of_the_contract_is_read(root):
    frozen = spec_from_file(root, "pair").to_json()
    del frozen["labels"]
    assert EnsembleSpec.from_json(frozen).labels == ()


@pytest.mark.parametrize("name", ["none", "../pair", "pair.json", ""])
def test_names_are_looked_up_never_joined(root, name):
    with pytest.raises(InferenceError, match="no ensemble named"):
        read_ensemble(root, name)
    with pytest.raises(InferenceError, match="no model named"):
        spec_from_members(root, [MemberSpec(name)])


def test_without_a_threshold_the_members_weighted_mean_is_taken(tmp_path):
    onnx_model(tmp_path, "one", threshold=0.4)
    onnx_model(tmp_path, "two", threshold=0.6)
    members = [MemberSpec("one", weight=3), MemberSpec("two", weight=1)]
    assert spec_from_members(tmp_path, members).threshold == 0.45


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([], "at least one member"),
        ([MemberSpec("one", weight=0)], "all weights are zero"),
        ([MemberSpec("one", weight=-1)], "one.weight: -1"),
        ([MemberSpec("one", weight=float("nan"))], "one.weight: NaN"),
        ([MemberSpec("one", device="gpu")], 'one.device: "gpu"'),
        ([MemberSpec("one"), MemberSpec("one")], "“one” stands 2 times"),
        ([MemberSpec("one", "9.0.0")], "version 1.0.0, but version 9.0.0"),
    ],
)
def test_members_that_cannot_run_are_refused(root, members, says):
    with pytest.raises(InferenceError) as caught:
        spec_from_members(root, members)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": {"0": "lung"}}, "labels spot and lung"),
        ({"modality": "ct"}, "modality xray and ct"),
    ],
)
def test_members_must_fit_together(tmp_path, changes, says):
    onnx_model(tmp_path, "one")
    onnx_model(tmp_path, "two", **changes)
    with pytest.raises(InferenceError, match=says):
        spec_from_members(tmp_path, [MemberSpec("one"), MemberSpec("two")])


def test_labels_align_by_name_whatever_their_case_and_dashes(tmp_path):
    onnx_model(tmp_path, "one", labels={"0": "Lung fields"})
    onnx_model(tmp_path, "two", labels={"0": "background", "1": "lung_Fields"})
    spec = spec_from_members(tmp_path, [MemberSpec("one"), MemberSpec("two", weight=2)])
    assert spec.labels == ("lung_Fields",)


def test_what_this_version_does_not_run_is_said(tmp_path):
    deep = {"size": (8, 8, 8), "type": "detection", "output_shape": [[None, 4], [None], [None]]}
    write_model(tmp_path, "deep", b"x", **deep)
    with pytest.raises(InferenceError, match="boxes are drawn in pictures here"):
        spec_from_members(tmp_path, [MemberSpec("deep")])
    flair = card(tmp_path, "flair", channels=["flair"])
    assert "needs the sequences flair" in why_not_runnable(flair)
    assert why_not_runnable(card(tmp_path, "plain")) == ""


def test_an_organ_mask_of_another_model_is_not_silently_left_out(tmp_path):
    inside = card(tmp_path, reference={"model": "ct-lungs"})
    assert "organ mask of “ct-lungs”" in why_not_runnable(inside)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"threshold": 0}, "threshold"),
        ({"threshold": ...}, "required key threshold"),
        ({"members": []}, "at least one member"),
        ({"members": [{"model": "one", "weight": 0}]}, "all weights are zero"),
        ({"members": [{"model": "one", "weight": -1}]}, "members[0].weight"),
        ({"members": [{"model": "one", "device": "tpu"}]}, "members[0].device"),
        ({"members": [{"model": "one"}, {"model": "one"}]}, "stands 2 times"),
        ({"members": [{"model": "one", "mass": 1}]}, "unknown key members[0].mass"),
        ({"modality": ["sound"]}, "modality"),
        ({"colour": 1}, "unknown key colour"),
        ({"severity": {"rule": "area-circularity", "area": [2, 1]}}, "severity"),
    ],
)
def test_an_ensemble_file_is_as_strict(root, changes, says):
    write_ensemble(root, "bad", **changes)
    with pytest.raises(MetadataError) as caught:
        read_ensemble(root, "bad")
    assert says in str(caught.value)
    assert "Ensemble “bad”" in str(caught.value)


def test_the_files_type_must_be_its_models(root):
    write_ensemble(root, "bad", type="detection")
    with pytest.raises(MetadataError, match="type says detection"):
        spec_from_file(root, "bad")


def test_the_files_modality_must_be_its_models(root):
    write_ensemble(root, "bad", modality=["xray", "ct"])
    with pytest.raises(MetadataError, match="modality says xray, ct, but model “one” reads xray"):
        spec_from_file(root, "bad")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"threshold": 2}, "threshold: 2"),
        ({"labels": [1]}, "labels"),
        ({"members": [{"model": "one", "weight": "x"}]}, "members[0].weight"),
        ({"members": []}, "at least one member"),
        ({"more": 1}, "unknown key more"),
    ],
)
def test_a_frozen_copy_that_was_tampered_with_is_refused(root, changes, says):
    frozen = spec_from_file(root, "pair").to_json()
    with pytest.raises(MetadataError) as caught:
        EnsembleSpec.from_json({**frozen, **changes})
    assert says in str(caught.value)


def test_a_member_without_a_file_is_named(tmp_path):
    write_metadata(tmp_path, "one")
    with pytest.raises(InferenceError, match="Model “one”: exactly one model file"):
        spec_from_members(tmp_path, [MemberSpec("one")])
