"""Rebuild a Keras network from its configuration: plain layers by hand, no deserialiser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from imaging.inference.backends.keras_runtime import keras

_LAYERS = """
InputLayer Conv1D Conv2D Conv3D Conv2DTranspose Conv3DTranspose DepthwiseConv2D SeparableConv2D
Dense BatchNormalization LayerNormalization GroupNormalization
Activation ReLU LeakyReLU PReLU ELU Softmax Identity Rescaling
MaxPooling2D MaxPooling3D AveragePooling2D AveragePooling3D UpSampling2D UpSampling3D
GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling2D GlobalMaxPooling3D
Concatenate Add Subtract Multiply Average Maximum Minimum
Dropout SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout
ZeroPadding2D ZeroPadding3D Cropping2D Cropping3D Reshape Flatten Permute
"""
_ACTIVATIONS = """
linear relu relu6 sigmoid softmax tanh elu selu gelu silu swish softplus softsign hard_sigmoid
leaky_relu exponential mish
"""
LAYERS, ACTIVATIONS = frozenset(_LAYERS.split()), frozenset(_ACTIVATIONS.split())
CODE = frozenset({"Lambda", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer"})
MODELS = frozenset({"Functional", "Model", "Sequential"})
# what only training needs; leaving it out leaves nothing but literals
_TRAINING = ("_initializer", "_regularizer", "_constraint")
_DROPPED = {"dtype", "registered_name", "seed", "batch_input_shape", "trainable", "optional"}
MAX_LAYERS = 5000
BOXES_SCORES_LABELS = 3
MAX_DEPTH = 8


class NotPlain(Exception):
    """A configuration asks for more than plain layers; the sentence names what."""


@dataclass(frozen=True, slots=True)
class Part:
    """One layer of a rebuilt network, or a network inside it with parts of its own."""

    name: str
    class_name: str
    layer: Any
    parts: list[Part] = field(default_factory=list)


def rebuild(config: Mapping[str, Any], depth: int = 0) -> Part:
    """Return the network that {"class_name", "config"} describes, weights not yet filled.

    Raises NotPlain for a custom layer, a Lambda, an expression or a broken graph.
    """
    kind, inner = config.get("class_name"), config.get("config")
    if kind not in MODELS or not isinstance(inner, Mapping):
        raise NotPlain(f"Network `{kind}` is not Functional or Sequential. Convert it to ONNX.")
    if depth > MAX_DEPTH or len(inner.get("layers", [])) > MAX_LAYERS:
        raise NotPlain("The network is nested too deep or has too many layers.")
    try:
        return (_sequential if kind == "Sequential" else _functional)(inner, depth)
    except (KeyError, IndexError, AttributeError, TypeError) as error:
        raise NotPlain(f"The configuration is broken ({error}).") from None


def _functional(config: Mapping[str, Any], depth: int) -> Part:
    parts = {item["config"]["name"]: _part(item, depth) for item in config["layers"]}
    nodes = {item["config"]["name"]: _nodes(item) for item in config["layers"]}
    made: dict[tuple[str, int], Any] = {
        (name, 0): part.layer.output for name, part in parts.items() if _is_input(part)
    }
    waiting = [(name, n) for name, calls in nodes.items() for n in range(len(calls))]
    while waiting:
        left = [
            key for key in waiting if not _call(parts[key[0]], nodes[key[0]][key[1]], key, made)
        ]
        if len(left) == len(waiting):
            raise NotPlain(f"Layer `{left[0][0]}` is fed by nothing.")
        waiting = left
    inputs, outputs = (
        [_pick(made, end) for end in _ends(config[key])]
        for key in ("input_layers", "output_layers")
    )
    allowed = (1,) if depth else (1, BOXES_SCORES_LABELS)
    if len(inputs) != 1 or len(outputs) not in allowed:
        raise NotPlain(
            f"{len(inputs)} inputs and {len(outputs)} outputs; one of each is run here, "
            "of a detector three outputs."
        )
    model = keras.Model(inputs[0], outputs[0] if len(outputs) == 1 else outputs)
    return Part(str(config.get("name", "")), "Functional", model, list(parts.values()))


def _sequential(config: Mapping[str, Any], depth: int) -> Part:
    items = list(config["layers"])
    shape = config.get("build_input_shape") or items[0]["config"].get("batch_input_shape")
    if items[0]["class_name"] == "InputLayer":
        first = _part(items.pop(0), depth).layer.output
    elif shape:
        first = keras.Input(batch_shape=tuple(shape))
    else:
        raise NotPlain("The Sequential network does not say its input shape.")
    parts = [_part(item, depth) for item in items]
    value = first
    for part in parts:
        value = part.layer(value)
    return Part(str(config.get("name", "")), "Sequential", keras.Model(first, value), parts)


def _part(item: Mapping[str, Any], depth: int) -> Part:
    kind, name = item["class_name"], item["config"]["name"]
    if kind in MODELS:
        inner = rebuild(item, depth + 1)
        return Part(name, kind, inner.layer, inner.parts)
    module = str(item.get("module") or "keras.layers")
    custom = item.get("registered_name") not in (None, kind)
    if kind in CODE:
        raise NotPlain(f"Layer `{kind}` carries code. Replace it or convert to ONNX.")
    if kind not in LAYERS or not module.startswith(("keras.layers", "keras.src.layers")) or custom:
        raise NotPlain(f"Layer `{kind}` is not a plain Keras layer. Replace it or convert to ONNX.")
    settings = _literals(kind, item["config"])
    try:
        return Part(name, kind, getattr(keras.layers, kind).from_config(settings))
    except (TypeError, ValueError) as error:
        raise NotPlain(f"Layer `{name}` ({kind}) cannot be built: {error}") from None


def _literals(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a layer's settings without what training needs; objects are refused."""
    kept = {
        key: value
        for key, value in config.items()
        if key not in _DROPPED and not key.endswith(_TRAINING)
    }
    if kind == "InputLayer" and "batch_shape" not in kept:
        kept["batch_shape"] = config.get("batch_input_shape")
    if "activation" in kept:
        kept["activation"] = _activation(kept["activation"])
    if kind == "BatchNormalization" and isinstance(kept.get("axis"), list):
        (kept["axis"],) = kept["axis"]  # as Keras 2 wrote it
    for key, value in kept.items():
        _require_literal(kind, key, value)
    return {**kept, "dtype": "float32"}


def _activation(value: Any) -> str:
    name = value.get("config") if isinstance(value, Mapping) else value
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise NotPlain(f"Activation `{str(name)[:80]}` is not a plain Keras activation.")
    return str(name)


def _require_literal(kind: str, key: str, value: Any) -> None:
    if isinstance(value, Mapping):
        raise NotPlain(f"Layer `{kind}`: setting {key} carries an object. Convert to ONNX.")
    if isinstance(value, list):
        for item in value:
            _require_literal(kind, key, item)


def _is_input(part: Part) -> bool:
    return part.class_name == "InputLayer"


def _nodes(item: Mapping[str, Any]) -> list[Any]:
    """Return the calls of a layer, each a tensor reference or a list of them."""
    calls = []
    for node in item["inbound_nodes"]:
        if isinstance(node, Mapping):  # Keras 3
            arguments = [_reference(value) for value in node["args"]]
            _require_plain_call(item, node.get("kwargs", {}))
        else:  # Keras 2: one list of [name, node, tensor, kwargs] per call
            found = [(ref[0], ref[1], ref[2]) for ref in node]
            for ref in node:
                _require_plain_call(item, ref[3] if len(ref) > 3 else {})
            arguments = [found if len(found) > 1 else found[0]]
        calls.append(arguments)
    return calls


def _reference(value: Any) -> Any:
    if isinstance(value, list):
        return [_reference(item) for item in value]
    if not isinstance(value, Mapping) or value.get("class_name") != "__keras_tensor__":
        raise NotPlain("A layer is called with something that is no tensor. Convert to ONNX.")
    name, node, tensor = value["config"]["keras_history"]
    return (name, node, tensor)


def _require_plain_call(item: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    for key, value in settings.items():
        if value not in (None, False) or key not in ("mask", "training"):
            raise NotPlain(f"Layer `{item['config']['name']}` is called with {key}={value!r}.")


def _call(
    part: Part, arguments: list[Any], key: tuple[str, int], made: dict[tuple[str, int], Any]
) -> bool:
    """Call a layer once all it needs is made; return whether it was."""
    if not all(ref[:2] in made for ref in _flat(arguments)):
        return False
    made[key] = part.layer(*(_map(arguments, lambda ref: _pick(made, ref))))
    return True


def _flat(value: Any) -> list[tuple[str, int, int]]:
    return [ref for item in value for ref in _flat(item)] if isinstance(value, list) else [value]


def _map(value: Any, change: Callable[[Any], Any]) -> Any:
    return [_map(item, change) for item in value] if isinstance(value, list) else change(value)


def _pick(made: Mapping[tuple[str, int], Any], ref: Any) -> Any:
    name, node, tensor = ref
    found = made[(name, node)]
    return found[tensor] if isinstance(found, (list, tuple)) else found


def _ends(value: Any) -> list[Any]:
    """Return [[name, node, tensor], …]; Keras 3 writes a single end without the outer list."""
    return [value] if value and isinstance(value[0], str) else list(value)
