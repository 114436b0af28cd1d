"""The infer child: load once, answer on the image's grid, survive what goes wrong."""

import os
from pathlib import Path

import numpy as np
import pytest

from imaging.engine import infer_ops
from imaging.engine.client import Engine
from imaging.engine.records import pixels_read, pixels_write, volume_to_json
from imaging.inference.spec import MemberSpec, spec_from_members
from imaging.types import InferenceError, Volume
from tests.imaging.tiny_models import make_model, picture

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = Engine("infer", reach=[tmp_path_factory.getbasetemp()])
    yield engine
    engine.close()


@pytest.fixture
def models(tmp_path):
    make_model(tmp_path / "models", "bright")
    make_model(tmp_path / "models", "eager", lines=((40.0, -12.0),))
    return tmp_path / "models"


def spec_of(models, *names):
    return spec_from_members(models, [MemberSpec(name) for name in names])


def analyse(engine, models, folder, array, spec, **more):
    folder.mkdir(exist_ok=True)
    more = {"overridden": True} | more  # the input gate has tests of its own
    volume = Volume(array, modality="DX", raster=True)
    told = pixels_write(folder / "pixels.raw", array)
    return engine.call(
        "analyse", timeout_s=120, pixels=str(folder / "pixels.raw"), **told,
        volume=volume_to_json(volume), spec=spec.to_json(), models_dir=str(models),
        out_dir=str(folder), **more,
    )["analysis"]  # fmt: skip


def test_maps_measures_and_members_come_back(engine, models, tmp_path):
    array = picture(bright=(10, 30, 20, 50))[None]
    heard = []
    spec = spec_of(models, "bright", "eager")
    found = analyse(
        engine, models, tmp_path / "run", array, spec, on_progress=lambda *s: heard.append(s)
    )
    assert [stage for stage, _, _ in heard] == ["bright", "eager", "measuring"]
    q = pixels_read(tmp_path / "run" / found["maps"]["ensemble"], "uint8", found["shape"])
    np.testing.assert_array_equal(q >= 128, array > 128)
    assert set(found["maps"]["members"]) == {"bright", "eager"}
    assert found["maps"]["disagreement"] is not None
    assert found["measures"]["operating"]["area_px"] == 600
    assert [member["device_used"] for member in found["members"]] == ["cpu", "cpu"]


def test_models_are_loaded_once_and_run_again_without_a_load(engine, models, tmp_path):
    array, spec = picture()[None], spec_of(models, "bright", "eager")
    loads = [analyse(engine, models, tmp_path / f"{n}", array, spec)["loads"] for n in range(3)]
    assert loads == [2, 0, 0]


def test_warming_loads_before_the_first_image(engine, models, tmp_path):
    spec = spec_of(models, "bright")
    told = engine.call("warm", timeout_s=120, spec=spec.to_json(), models_dir=str(models))
    assert [member["model"] for member in told["members"]] == ["bright"]
    assert analyse(engine, models, tmp_path / "run", picture()[None], spec)["loads"] == 0


def test_the_map_lies_on_the_images_grid_whatever_its_size(engine, models, tmp_path):
    array = np.repeat(np.repeat(picture(bright=(16, 32, 16, 48)), 3, axis=0), 5, axis=1)[None]
    found = analyse(engine, models, tmp_path / "run", array, spec_of(models, "bright"))
    assert found["shape"] == [1, 192, 320]
    area = found["measures"]["operating"]["area_px"]
    assert area == pytest.approx(16 * 3 * 32 * 5, rel=0.05)
    assert found["maps"]["disagreement"] is None
    assert found["agreement"] is None


def test_onnxruntime_keeps_no_records_for_its_maker(engine, models, tmp_path):
    analyse(engine, models, tmp_path / "run", picture()[None], spec_of(models, "bright"))
    home = Path(os.readlink(f"/proc/{engine.pid}/cwd"))
    assert home.parent.name.startswith("mediscan-scratch-")
    assert not [path for path in home.rglob("*") if "onnxruntime" in path.name]


def test_a_missing_gpu_falls_back_and_says_so(engine, models, tmp_path):
    if engine.call("describe_device", timeout_s=120)["cuda"]:
        pytest.skip("this machine has a GPU")
    spec = spec_from_members(models, [MemberSpec("bright", device="cuda")])
    (member,) = analyse(engine, models, tmp_path / "run", picture()[None], spec)["members"]
    assert (member["device"], member["device_used"]) == ("cuda", "cpu")
    assert member["fallback"] == "CUDA is not available on this machine; ran on CPU."


def test_a_changed_model_file_is_refused_by_name_and_the_other_serves_on(engine, models, tmp_path):
    spec = spec_of(models, "bright", "eager")
    analyse(engine, models, tmp_path / "before", picture()[None], spec)
    path = models / "eager" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InferenceError, match=r"eager.*model\.onnx"):
        analyse(engine, models, tmp_path / "after", picture()[None], spec)
    analyse(engine, models, tmp_path / "other", picture()[None], spec_of(models, "bright"))
    assert engine.starts == 1


def test_a_probe_says_that_a_model_runs(engine, models):
    told = engine.call("probe", timeout_s=120, models_dir=str(models), model="bright")
    assert told["shape"] == [1, 64, 64]
    assert told["levels"][0] < 10
    assert told["levels"][1] > 245
    with pytest.raises(InferenceError, match="no model named"):
        engine.call("probe", timeout_s=120, models_dir=str(models), model="none")


def test_memory_that_runs_out_is_a_sentence_and_the_next_run_works(models, tmp_path):
    engine = Engine("infer", memory_mb=700)  # 2,100 MiB of address space
    huge = np.zeros((1, 15_000, 15_000), np.uint8)  # as float32 and map many times that
    try:
        with pytest.raises(InferenceError, match="memory"):
            analyse(engine, models, tmp_path / "huge", huge, spec_of(models, "bright"))
        small = analyse(
            engine, models, tmp_path / "small", picture()[None], spec_of(models, "bright")
        )
        assert small["shape"] == [1, 64, 64]
    finally:
        engine.close()


def test_more_regions_than_can_be_listed_are_told_in_words(models, tmp_path, monkeypatch):
    array = picture(bright=(10, 30, 20, 30))[None]
    array[:, 40:60, 20:30] = 220
    told = pixels_write(tmp_path / "pixels.raw", array)
    args = {
        "pixels": str(tmp_path / "pixels.raw"), **told, "models_dir": str(models),
        "volume": volume_to_json(Volume(array, modality="DX", raster=True)),
        "spec": spec_of(models, "bright").to_json(), "out_dir": str(tmp_path),
    }  # fmt: skip
    found = infer_ops.analyse(args, lambda *_: None)["analysis"]
    assert len(found["measures"]["lesions"]) == 2
    monkeypatch.setattr(infer_ops, "MOST_LESIONS", 1)
    with pytest.raises(InferenceError, match="2 separate regions"):
        infer_ops.analyse(args, lambda *_: None)
