"""Volume and Header as JSON and back; pixels travel beside them as raw little-endian files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imaging.types import Header, Volume

if TYPE_CHECKING:
    import numpy as np


def volume_to_json(volume: Volume) -> dict[str, Any]:
    """Everything but the pixels."""
    return {
        item.name: getattr(volume, item.name) for item in fields(Volume) if item.name != "array"
    }


def volume_from_json(record: Mapping[str, Any], array: np.ndarray) -> Volume:
    known = {item.name for item in fields(Volume)} - {"array"}
    return Volume(array, **{name: _frozen(record[name]) for name in known & record.keys()})


def header_to_json(header: Header) -> dict[str, Any]:
    return asdict(header)


def header_from_json(record: Mapping[str, Any]) -> Header:
    known = {item.name for item in fields(Header)}
    return Header(**{name: _frozen(record[name]) for name in known & record.keys()})


def pixels_write(path: Path, array: np.ndarray) -> dict[str, Any]:
    """Write `array` in C order, little-endian; return its dtype and shape as JSON."""
    plain = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    with path.open("wb") as file:
        for plane in plain:  # a plane at a time: a volume is never copied whole
            file.write(plane.tobytes())
    return {"dtype": array.dtype.name, "shape": list(array.shape)}


def pixels_read(path: Path, dtype: str, shape: Sequence[int]) -> np.ndarray:
    """Map a file that `pixels_write` made; read-only."""
    import numpy as np

    kind = np.dtype(dtype).newbyteorder("<")
    return np.memmap(path, dtype=kind, mode="r", shape=tuple(shape))


def _frozen(value: Any) -> Any:
    """Lists from JSON as the tuples that frozen records hold."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
