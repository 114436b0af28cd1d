"""The models folder and the registry: new, damaged, missing, back again; the others serve on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imaging.models import Ensemble, ModelState, ModelVersion
from imaging.registry import model_activate, model_retire, models_sync
from imaging.services.refusals import NotPossible
from tests.imaging.factories import RunFactory
from tests.inference.factories import write_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(settings, tmp_path) -> Path:
    settings.MODELS_DIR = tmp_path
    settings.STARTER_MODELS = ["starter"]
    return tmp_path


def add(root: Path, name: str, data: bytes = b"weights", **changes) -> Path:
    return write_model(root, name, data, **changes)


def state(name: str) -> tuple[str, str]:
    model = ModelVersion.objects.get(name=name)
    return model.state, model.problem


def flip_a_byte(folder: Path) -> None:
    path = folder / "model.onnx"
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.write_bytes(data)


def write_ensemble(root: Path, name: str = "both", **changes) -> None:
    (root / "ensembles").mkdir(exist_ok=True)
    content = {
        "title": "Both", "type": "segmentation", "modality": ["xray"], "threshold": 0.5,
        "members": [{"model": "starter", "version": "1.0.0", "weight": 2, "device": "cpu"}],
    } | changes  # fmt: skip
    (root / "ensembles" / f"{name}.json").write_text(json.dumps(content))


def test_a_starter_model_is_activated_and_another_waits_for_a_person(root):
    add(root, "starter")
    add(root, "other")
    report = models_sync()
    assert report.active == ["starter 1.0.0"]
    assert report.problems == []
    assert state("starter") == (ModelState.ACTIVE, "")
    assert state("other") == (ModelState.CHECKED, "")


def test_the_row_says_what_the_folder_says(root):
    add(root, "starter", labels={"0": "lung fields"}, threshold=0.4)
    models_sync()
    model = ModelVersion.objects.get()
    assert (model.labels, model.modalities, model.threshold) == (["lung fields"], ["xray"], 0.4)
    assert list(model.sha256) == ["model.onnx"]
    assert model.metadata["input_shape"] == [None, 1, 16, 16]


def test_a_second_sync_changes_nothing(root, django_assert_max_num_queries):
    add(root, "starter")
    write_ensemble(root)
    first = models_sync()
    before = ModelVersion.objects.values().get()
    with django_assert_max_num_queries(18):
        assert models_sync() == first
    assert ModelVersion.objects.values().get() == before


def test_one_flipped_byte_is_refused_by_name_and_the_others_serve(root, settings):
    settings.STARTER_MODELS = ["starter", "good"]
    folder = add(root, "starter")
    add(root, "good", b"other weights")
    models_sync()
    flip_a_byte(folder)

    report = models_sync()
    word, problem = state("starter")
    assert word == ModelState.QUARANTINED
    assert "starter" in problem
    assert "model.onnx" in problem
    assert report.problems == [problem]
    assert report.active == ["good 1.0.0"]


def test_a_starter_that_is_whole_again_serves_again(root):
    folder = add(root, "starter")
    models_sync()
    flip_a_byte(folder)
    models_sync()
    flip_a_byte(folder)
    assert models_sync().active == ["starter 1.0.0"]


def test_another_model_that_is_whole_again_waits_for_a_person(root):
    folder = add(root, "other")
    models_sync()
    model_activate(user=None, model=ModelVersion.objects.get())
    flip_a_byte(folder)
    models_sync()
    assert state("other")[0] == ModelState.QUARANTINED
    flip_a_byte(folder)
    models_sync()
    assert state("other") == (ModelState.CHECKED, "")


def test_new_weights_under_an_old_version_are_refused_even_with_a_right_hash(root):
    add(root, "starter")
    models_sync()
    add(root, "starter", b"swapped")
    models_sync()
    assert state("starter")[0] == ModelState.QUARANTINED
    assert "new version" in state("starter")[1]


def test_a_model_that_never_served_may_still_change(root):
    add(root, "other")
    models_sync()
    add(root, "other", b"trained longer")
    models_sync()
    assert state("other") == (ModelState.CHECKED, "")


def test_a_new_version_takes_the_place_of_the_old(root):
    add(root, "starter")
    models_sync()
    add(root, "starter", b"better", version="1.1.0")
    assert models_sync().active == ["starter 1.1.0"]
    old = ModelVersion.objects.get(version="1.0.0")
    assert (old.state, "another version" in old.problem) == (ModelState.RETIRED, True)


def test_a_missing_folder_retires_and_its_return_brings_it_back(root):
    folder = add(root, "starter")
    models_sync()
    folder.rename(root / "away")
    for path in (root / "away").iterdir():
        path.rename(path.with_name(f"_{path.name}"))
    models_sync()
    assert state("starter")[0] == ModelState.RETIRED
    assert "missing" in state("starter")[1]

    add(root, "starter")
    assert models_sync().active == ["starter 1.0.0"]


def test_a_model_that_a_person_retired_stays_retired(root):
    add(root, "starter")
    models_sync()
    model_retire(user=None, model=ModelVersion.objects.get())
    assert models_sync().active == []


def test_a_card_that_says_too_little_keeps_a_model_out_until_it_does(root):
    add(root, "starter", card={"licence": "MIT"})
    report = models_sync()
    assert state("starter")[0] == ModelState.DRAFT
    assert "intended_use" in report.problems[0]
    add(root, "starter")
    assert models_sync().active == ["starter 1.0.0"]


def test_metadata_that_cannot_be_read_is_told_and_the_others_serve(root):
    add(root, "starter")
    folder = add(root, "broken")
    models_sync()
    (folder / "metadata.json").write_text("{")
    report = models_sync()
    assert report.active == ["starter 1.0.0"]
    assert "broken" in report.problems[0]
    assert state("broken")[0] == ModelState.QUARANTINED


def test_a_runs_models_keep_their_rows_when_the_folder_goes(root):
    folder = add(root, "starter")
    models_sync()
    run = RunFactory(versions=[ModelVersion.objects.get()])
    (folder / "metadata.json").unlink()
    models_sync()
    assert run.members.get().model_version.name == "starter"


def test_an_ensemble_file_becomes_everybodys_ensemble(root):
    add(root, "starter")
    write_ensemble(root)
    assert models_sync().ensembles == ["both"]
    ensemble = Ensemble.objects.get()
    assert (ensemble.organisation, ensemble.title) == (None, "Both")
    member = ensemble.members.get()
    assert (member.model_version.name, member.weight, member.device) == ("starter", 2, "cpu")


def test_a_changed_ensemble_file_changes_it_and_a_missing_one_takes_it_away(root):
    add(root, "starter")
    write_ensemble(root)
    models_sync()
    write_ensemble(root, threshold=0.3, members=[{"model": "starter", "weight": 1}])
    models_sync()
    ensemble = Ensemble.objects.get()
    assert (ensemble.threshold, ensemble.members.get().device) == (0.3, "auto")
    (root / "ensembles" / "both.json").unlink()
    models_sync()
    assert not Ensemble.objects.exists()


def test_an_ensemble_of_an_unknown_model_is_told(root):
    write_ensemble(root)
    report = models_sync()
    assert "starter" in report.problems[0]
    assert not Ensemble.objects.exists()


@pytest.mark.parametrize("word", [ModelState.QUARANTINED, ModelState.DRAFT])
def test_what_is_not_checked_cannot_be_activated(root, word):
    add(root, "other")
    models_sync()
    ModelVersion.objects.update(state=word, problem="it is odd")
    with pytest.raises(NotPossible, match="it is odd"):
        model_activate(user=None, model=ModelVersion.objects.get())
