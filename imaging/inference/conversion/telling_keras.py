"""What a Keras file tells: the shapes and the last layer of the network that it describes."""

from __future__ import annotations

from pathlib import Path

from imaging.inference.backends import keras_backend
from imaging.inference.conversion.telling import ENDS, Told, shaped


def tell(path: Path, name: str) -> Told:
    model = keras_backend.read(name, path.read_bytes()).layer
    several = model.outputs
    kind = getattr(getattr(model.layers[-1], "activation", None), "__name__", "")
    kind = kind or type(model.layers[-1]).__name__.lower()
    told = Told("keras", "tensorflow", is_last=True, ends_in=kind if kind in ENDS else "")
    return shaped(told, list(model.inputs[0].shape), [list(one.shape) for one in several])
