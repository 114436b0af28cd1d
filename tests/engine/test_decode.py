"""The decode child reads real formats; a file that goes wrong harms nobody but itself."""

import contextlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imaging.engine.client import Engine, EngineDied, EngineTimeout
from imaging.engine.records import header_from_json, pixels_read, volume_from_json
from imaging.types import Refused

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = Engine("decode", reach=[tmp_path_factory.getbasetemp()])
    yield engine
    engine.close()


def decode(engine, path, out):
    out.mkdir(exist_ok=True)
    answer = engine.call("decode", timeout_s=60, path=str(path), name=path.name, out_dir=str(out))
    image = answer["image"]
    array = pixels_read(out / image["pixels"], image["dtype"], image["shape"])
    return image, array


def test_a_16_bit_png_arrives_pixel_by_pixel(engine, tmp_path):
    values = np.arange(35 * 50, dtype=np.uint16).reshape(35, 50) * 37
    Image.fromarray(values).save(tmp_path / "a.png")
    image, array = decode(engine, tmp_path / "a.png", tmp_path / "out")
    np.testing.assert_array_equal(array, values[None])
    assert image["description"]["bits"] == 16
    assert volume_from_json(image["volume"], array).raster
    with Image.open(tmp_path / "out" / image["thumbnail"]) as thumbnail:
        assert thumbnail.size == (50, 35)


def test_a_ct_slice_keeps_its_numbers_and_its_header(engine, tmp_path):
    from pydicom.data import get_testdata_file

    shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / "ct.dcm")
    image, array = decode(engine, tmp_path / "ct.dcm", tmp_path / "out")
    volume = volume_from_json(image["volume"], array)
    assert (volume.modality, volume.unit, array.shape) == ("CT", "HU", (1, 128, 128))
    assert (volume.slope, volume.intercept) == (1.0, -1024.0)
    assert header_from_json(image["header"]).patient_id == "1CT1"
    json.dumps(image, allow_nan=False)


def test_a_bad_file_is_refused_and_the_next_one_is_read_by_the_same_child(engine, tmp_path):
    Image.new("L", (20, 20), 9).save(tmp_path / "good.png")
    decode(engine, tmp_path / "good.png", tmp_path / "first")
    pid = engine.pid
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    with pytest.raises(Refused) as caught:
        decode(engine, tmp_path / "bad.png", tmp_path / "out")
    assert "bad.png" in caught.value.sentence
    decode(engine, tmp_path / "good.png", tmp_path / "second")
    assert engine.pid == pid


def test_random_damage_never_kills_the_parent_nor_the_next_file(engine, tmp_path):
    from pydicom.data import get_testdata_file

    rng = np.random.default_rng(7)
    Image.fromarray(rng.integers(0, 255, (60, 60), dtype=np.uint8)).save(tmp_path / "good.jpg")
    kinds = {"jpg": tmp_path / "good.jpg", "dcm": Path(get_testdata_file("CT_small.dcm"))}
    for number in range(30):
        ending = ("jpg", "dcm")[number % 2]
        damaged = bytearray(kinds[ending].read_bytes())
        for place in rng.integers(0, len(damaged), 12):
            damaged[place] = rng.integers(0, 256)
        path = tmp_path / f"{number}.{ending}"
        path.write_bytes(damaged)
        with contextlib.suppress(Refused, EngineDied, EngineTimeout):
            assert decode(engine, path, tmp_path / "out")[1].ndim == 3
    decode(engine, tmp_path / "good.jpg", tmp_path / "out")
    assert engine.starts <= 3


def test_a_file_that_is_not_there_is_a_refusal_not_a_crash(engine, tmp_path):
    with pytest.raises(Refused):
        decode(engine, tmp_path / "gone.png", tmp_path / "out")
    assert engine.is_alive


def test_a_decoded_child_stays_far_below_its_cap(engine, tmp_path):
    Image.new("L", (4000, 4000), 100).save(tmp_path / "large.png")
    image, _ = decode(engine, tmp_path / "large.png", tmp_path / "out")
    assert image["shape"] == [1, 4000, 4000]
    assert engine.hello["address_space"] == 1536 << 20
    assert engine.rss_mb() < 400


def test_an_unknown_operation_is_refused_plainly():
    engine = Engine("decode")
    try:
        with pytest.raises(Refused, match="may be damaged"):
            engine.call("analyse", timeout_s=30)
    finally:
        engine.close()
