"""`manage.py analyze`: files in, a folder of results for each, one table; no database."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from imaging.engine.client import infer_engine
from tests.formats.series import ct_series, written
from tests.imaging.tiny_models import (
    dim_picture,
    make_ensemble,
    make_model,
    picture,
    write_png,
)

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def models(tmp_path, settings):
    settings.MODELS_DIR = tmp_path / "models"
    make_model(settings.MODELS_DIR, "bright")
    make_model(settings.MODELS_DIR, "eager", lines=((40.0, -12.0),))  # 0.3 is bright enough
    make_ensemble(settings.MODELS_DIR, "both", "bright", "eager")
    return settings.MODELS_DIR


def analyze(*arguments):
    call_command("analyze", *map(str, arguments))


def rows(out):
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def mask_of(folder):
    with Image.open(folder / "mask.png") as image:
        assert image.mode == "1"
        return np.array(image)


@pytest.fixture
def square(tmp_path):
    return write_png(tmp_path / "square.png", picture(bright=(10, 30, 20, 50)))


def test_each_input_gets_mask_probability_overlay_and_measures(models, square, tmp_path):
    out = tmp_path / "out"
    analyze(square, "--ensemble", "both", "--out", out)
    expected = picture(bright=(10, 30, 20, 50)) > 128
    np.testing.assert_array_equal(mask_of(out / "square"), expected)
    q = np.load(out / "square" / "probability.npy")
    assert (q.shape, q.dtype) == ((1, 64, 64), np.uint8)
    np.testing.assert_array_equal(q[0] >= 128, expected)
    with Image.open(out / "square" / "overlay.png") as overlay:
        assert (overlay.mode, overlay.size) == ("RGB", (64, 64))
        red, green, _ = overlay.getpixel((30, 20))
        assert red > green
        assert overlay.getpixel((0, 0)) == (0, 0, 0)
    record = json.loads((out / "square" / "measurements.json").read_text())
    assert record["notice"] == "Research use only. Not for diagnostic use"
    assert record["analysis"]["measures"]["operating"]["area_px"] == 600
    assert [member["model"] for member in record["analysis"]["members"]] == ["bright", "eager"]
    assert record["ensemble"]["members"][0]["sha256"].keys() == {"model.onnx"}


def test_the_table_has_one_row_per_input(models, square, tmp_path):
    analyze(square, "--ensemble", "both", "--out", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert (row["outcome"], row["area_px"], row["area_text"]) == ("analysed", "600", "14.65 %")
    assert (row["lesions"], row["severity"], row["models"]) == ("1", "high", "bright, eager")


def test_members_are_chosen_with_weight_device_and_version(models, tmp_path):
    dim = write_png(tmp_path / "dim.png", picture(dim=(0, 10, 0, 10)))  # 110/255 = 0.43
    out = tmp_path / "out"
    eager, none = ("--member", "eager@1.0.0=3:cuda"), ("--member", "bright=0")
    analyze(dim, *eager, *none, "--out", out)
    record = json.loads((out / "dim" / "measurements.json").read_text())
    first, second = record["analysis"]["members"]
    assert (first["share"], first["device"]) == (1.0, "cuda")
    assert (second["share"], second["device_used"]) == (0.0, "")
    if first["device_used"] == "cpu":
        assert "CUDA is not available" in first["fallback"]
    assert record["analysis"]["measures"]["operating"]["area_px"] == 100


def test_the_weights_and_the_threshold_decide(models, tmp_path):
    dim = write_png(tmp_path / "dim.png", picture(dim=(0, 10, 0, 10)))
    found = {}
    for threshold in ("0.2", "0.6"):
        out = tmp_path / threshold
        members = ("--member", "bright=3", "--member", "eager=1")  # 0.054·¾ + 0.995·¼ = 0.29
        analyze(dim, *members, "--threshold", threshold, "--out", out)
        found[threshold] = rows(out)[0]["area_px"]
    assert found == {"0.2": "100", "0.6": "0"}


def test_equal_stems_do_not_overwrite_each_other(models, tmp_path):
    write_png(tmp_path / "in" / "a" / "x.png", picture(bright=(0, 10, 0, 10)))
    write_png(tmp_path / "in" / "b" / "x.png", picture(bright=(0, 20, 0, 20)))
    out = tmp_path / "out"
    analyze(tmp_path / "in", "--member", "bright", "--out", out)
    assert [(row["output"], row["area_px"]) for row in rows(out)] == [("x", "100"), ("x-2", "400")]
    assert mask_of(out / "x").sum() == 100
    assert mask_of(out / "x-2").sum() == 400


def test_what_fails_is_told_with_its_reason_and_the_rest_is_done(models, square, tmp_path, capsys):
    inputs = tmp_path / "in"
    write_png(inputs / "good.png", picture(bright=(10, 30, 20, 50)))
    (inputs / "=empty.png").write_bytes(b"")
    (inputs / "text.png").write_text("no picture")
    (inputs / "notes.txt").write_text("passed over")
    out = tmp_path / "out"
    with pytest.raises(CommandError, match=r"2 of 3 failed\.") as caught:
        analyze(inputs, "--member", "bright", "--out", out)
    assert caught.value.returncode == 1
    found = {row["file"]: row for row in rows(out)}
    assert found[str(inputs / "good.png")]["outcome"] == "analysed"
    assert found[str(inputs / "text.png")]["reason"]
    assert "is empty" in found[str(inputs / "=empty.png")]["reason"]
    assert sorted(path.name for path in out.iterdir()) == ["good", "summary.csv"]
    printed = capsys.readouterr().out
    assert "notes.txt: passed over" in printed
    assert "Traceback" not in printed


def test_a_name_that_is_a_formula_is_text_in_the_table(models, tmp_path, monkeypatch):
    write_png(tmp_path / "=1+2.png", dim_picture())
    monkeypatch.chdir(tmp_path)
    analyze("=1+2.png", "--member", "bright", "--out", "out")
    (row,) = rows(tmp_path / "out")
    assert row["file"] == "'=1+2.png"
    assert row["severity"] == "no finding"


def test_json_is_printed_alone(models, square, tmp_path, capsys):
    analyze(square, "--member", "bright", "--out", tmp_path / "out", "--json")
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["outcome"], row["area_px"]) == ("analysed", 600)


def test_a_model_file_with_one_flipped_byte_is_refused_by_name(models, square, tmp_path):
    path = models / "eager" / "model.onnx"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        analyze(square, "--ensemble", "both", "--out", tmp_path / "out")
    assert caught.value.returncode == 1
    reason = rows(tmp_path / "out")[0]["reason"]
    assert "eager" in reason
    assert "model.onnx" in reason
    analyze(square, "--member", "bright", "--out", tmp_path / "again")


def test_a_killed_engine_costs_one_input(models, tmp_path, monkeypatch):
    for name in ("a.png", "c.png"):
        write_png(tmp_path / "in" / name, picture(bright=(0, 10, 0, 10)))
    # large: its child is still at work when the parent hears of the first step
    write_png(tmp_path / "in" / "b.png", np.tile(picture(bright=(0, 10, 0, 10)), (60, 60)))
    from imaging.terminal import outputs

    engine, real = infer_engine(), outputs.analysed
    seen = []

    def analysed(inferrer, picture, *args, **kwargs):
        seen.append(1)
        if len(seen) == 2:
            kwargs["on_progress"] = lambda *step: engine.kill()
        return real(inferrer, picture, *args, **kwargs)

    monkeypatch.setattr(outputs, "analysed", analysed)
    with pytest.raises(CommandError, match="1 of 3 failed"):
        analyze(tmp_path / "in", "--member", "bright", "--out", tmp_path / "out")
    outcomes = [row["outcome"] for row in rows(tmp_path / "out")]
    assert outcomes == ["analysed", "failed", "analysed"]
    assert "stopped unexpectedly" in rows(tmp_path / "out")[1]["reason"]


def test_a_volume_leaves_a_nifti_mask_on_its_own_grid(models, tmp_path):
    import nibabel

    data = np.zeros((64, 64, 3), np.int16)  # x, y, z
    data[10:30, 20:50, 1] = 200
    affine = np.array([[-2.0, 0, 0, 5], [0, 2, 0, 6], [0, 0, 4, 7], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(data, affine), tmp_path / "head.nii.gz")
    out = tmp_path / "out"
    scaled = {"intensity": [{"op": "scale", "from": [0, 200], "to": [0, 1], "clip": True}]}
    make_model(models, "scaled", **scaled)
    analyze(tmp_path / "head.nii.gz", "--member", "scaled", "--modality", "mri", "--out", out)
    mask = nibabel.load(out / "head" / "mask.nii.gz")
    np.testing.assert_allclose(mask.affine, affine)
    np.testing.assert_array_equal(np.asarray(mask.dataobj) > 0, data == 200)
    assert rows(out)[0]["modality"] == ""
    assert rows(out)[0]["volume_ml"] == "9.6"  # 600 voxels of 2 × 2 × 4 mm


def test_the_slices_of_a_series_are_analysed_as_one_volume(models, tmp_path):
    import nibabel

    array = np.full((3, 64, 64), -1000, np.int16)  # z, y, x; air around
    array[:, 8:56, 5:60] = -200
    array[1, 20:50, 10:30] = 1200
    (tmp_path / "in").mkdir()
    files = ct_series(array, step=(0, 0, 4.0), start=(5, 6, 7), RescaleIntercept=0)
    written(tmp_path / "in", files[::-1])
    scaled = {"intensity": [{"op": "scale", "from": [-1000, 1400], "to": [0, 1], "clip": True}]}
    make_model(models, "scaled", **scaled)
    out = tmp_path / "out"
    analyze(tmp_path / "in", "--member", "scaled", "--out", out)
    (volume,) = rows(out)
    assert volume["file"].endswith("0.dcm and 2 more")
    mask = nibabel.load(out / "0" / "mask.nii.gz")
    np.testing.assert_allclose(mask.affine @ [0, 0, 0, 1], [-5, -6, 7, 1])
    np.testing.assert_array_equal(np.asarray(mask.dataobj).T > 0, array == 1200)


def test_a_picture_said_to_be_of_another_modality_is_analysed_with_a_warning(
    models, square, tmp_path
):
    """A PNG holds nobody's word but the sender's (MEASURES §14); a DICOM file is refused."""
    make_model(models, "ct-only", modality="ct")
    analyze(square, "--member", "ct-only", "--modality", "xray", "--out", tmp_path / "out")
    (row,) = rows(tmp_path / "out")
    assert row["outcome"] == "analysed"
    assert "ct" in row["input_check"].lower()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--ensemble", "none"], "no ensemble named “none”"),
        (["--member", "none"], "no model named “none”"),
        (["--member", "bright@9.9.9"], "9.9.9"),
        (["--member", "bright=-1"], "-1"),
        (["--member", "bright=0"], "all weights are zero"),
        (["--member", "bright", "--member", "bright"], "2 times"),
        (["--member", "Bad Name"], "is not of the form"),
        (["--member", "bright:tpu"], "tpu"),
        (["--member", "bright", "--threshold", "0"], "threshold"),
        (["--member", "bright", "--threshold", "nan"], "threshold"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(models, square, tmp_path, arguments, words):
    with pytest.raises(CommandError) as caught:
        analyze(square, *arguments, "--out", tmp_path / "out")
    assert caught.value.returncode == 2
    assert words.lower() in str(caught.value).lower()
    assert not (tmp_path / "out").exists()


def test_no_image_and_no_path_are_wrong_usage(models, tmp_path):
    (tmp_path / "in").mkdir()
    for path, words in ((tmp_path / "in", "no image"), (tmp_path / "gone", "no file or folder")):
        with pytest.raises(CommandError, match=words) as caught:
            analyze(path, "--member", "bright", "--out", tmp_path / "out")
        assert caught.value.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["analyze"], 2), (["analyze", "x.png", "--out", "o"], 2), (["inspect", "--what"], 2)],
)
def test_the_shell_sees_2_for_wrong_usage(arguments, code, tmp_path):
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "mediscan.settings.test"}
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments],
        env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == code
    assert "usage:" in done.stderr
    assert "Traceback" not in done.stderr
