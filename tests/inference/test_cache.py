"""Loaded once, kept, and found out when the file changes."""

import os

import pytest

from imaging.inference import cache
from imaging.inference.cache import ModelCache
from imaging.inference.ensembles import stored_versions
from imaging.inference.metadata import ModelFileError
from imaging.inference.spec import MemberSpec
from imaging.types import InferenceError
from tests.inference.factories import fake_cache, onnx_model, write_metadata


@pytest.fixture
def root(tmp_path):
    for name in ("one", "two", "three"):
        onnx_model(tmp_path, name)
    return tmp_path


def test_a_model_is_loaded_once_per_device(root):
    models = fake_cache(root)
    first = models.get(MemberSpec("one"), "cpu")
    again = models.get(MemberSpec("one"), "cpu")
    assert again.predictor is first.predictor
    assert (first.load_ms > 0, again.load_ms, models.loads) == (True, 0, 1)
    models.get(MemberSpec("one"), "cuda:0")
    assert models.loads == 2


def test_the_one_not_used_longest_goes(root):
    models = fake_cache(root, capacity=2)
    for name in ("one", "two", "one", "three", "one"):
        models.get(MemberSpec(name), "cpu")
    assert models.loads == 3
    models.get(MemberSpec("two"), "cpu")
    assert models.loads == 4


def test_released_models_are_loaded_anew(root):
    models = fake_cache(root)
    for name in ("one", "two"):
        models.get(MemberSpec(name), "cuda:0")
    models.release("cuda:0", keep="one")
    models.get(MemberSpec("one"), "cuda:0")
    models.get(MemberSpec("two"), "cuda:0")
    assert models.loads == 3


def test_a_changed_recipe_is_read_anew(root):
    models = fake_cache(root)
    models.get(MemberSpec("one"), "cpu")
    write_metadata(root, "one", threshold=0.7)
    assert models.get(MemberSpec("one"), "cpu").metadata.threshold == 0.7


def test_an_unchanged_recipe_is_read_once(root, monkeypatch):
    read = []
    real = cache.read_metadata
    monkeypatch.setattr(cache, "read_metadata", lambda folder: read.append(folder) or real(folder))
    models = fake_cache(root)
    for _ in range(3):
        models.metadata(MemberSpec("one"))
    assert len(read) == 1
    write_metadata(root, "one", threshold=0.7)
    assert models.metadata(MemberSpec("one")).threshold == 0.7


def test_a_file_that_changed_while_it_was_loaded_is_refused_and_the_others_serve(root):
    models = ModelCache(root)
    spec = {name: MemberSpec(name) for name in ("one", "two")}
    for member in spec.values():
        models.get(member, "cpu")
    path = root / "one" / "model.onnx"
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    with pytest.raises(ModelFileError, match=r"Model “one” 1\.0\.0: file model\.onnx has changed"):
        models.get(spec["one"], "cpu")
    assert models.get(spec["two"], "cpu").load_ms == 0


def test_a_frozen_hash_other_than_the_loaded_one_is_refused(root):
    models = ModelCache(root)
    models.get(MemberSpec("one"), "cpu")
    with pytest.raises(ModelFileError, match="sha256 differs"):
        models.get(MemberSpec("one", sha256={"model.onnx": "0" * 64}), "cpu")


def test_unknown_models_and_versions_are_named(root):
    models = fake_cache(root)
    with pytest.raises(InferenceError, match="no model named “four”"):
        models.get(MemberSpec("four"), "cpu")
    with pytest.raises(InferenceError, match=r"“one”: version 2\.0\.0 was asked for.* 1\.0\.0"):
        models.get(MemberSpec("one", "2.0.0"), "cpu")


def test_a_version_of_the_store_goes_before_the_folder_and_others_stay_reachable(tmp_path):
    root, store = tmp_path / "models", tmp_path / "store"
    onnx_model(root, "one", version="1.0.0")
    for version in ("1.9.0", "1.10.0", "2.0.0-rc.1"):
        place = onnx_model(tmp_path / "made", "one", version=version)
        store.mkdir(exist_ok=True)
        place.rename(store / f"one@{version}")
    models = ModelCache(root, store=store)
    for asked in ("1.0.0", "1.9.0", "1.10.0", "2.0.0-rc.1"):
        assert models.get(MemberSpec("one", asked), "cpu").metadata.version == asked
    assert models.metadata(MemberSpec("one")).version == "1.0.0"
    assert stored_versions(store, "one") == ["1.9.0", "1.10.0", "2.0.0-rc.1"]
    with pytest.raises(InferenceError, match=r"1\.0\.0"):
        models.metadata(MemberSpec("one", "3.0.0"))
    (root / "one" / "metadata.json").unlink()
    assert models.metadata(MemberSpec("one")).version == "2.0.0-rc.1"
    with pytest.raises(InferenceError, match="no model named"):
        models.metadata(MemberSpec("../one", "1.9.0"))
