"""What crosses to the child and back is what was sent."""

import json

import numpy as np
import pytest

from imaging.engine.protocol import LINE_LIMIT, ProtocolError, decode, encode
from imaging.engine.records import (
    header_from_json,
    header_to_json,
    pixels_read,
    pixels_write,
    volume_from_json,
    volume_to_json,
)
from imaging.types import Header, Volume


def test_a_volume_makes_the_round_trip():
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    volume = Volume(
        array, modality="CT", slope=2.0, intercept=-1024.0, spacing_mm=(2.0, 1.0, 0.5),
        spacing_kind="calibrated", unit="HU", bits=12, padding=-2000.0, window=(40.0, 400.0),
        affine=((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0,) * 4),
    )  # fmt: skip
    record = json.loads(json.dumps(volume_to_json(volume)))
    assert "array" not in record
    assert volume_from_json({**record, "later": 1}, array) == volume


def test_a_header_makes_the_round_trip():
    header = Header(patient_name="Doe^Jane", patient_orientation=("L", "F"))
    assert header_from_json(json.loads(json.dumps(header_to_json(header)))) == header


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
def test_pixels_lie_little_endian_in_c_order(tmp_path, dtype):
    array = (
        np.arange(24).reshape(4, 3, 2).transpose(2, 1, 0).astype(np.dtype(dtype).newbyteorder(">"))
    )
    told = pixels_write(tmp_path / "pixels.raw", array)
    assert told == {"dtype": dtype, "shape": [2, 3, 4]}
    raw = (tmp_path / "pixels.raw").read_bytes()
    assert raw == np.ascontiguousarray(array.astype(f"<{np.dtype(dtype).str[1:]}")).tobytes()
    back = pixels_read(tmp_path / "pixels.raw", **told)
    np.testing.assert_array_equal(back, array)
    assert not back.flags.writeable


def test_a_line_is_one_line():
    line = encode({"text": "a\nb\u2028c"})
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert decode(line) == {"text": "a\nb\u2028c"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), "x" * LINE_LIMIT])
def test_what_json_cannot_carry_is_not_sent(value):
    with pytest.raises(ProtocolError):
        encode({"value": value})


@pytest.mark.parametrize("line", [b"", b"[]\n", b'{"x": Infinity}\n', b"\xff\n", b"1\n"])
def test_what_is_no_object_is_not_read(line):
    with pytest.raises(ProtocolError):
        decode(line)
