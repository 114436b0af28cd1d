"""Keras files: rebuilt by hand, equal to what Keras itself computes, nothing executed."""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest

from imaging.inference import backends
from imaging.inference.backends.keras_graph import NotPlain, rebuild
from imaging.inference.backends.keras_runtime import keras
from imaging.inference.metadata import ModelFileError, read_metadata
from tests.inference.factories import keras_model, write_model

KERAS = {"framework": "tensorflow"}
L = keras.layers


def loaded(folder):
    return backends.load(folder, read_metadata(folder), "cpu").predictor


def small_unet():
    """Convolutions, norms, a shared layer, a nested block, up- and downsampling, skips."""
    entry = keras.Input((16, 16, 1))
    down = L.Conv2D(4, 3, padding="same", activation="relu")(entry)
    down = L.SpatialDropout2D(0.3)(L.BatchNormalization()(down))
    block_in = keras.Input((8, 8, 4))
    block_out = L.LeakyReLU(0.1)(
        L.GroupNormalization(2)(L.SeparableConv2D(4, 3, padding="same")(block_in))
    )
    block = keras.Model(block_in, block_out, name="block")
    deep = block(L.MaxPooling2D()(down))
    deep = L.Add()([block(deep), deep])
    up = L.Concatenate()([L.Conv2DTranspose(4, 2, strides=2)(deep), down])
    up = L.PReLU(shared_axes=[1, 2])(L.LayerNormalization()(up))
    return keras.Model(entry, L.Conv2D(1, 1, activation="sigmoid")(up))


def sequential():
    return keras.Sequential(
        [keras.Input((16, 16, 1)), L.Conv2D(3, 3, padding="same"), L.ReLU(), L.Conv2D(1, 1)]
    )


def randomised(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([rng.random(w.shape, np.float32) + 0.1 for w in model.get_weights()])
    return model


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("file", ["model.keras", "model.h5"])
@pytest.mark.parametrize("make", [small_unet, sequential])
def test_rebuilt_equals_keras(tmp_path, make, file):
    model = randomised(make())
    model.save(tmp_path / file)
    folder = write_model(tmp_path, "one", (tmp_path / file).read_bytes(), file, **KERAS)
    batch = np.random.default_rng(1).random((2, 1, 16, 16), np.float32)
    wanted = keras.ops.convert_to_numpy(model(batch.transpose(0, 2, 3, 1), training=False))
    output = loaded(folder).predict(batch)
    assert output.shape == (2, 1, 16, 16)
    assert output == pytest.approx(wanted.transpose(0, 3, 1, 2), abs=1e-5)


def keras_2(layers, output):
    """A configuration as TensorFlow's Keras 2 wrote it."""
    return {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {
                        "batch_input_shape": [None, 16, 16, 1],
                        "dtype": "float32",
                        "sparse": False,
                        "ragged": False,
                        "name": "in",
                    },
                    "name": "in",
                    "inbound_nodes": [],
                },
                *layers,
            ],
            "input_layers": [["in", 0, 0]],
            "output_layers": [[output, 0, 0]],
        },
    }


def test_a_file_of_keras_2_is_read(tmp_path):
    config = keras_2(
        [
            {
                "class_name": "BatchNormalization",
                "config": {"name": "bn", "axis": [3], "momentum": 0.9, "epsilon": 0.001},
                "name": "bn",
                "inbound_nodes": [[["in", 0, 0, {}]]],
            },
            {
                "class_name": "Concatenate",
                "config": {"name": "both", "axis": -1},
                "name": "both",
                "inbound_nodes": [[["bn", 0, 0, {}], ["in", 0, 0, {}]]],
            },
            {
                "class_name": "Conv2D",
                "config": {
                    "name": "out",
                    "filters": 1,
                    "kernel_size": [1, 1],
                    "use_bias": False,
                    "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}},
                },
                "name": "out",
                "inbound_nodes": [[["both", 0, 0, {}]]],
            },
        ],
        "out",
    )
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5.attrs["model_config"] = json.dumps(config)
        weights = h5.create_group("model_weights")
        weights.attrs["layer_names"] = [b"in", b"bn", b"both", b"out"]
        for name in ("in", "both"):
            weights.create_group(name).attrs["weight_names"] = np.array([], dtype="S1")
        bn = weights.create_group("bn")
        bn.attrs["weight_names"] = [b"bn/gamma:0", b"bn/beta:0", b"bn/mean:0", b"bn/var:0"]
        for name, value in (("gamma", 2), ("beta", 1), ("mean", 0), ("var", 1)):
            bn[f"bn/{name}:0"] = np.array([value], np.float32)
        out = weights.create_group("out")
        out.attrs["weight_names"] = [b"out/kernel:0"]
        out["out/kernel:0"] = np.array([[[[1], [10]]]], np.float32)
    folder = write_model(tmp_path, "one", file.getvalue(), "model.h5", **KERAS)
    output = loaded(folder).predict(np.ones((1, 1, 16, 16), np.float32))
    assert output == pytest.approx(2 / np.sqrt(1.001) + 1 + 10, abs=1e-4)


def with_config(data: bytes, change) -> bytes:
    """Rewrite config.json inside a .keras."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                config = json.loads(content)
                change(config)
                content = json.dumps(config).encode()
            new.writestr(name, content)
    return out.getvalue()


def a_lambda(config):
    layer = config["config"]["layers"][1]
    layer["class_name"] = "Lambda"
    layer["config"]["function"] = {"class_name": "__lambda__", "config": {"code": "boom"}}


def a_custom_layer(config):
    config["config"]["layers"][1]["registered_name"] = "mine>Conv2D"


def an_operation(config):
    config["config"]["layers"][1]["module"] = "keras.src.ops.numpy"


def another_module(config):
    config["config"]["layers"][1].update(module="os", class_name="system")


def an_activation(config):
    config["config"]["layers"][1]["config"]["activation"] = "builtins.eval"


def an_object(config):
    config["config"]["layers"][1]["config"]["padding"] = {"class_name": "x"}


def a_subclass(config):
    config["class_name"] = "MyModel"


def a_setting(config):
    config["config"]["layers"][1]["config"]["filters"] = "many"


def no_source(config):
    node = config["config"]["layers"][1]["inbound_nodes"][0]
    node["args"][0]["config"]["keras_history"] = ["nowhere", 0, 0]


def nothing(config):
    config["config"] = {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (a_lambda, "Layer `Lambda` carries code"),
        (a_custom_layer, "Layer `Conv2D` is not a plain"),
        (an_operation, "Layer `Conv2D` is not a plain"),
        (another_module, "Layer `system` is not a plain"),
        (an_activation, r"Activation `builtins\.eval` is not a plain"),
        (an_object, "setting padding carries an object"),
        (a_subclass, "Network `MyModel` is not Functional or Sequential"),
        (a_setting, r"Layer `.*` \(Conv2D\) cannot be built"),
        (no_source, "is fed by nothing"),
        (nothing, "The configuration is broken"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_carries_code_or_is_broken_is_refused(tmp_path, change, says):
    folder = keras_model(tmp_path)
    data = with_config((folder / "model.keras").read_bytes(), change)
    folder = write_model(tmp_path, "two", data, **KERAS)
    with pytest.raises(ModelFileError, match=says) as caught:
        loaded(folder)
    assert "Model “two” 1.0.0: file model.keras" in str(caught.value)


def test_nesting_without_end_is_refused():
    config = {"class_name": "Functional", "config": {"name": "m", "layers": []}}
    for _ in range(12):
        inner = {**config, "name": "m", "inbound_nodes": []}
        config = {"class_name": "Functional", "config": {"name": "m", "layers": [inner]}}
    with pytest.raises(NotPlain, match="nested too deep"):
        rebuild(config)


def with_weights(data: bytes, change) -> bytes:
    """Rewrite model.weights.h5 inside a .keras."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    file = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(file, "r+") as h5:
        change(h5)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as new:
        for name, content in {**parts, "model.weights.h5": file.getvalue()}.items():
            new.writestr(name, content)
    return out.getvalue()


PLACE = "layers/conv2d/vars/0"


def replaced(h5, value):
    del h5[PLACE]
    if value is not None:
        h5[PLACE] = value


def virtual(h5):
    """Lay a view of another file where the weights were."""
    del h5[PLACE]
    layout = h5py.VirtualLayout(shape=(1, 1, 1, 1), dtype="f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "a", shape=(1, 1, 1, 1), dtype="f4")
    h5.create_virtual_dataset(PLACE, layout)


def external(h5):
    """Keep the weights' bytes in another file."""
    del h5[PLACE]
    h5.create_dataset(PLACE, (1, 1, 1, 1), "f4", external=[("/etc/hostname", 0, 4)])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (virtual, "is not a plain array of numbers in this file"),
        (external, "is not a plain array of numbers in this file"),
        (lambda h5: replaced(h5, h5py.ExternalLink("/etc/passwd", "/")), "is a link"),
        (lambda h5: replaced(h5, h5py.SoftLink("/other")), "is a link"),
        (lambda h5: replaced(h5, None), "1 arrays wanted, 0 found"),
        (lambda h5: replaced(h5, np.zeros((3, 3, 1, 1), np.float32)), r"\[1, 1, 1, 1\] wanted"),
        (lambda h5: replaced(h5, np.array([b"text"])), "is not a plain array of numbers"),
        (lambda h5: h5.create_dataset("layers/more/vars/0", data=[1.0]), "belong to no layer"),
    ],
    ids=["virtual", "outside", "external", "soft", "missing", "shape", "text", "more"],
)
def test_weights_that_are_not_plain_arrays_in_place_are_refused(tmp_path, change, says):
    folder = keras_model(tmp_path)
    data = with_weights((folder / "model.keras").read_bytes(), change)
    folder = write_model(tmp_path, "two", data, **KERAS)
    with pytest.raises(ModelFileError, match=says):
        loaded(folder)


@pytest.mark.parametrize(
    ("data", "file"), [(b"PK\x03\x04 no zip", "model.keras"), (b"text", "model.h5")]
)
def test_what_is_no_keras_file_is_refused(tmp_path, data, file):
    folder = write_model(tmp_path, "one", data, file, **KERAS)
    with pytest.raises(ModelFileError, match="is not a readable Keras file"):
        loaded(folder)


def test_weights_alone_are_refused(tmp_path):
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5["a"] = 1.0
    folder = write_model(tmp_path, "one", file.getvalue(), "model.h5", **KERAS)
    with pytest.raises(ModelFileError, match="holds weights only"):
        loaded(folder)
