"""`manage.py analyze` and `validate` for classes and boxes: real children, numbers by hand."""

import csv
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from imaging.terminal.work import analysed
from tests.imaging.tiny_models import picture, write_png
from tests.inference.task_models import onnx_classifier, onnx_detector

pytestmark = pytest.mark.engine


@pytest.fixture
def models(tmp_path, settings):
    root = settings.MODELS_DIR = tmp_path / "models"
    root.mkdir()
    onnx_classifier(root, "bright", (0.01,), gain=9.0, labels={"0": "bright"}, gate={})
    onnx_detector(root, "boxes", [[10, 10, 30, 30]], [0.9], gate={})
    return root


@pytest.fixture
def images(tmp_path):
    """Two pictures, one mostly bright, one mostly dark."""
    write_png(tmp_path / "images" / "day.png", picture(bright=(0, 40, 0, 64)))
    write_png(tmp_path / "images" / "night.png", picture(bright=(10, 20, 10, 20)))
    return tmp_path / "images"


def test_analyze_speaks_classes_boxes_and_refusals(models, images, tmp_path, capsys):
    write_png(images / "small.png", np.arange(900, dtype=np.uint8).reshape(30, 30))
    for name, said in (("bright", "day.png: bright 0."), ("boxes", "1 box, spot 0.90")):
        out = tmp_path / name
        call_command("analyze", str(images), "--member", name, "--out", str(out))
        printed = capsys.readouterr().out
        assert said in printed
        assert "small.png: Not analysed: Its short side has 30 pixels" in printed
        with (out / "summary.csv").open() as file:
            rows = {row["file"].rpartition("/")[2]: row for row in csv.DictReader(file)}
        assert rows["small.png"]["outcome"] == "not analysed"
        assert rows["day.png"]["area_px"] == ""
    assert rows["day.png"]["boxes"] == "spot 0.9 [10 10 30 30] slice 1"
    assert (tmp_path / "bright" / "day" / "saliency-bright.png").exists()


def test_validate_ranks_classes_and_boxes(models, images, tmp_path, capsys):
    truth = tmp_path / "truth.csv"
    truth.write_text("file,bright\nday.png,1\nnight.png,0\n")

    def validate(name, *more):
        call_command(
            "validate", "--images", str(images), "--references", str(truth), "--member", name,
            "--json", str(tmp_path / "r.json"), *more,
        )  # fmt: skip
        return json.loads((tmp_path / "r.json").read_text())

    found = validate("bright", "--min", "auroc=1")["labels"]["bright"]
    assert (found["auroc"], found["sensitivity"], found["specificity"]) == (1.0, 1.0, 1.0)
    assert (found["brier"], found["n"]) == (None, 2)  # too few to tell a calibration
    truth.write_text("file,label,x0,y0,x1,y1\nday.png,spot,10,10,30,30\nnight.png,,,,,\n")
    found = validate("boxes")
    # the same score on both: one right box, one false one before or after it
    assert found["means"]["ap50"] in (1.0, 0.5)
    assert found["labels"]["spot"]["froc"]["1"] == 1.0
    with pytest.raises(CommandError, match=r"mean ap50 .*wanted 2\.0"):
        validate("boxes", "--min", "ap50=2")
    truth.write_text("name,bright\nday.png,1\n")
    with pytest.raises(CommandError, match="no column “file”"):
        validate("bright")


def test_validate_waits_for_no_map_that_nobody_reads(models, images, tmp_path, monkeypatch):
    told = []

    def watched(*args, **settings):
        told.append(analysed(*args, **settings))
        return told[-1]

    monkeypatch.setattr("imaging.management.commands.validate.analysed", watched)
    truth = tmp_path / "truth.csv"
    truth.write_text("file,bright\nday.png,1\nnight.png,0\n")
    call_command("validate", "--images", str(images), "--references", str(truth),
                 "--member", "bright")  # fmt: skip
    assert [one["maps"]["saliency"] for one in told] == [{}, {}]
    assert all(one["classes"] for one in told)
