"""The smallest classifiers and detectors whose answers are known, in each framework."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.inference.factories import write_model

SIDE = 64
CLASSIFIER = {"type": "classification", "size": (SIDE, SIDE)}
DETECTOR = {
    "type": "detection",
    "size": (SIDE, SIDE),
    "output_shape": [[None, 4], [None], [None]],
}


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def onnx_graph(nodes, outputs, constants) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    entry = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])
    ends = [helper.make_tensor_value_info(*output) for output in outputs]
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", [entry], ends, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def onnx_classifier(root: Path, name: str, ps: Sequence[float], gain: float = 0.0, **changes):
    """Logit k is that of ps[k] plus `gain` times the picture's mean."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"], axis=1),
        helper.make_node("Gemm", ["mean", "w", "b"], ["y"]),
    ]
    constants = {
        "w": np.full((1, len(ps)), gain, np.float32),
        "b": np.array([logit(p) for p in ps], np.float32),
    }
    data = onnx_graph(nodes, [("y", TensorProto.FLOAT, ["n", len(ps)])], constants)
    return write_model(root, name, data, **_answers(ps, changes))


def keras_classifier(root: Path, name: str, ps: Sequence[float], **changes):
    from imaging.inference.backends.keras_runtime import keras

    entry = keras.Input((SIDE, SIDE, 1))
    dense = keras.layers.Dense(len(ps))
    model = keras.Model(entry, dense(keras.layers.GlobalAveragePooling2D()(entry)))
    dense.set_weights([np.zeros((1, len(ps)), np.float32), np.array([logit(p) for p in ps])])
    model.save(root / f"{name}.keras")
    data = (root / f"{name}.keras").read_bytes()
    return write_model(root, name, data, **_answers(ps, {"framework": "tensorflow", **changes}))


def torch_classifier(root: Path, name: str, ps: Sequence[float], **changes):
    import torch
    from monai.networks.nets import DenseNet
    from safetensors.torch import save

    plan = {
        "spatial_dims": 2, "in_channels": 1, "out_channels": len(ps), "init_features": 4,
        "growth_rate": 2, "block_config": [1, 1], "bn_size": 1,
    }  # fmt: skip
    torch.manual_seed(2)
    state = DenseNet(**plan).state_dict()
    last = next(key for key in state if key.endswith("out.weight"))
    state[last] = state[last] * 1e-4  # hardly anything, so that the bias decides
    state[last.replace("weight", "bias")] = torch.tensor([logit(p) for p in ps])
    network = {"_target_": "monai.networks.nets.DenseNet", **plan}
    settings = {"framework": "pytorch", "network": network, **changes}
    return write_model(root, name, save(state), **_answers(ps, settings))


def onnx_detector(root: Path, name: str, boxes, scores, indices=None, **changes):
    """Boxes, scores and labels that do not depend on the picture."""
    from onnx import TensorProto, helper

    indices = [0] * len(scores) if indices is None else indices
    outputs = (
        ("boxes", TensorProto.FLOAT, ["b", 4]),
        ("scores", TensorProto.FLOAT, ["s"]),
        ("labels", TensorProto.INT64, ["l"]),
    )
    nodes = [helper.make_node("Identity", [f"held_{name}"], [name]) for name, *_ in outputs]
    constants = {
        "held_boxes": np.asarray(boxes, np.float32).reshape(-1, 4),
        "held_scores": np.asarray(scores, np.float32),
        "held_labels": np.asarray(indices, np.int64),
    }
    return write_model(root, name, onnx_graph(nodes, outputs, constants), **{**DETECTOR, **changes})


def keras_detector(root: Path, name: str, boxes, scores, **changes):
    """The same as a Keras network of plain layers, with a batch axis before each output."""
    from imaging.inference.backends.keras_runtime import keras

    n = len(scores)
    entry = keras.Input((SIDE, SIDE, 1))
    mean = keras.layers.GlobalAveragePooling2D()(entry)
    held = [np.ravel(boxes), np.asarray(scores), np.zeros(n)]
    dense = [keras.layers.Dense(len(values)) for values in held]
    ends = [layer(mean) for layer in dense]
    ends[0] = keras.layers.Reshape((n, 4))(ends[0])
    model = keras.Model(entry, ends)
    for layer, values in zip(dense, held, strict=True):
        layer.set_weights([np.zeros((1, len(values)), np.float32), values.astype(np.float32)])
    model.save(root / f"{name}.keras")
    data = (root / f"{name}.keras").read_bytes()
    return write_model(root, name, data, **{**DETECTOR, "framework": "tensorflow", **changes})


def torch_detector(root: Path, name: str, boxes, scores, **changes):
    """The same written in torch and delivered as it must be: exported to ONNX."""
    import torch

    class Detector(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("boxes", torch.tensor(boxes, dtype=torch.float32))
            self.register_buffer("scores", torch.tensor(scores, dtype=torch.float32))

        def forward(self, x):
            nothing = 0 * x.mean()
            return self.boxes + nothing, self.scores + nothing, (0 * self.scores).long()

    sink = io.BytesIO()
    picture = torch.zeros(1, 1, SIDE, SIDE)
    torch.onnx.export(Detector(), picture, sink, dynamo=False, input_names=["x"])
    return write_model(root, name, sink.getvalue(), **{**DETECTOR, **changes})


def _answers(ps: Sequence[float], changes: dict) -> dict:
    names = {str(n): f"class {n}" for n in range(len(ps))}
    return {
        **CLASSIFIER,
        "output_shape": [None, len(ps)],
        "labels": names,
        "activation": "sigmoid",
        **changes,
    }
