"""The smallest model folders that mean something: identity and constant networks, three ways."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from imaging.inference.cache import ModelCache
from imaging.inference.metadata import ModelMetadata, read_metadata
from imaging.types import Volume

CARD = {
    "intended_use": "Tests",
    "training_data": "None",
    "evaluation": {"n": 1},
    "limitations": "All",
    "licence": "MIT",
    "authors": ["A. B."],
}
SUFFIX = {"pytorch": "model.safetensors", "onnx": "model.onnx", "tensorflow": "model.keras"}


def metadata_json(name: str = "one", size: tuple[int, ...] = (16, 16), **changes) -> dict:
    """A valid segmentation of one finding that takes 8-bit pictures and returns probabilities."""
    spatial = list(size)
    nhwc = changes.get("framework") == "tensorflow"
    shape = [None, *spatial, 1] if nhwc else [None, 1, *spatial]
    base = {
        "name": name,
        "type": "segmentation",
        "framework": "onnx",
        "version": "1.0.0",
        "input_shape": shape,
        "output_shape": shape,
        "modality": "xray",
        "labels": {"0": "spot"},
        "preprocessing": {"normalize": True, "target_size": spatial},
        "activation": "none",
        "gate": {"min_side": 1},
        "card": CARD,
    }
    merged = {**base, **changes}
    return {key: value for key, value in merged.items() if value is not ...}


def write_metadata(root: Path, place: str = "one", /, **changes) -> Path:
    """Write models/<place>/metadata.json and return the folder; `...` takes a key away."""
    folder = root / place
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(metadata_json(**{"name": place, **changes}))
    (folder / "metadata.json").write_text(text, encoding="utf-8")
    return folder


def card(root: Path, name: str = "one", **changes) -> ModelMetadata:
    return read_metadata(write_metadata(root, name, **changes))


def write_model(root: Path, name: str, data: bytes, file: str = "", **changes) -> Path:
    """Write a whole model folder, its hash declared."""
    file = file or SUFFIX[changes.get("framework", "onnx")]
    digest = hashlib.sha256(data).hexdigest()
    folder = write_metadata(root, name, **{"sha256": {file: digest}, **changes})
    (folder / file).write_bytes(data)
    return folder


def identity_onnx(dims: int = 2, gain: float = 1.0, channels: int = 1, out: int = 1) -> bytes:
    """An ONNX network whose output is `gain` times its input; several outputs repeat it."""
    from onnx import TensorProto, helper, numpy_helper

    spatial = [f"s{n}" for n in range(dims)]
    weight = np.full((out, channels, *(1,) * dims), gain / channels, dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", channels, *spatial])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", out, *spatial])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def onnx_model(root: Path, name: str = "one", *, gain: float = 1.0, **changes) -> Path:
    return write_model(root, name, identity_onnx(gain=gain), **changes)


TINY_UNET = {
    "_target_": "monai.networks.nets.UNet",
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "channels": [2, 4],
    "strides": [2],
}


def constant_unet(p: float, plan: dict = TINY_UNET) -> bytes:
    """The safetensors of a MONAI UNet whose sigmoid is `p` everywhere: all zero but one bias."""
    import torch
    from monai.networks.nets import UNet
    from safetensors.torch import save

    net = UNet(**{key: value for key, value in plan.items() if key != "_target_"})
    state = {key: torch.zeros_like(tensor) for key, tensor in net.state_dict().items()}
    last = [key for key in state if key.endswith("bias")][-1]
    state[last] += math.log(p / (1 - p))
    return save(state)


def torch_model(root: Path, name: str = "torch-one", *, p: float = 0.25, **changes) -> Path:
    settings = {"framework": "pytorch", "network": TINY_UNET, "activation": "sigmoid", **changes}
    return write_model(root, name, constant_unet(p), **settings)


def gain_keras(path: Path, gain: float) -> Path:
    """Save a Keras network whose output is `gain` times its input, by Keras itself."""
    from imaging.inference.backends.keras_runtime import keras

    entry = keras.Input((None, None, 1))
    layer = keras.layers.Conv2D(1, 1, use_bias=False)
    model = keras.Model(entry, layer(entry))
    layer.set_weights([np.full((1, 1, 1, 1), gain, dtype=np.float32)])
    model.save(path)
    return path


def keras_model(root: Path, name: str = "keras-one", *, gain: float = 0.5, **changes) -> Path:
    data = gain_keras(root / "made.keras", gain).read_bytes()
    return write_model(root, name, data, **{"framework": "tensorflow", **changes})


def picture(height: int = 16, width: int = 16, **changes) -> Volume:
    """An 8-bit radiograph of noise from a fixed seed."""
    array = np.random.default_rng(7).integers(0, 256, (1, height, width), dtype=np.uint8)
    return Volume(**{"array": array, "modality": "DX", "raster": True, **changes})


class FakePredictor:
    """A predictor written as a function; counts its calls."""

    def __init__(self, run=lambda batch: batch, device: str = "cpu", fallback: str = "") -> None:
        self.run, self.device, self.fallback, self.calls = run, device, fallback, 0

    def predict(self, batch):
        self.calls += 1
        return self.run(batch)


def fake_cache(root: Path, run=lambda name, device, batch: batch, **kwargs) -> ModelCache:
    """A ModelCache whose networks are `run(name, device, batch)`; nothing is read but metadata."""

    def load(folder, metadata, device, expected=None):
        predictor = FakePredictor(lambda batch: run(metadata.name, device, batch), device)
        return SimpleNamespace(predictor=predictor, sha256="0" * 64)

    return ModelCache(root, load=load, **kwargs)
