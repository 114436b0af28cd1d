"""S36: Keras files carry no code and reach no other file: layers by name, arrays as arrays."""

from __future__ import annotations

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from imaging.inference import backends
from imaging.inference.backends.keras_runtime import keras
from imaging.inference.errors import ModelFileError
from imaging.inference.metadata import read_metadata
from tests.inference.factories import gain_keras, write_model
from tests.security import hostile_models as hostile

CODE = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
LAYERS = {
    "lambda": {"class_name": "Lambda", "config": {"name": "x", "function": CODE}},
    "torch wrapper": {
        "class_name": "TorchModuleWrapper", "config": {"name": "x", "module": "gA=="}},
    "custom": {"class_name": "Mine", "config": {"name": "x"}, "registered_name": "mine>Mine"},
    "plain name, own registration": {
        "class_name": "ReLU", "config": {"name": "x"}, "registered_name": "mine>ReLU"},
    "module": {"class_name": "system", "module": "os", "config": {"name": "x", "command": "id"}},
    "plain name, other module": {
        "class_name": "ReLU", "module": "os.path", "config": {"name": "x"}},
    "vocabulary of a file": {
        "class_name": "StringLookup", "config": {"name": "x", "vocabulary": "/etc/passwd"}},
    "activation by function": {
        "class_name": "Activation", "config": {"name": "x", "activation": CODE}},
    "activation by name": {
        "class_name": "Activation", "config": {"name": "x", "activation": "os.system"}},
    "object as a setting": {
        "class_name": "ReLU", "config": {"name": "x", "max_value": CODE}},
    "wrapper with a layer inside": {
        "class_name": "TimeDistributed",
        "config": {"name": "x", "layer": {"class_name": "Lambda"}}},
    "object deep in a list": {
        "class_name": "Reshape", "config": {"name": "x", "target_shape": [[[CODE]]]}},
}  # fmt: skip


@pytest.fixture
def loading(tmp_path):
    """Load bytes as a model file; what reaches outside would make or read the canary."""
    canary = tmp_path / "canary.h5"
    with h5py.File(canary, "w") as file:
        file["secret"] = np.arange(4.0)
    stamp = canary.stat().st_mtime_ns

    def load(data: bytes, name: str = "model.keras"):
        place = write_model(
            tmp_path, "mine", data, name, framework="tensorflow",
            input_shape=[None, 16, 16, 1], output_shape=[None, 16, 16, 1],
        )  # fmt: skip
        return backends.load(place, read_metadata(place), "cpu")

    yield load
    assert canary.stat().st_mtime_ns == stamp
    assert {path.name for path in tmp_path.iterdir()} <= {"canary.h5", "mine", "good.h5"}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_with_code_or_of_somebodys_own_is_refused_by_name(loading, kind):
    with pytest.raises(ModelFileError, match=r"Layer `|Activation `|carries|carry|object"):
        loading(hostile.keras_config(LAYERS[kind]))


def test_a_lambda_says_what_to_do(loading):
    with pytest.raises(ModelFileError, match=r"`Lambda` carries code\. Replace it or convert"):
        loading(hostile.keras_config(LAYERS["lambda"]))


def test_an_h5_of_a_real_lambda_is_refused_too(loading, tmp_path):
    entry = keras.Input((16, 16, 1))
    model = keras.Model(entry, keras.layers.Lambda(lambda x: x * 2)(entry))
    model.save(tmp_path / "good.h5")
    with pytest.raises(ModelFileError, match="Layer `Lambda` carries code"):
        loading((tmp_path / "good.h5").read_bytes(), "model.h5")


def good_h5(tmp_path) -> tuple[bytes, str]:
    """Return a file that loads, and the path of its one array."""
    gain_keras(tmp_path / "good.h5", 0.5)
    found = []
    with h5py.File(tmp_path / "good.h5") as file:
        file["model_weights"].visititems(
            lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
        )
    return (tmp_path / "good.h5").read_bytes(), found[0]


def changed(data: bytes, place: str, change) -> bytes:
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        group = file["model_weights"]
        del group[place]
        change(group, place)
    return buffer.getvalue()


def external_link(group, place):
    group[place] = h5py.ExternalLink("canary.h5", "/secret")


def soft_link(group, place):
    group[place] = h5py.SoftLink("/model_weights")


def virtual(group, place):
    layout = h5py.VirtualLayout(shape=(1, 1, 1, 1), dtype="f4")
    layout[:] = h5py.VirtualSource("canary.h5", "secret", shape=(4,))[0:1].reshape((1, 1, 1, 1)) \
        if hasattr(h5py.VirtualSource, "reshape") \
        else h5py.VirtualSource("canary.h5", "secret", shape=(1, 1, 1, 1))  # fmt: skip
    group.create_virtual_dataset(place, layout)


def external_storage(group, place):
    group.create_dataset(place, (1, 1, 1, 1), "f4", external=[("/etc/hostname", 0, 4)])


def texts(group, place):
    group.create_dataset(place, data=np.array([[b"x"]], dtype=object), dtype=h5py.string_dtype())


def reference(group, place):
    group.create_dataset(place, data=group.ref, dtype=h5py.ref_dtype)


def bomb(group, place):
    group.create_dataset(place, (40_000, 40_000, 1, 1), "f4", chunks=True, compression="gzip")


def deep(group, place):
    for _ in range(64):
        group = group.create_group("g")


@pytest.mark.parametrize(
    "change",
    [external_link, soft_link, virtual, external_storage, texts, reference, bomb, deep],
)
def test_an_array_from_elsewhere_or_of_no_numbers_is_refused(loading, tmp_path, change):
    data, place = good_h5(tmp_path)
    with pytest.raises(ModelFileError, match=r"file model\.h5"):
        loading(changed(data, place, change), "model.h5")


def test_the_same_file_untouched_loads(loading, tmp_path):
    loading(good_h5(tmp_path)[0], "model.h5")


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_dot_", "."), data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        zipped(config_dot_json=b" " * (17 << 20)),
        zipped(config_dot_json=b"[" * 100_000),
        zipped(config_dot_json=b"{}"),
        zipped(config_dot_json=json.dumps({"class_name": "Functional", "config": {}}).encode()),
        zipped(config_dot_json=json.dumps({"class_name": "Model", "config": []}).encode()),
        b"PK\x03\x04broken",
        b"",
    ],
)
def test_a_broken_or_swollen_archive_is_a_sentence(loading, data):
    with pytest.raises(ModelFileError, match=r"file model\.keras"):
        loading(data)
