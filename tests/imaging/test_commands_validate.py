"""`manage.py validate`: numbers known beforehand, for the ensemble and each member."""

import csv
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from tests.imaging.tiny_models import (
    dim_picture,
    make_ensemble,
    make_model,
    picture,
    write_png,
)

pytestmark = pytest.mark.engine


@pytest.fixture
def models(tmp_path, settings):
    settings.MODELS_DIR = tmp_path / "models"
    make_model(settings.MODELS_DIR, "bright")
    make_model(settings.MODELS_DIR, "eager", lines=((40.0, -12.0),))  # sees dim boxes too
    make_ensemble(settings.MODELS_DIR, "both", "bright", "eager", threshold=0.6)
    return settings.MODELS_DIR


@pytest.fixture
def folders(tmp_path):
    """Two pairs: one that `bright` draws exactly, one whose reference is half of what is drawn."""
    images, references = tmp_path / "images", tmp_path / "references"
    exact = picture(bright=(10, 30, 20, 50))
    write_png(images / "exact.png", picture(bright=(10, 30, 20, 50), dim=(40, 50, 0, 10)))
    write_png(references / "exact.png", (exact > 128) * np.uint8(255))
    write_png(images / "half.png", picture(bright=(10, 30, 20, 40)))
    write_png(references / "half.png", (picture(bright=(10, 30, 20, 30)) > 128) * np.uint8(1))
    return images, references


def validate(folders, *arguments):
    images, references = folders
    call_command(
        "validate", "--images", str(images), "--references", str(references), *map(str, arguments)
    )


def test_the_numbers_are_those_worked_by_hand(models, folders, tmp_path, capsys):
    validate(folders, "--ensemble", "both", "--json", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["images"] == 2
    dice = report["ensemble"]["dice"]
    half = 2 * 200 / (400 + 200)
    assert dice["mean"] == pytest.approx((1 + half) / 2, abs=1e-6)
    assert dice["median"] == pytest.approx((1 + half) / 2, abs=1e-6)
    assert dice["worst"] == pytest.approx(half, abs=1e-6)
    assert dice["worst_file"] == "half.png"
    assert report["ensemble"]["iou"]["worst"] == 0.5
    assert report["ensemble"]["hd95_px"]["worst"] == 10.0
    assert report["ensemble"]["sensitivity"]["mean"] == 1.0
    assert report["ensemble"]["specificity"]["worst"] == pytest.approx(1 - 200 / (4096 - 200))
    assert "hd95_mm" not in report["ensemble"]
    printed = capsys.readouterr().out
    assert "half.png" in printed
    assert "0.9000" in printed or f"{(1 + half) / 2:.4f}" in printed


def test_each_member_is_judged_by_its_own_mask(models, folders, tmp_path):
    validate(folders, "--ensemble", "both", "--json", tmp_path / "r.json")
    members = json.loads((tmp_path / "r.json").read_text())["members"]
    assert set(members) == {"bright", "eager"}
    assert members["bright"]["dice"]["mean"] == pytest.approx(5 / 6, abs=1e-6)
    eager_exact = 2 * 600 / (700 + 600)
    expected = (eager_exact + 2 / 3) / 2
    assert members["eager"]["dice"]["mean"] == pytest.approx(expected, abs=1e-6)


def test_files_without_a_partner_are_named(models, folders, capsys):
    images, references = folders
    write_png(images / "lonely.png", picture())
    write_png(references / "widow.png", picture())
    validate(folders, "--member", "bright")
    told = capsys.readouterr().err
    assert "no reference of the same stem: lonely.png" in told
    assert "no image of the same stem: widow.png" in told


def test_a_pair_that_cannot_be_compared_fails_alone(models, folders, tmp_path, capsys):
    images, references = folders
    write_png(images / "small.png", picture())
    write_png(references / "small.png", picture()[:32])
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    write_png(references / "broken.png", picture())
    with pytest.raises(CommandError, match=r"2 of 4 failed\.") as caught:
        validate(folders, "--member", "bright", "--json", tmp_path / "r.json")
    assert caught.value.returncode == 1
    told = capsys.readouterr().err
    assert "small.png: The image is 1×64×64 and its reference 1×32×64" in told
    assert "broken.png:" in told
    assert json.loads((tmp_path / "r.json").read_text())["images"] == 2


def test_json_without_a_file_is_one_document_on_the_output(models, folders, capsys):
    validate(folders, "--member", "bright", "--json")
    assert json.loads(capsys.readouterr().out)["images"] == 2


def test_both_empty_is_counted_apart(models, tmp_path):
    images, references = tmp_path / "i", tmp_path / "r"
    write_png(images / "none.png", dim_picture())
    write_png(references / "none.png", np.zeros((64, 64), np.uint8))
    validate((images, references), "--member", "bright", "--json", tmp_path / "r.json")
    dice = json.loads((tmp_path / "r.json").read_text())["ensemble"]["dice"]
    assert (dice["mean"], dice["n"], dice["agreed_empty"]) == (None, 0, 1)
    assert dice["mean_with_agreed_empty"] == 1.0


def test_a_bar_that_is_missed_is_exit_code_1(models, folders):
    validate(folders, "--member", "bright", "--min", "dice=0.8", "--min", "hd95_px=10")
    with pytest.raises(CommandError, match=r"mean dice of the ensemble is 0\.8333") as caught:
        validate(folders, "--member", "bright", "--min", "dice=0.9")
    assert caught.value.returncode == 1


def test_every_case_can_be_had_as_a_row(models, folders, tmp_path):
    validate(folders, "--ensemble", "both", "--cases", tmp_path / "cases.csv")
    with (tmp_path / "cases.csv").open(newline="") as file:
        found = {(row["file"], row["model"]): row for row in csv.DictReader(file)}
    assert len(found) == 6
    assert found["exact.png", "ensemble"]["dice"] == "1.0"
    assert found["half.png", "bright"]["n_pred"] == "400"


SEVERAL = {0: "background", 1: "mid", 2: "high"}
SOFTMAX = ((0.0, 0.0), (40.0, -12.0), (80.0, -40.0))  # background to 0.3, mid to 0.7, then high


@pytest.mark.parametrize("threshold", ["0.5", "0.99"])
def test_several_labels_have_a_block_each_for_everyone(models, tmp_path, threshold):
    make_model(models, "soft", lines=SOFTMAX, labels=SEVERAL)
    make_model(models, "softer", lines=SOFTMAX, labels=SEVERAL)
    images, references = tmp_path / "i", tmp_path / "r"
    write_png(images / "a.png", picture(bright=(0, 10, 0, 10), dim=(30, 40, 30, 40)))
    truth = np.zeros((64, 64), np.uint8)
    truth[30:40, 30:40] = 1
    truth[0:10, 0:20] = 2
    write_png(references / "a.png", truth)
    members = ("--member", "soft", "--member", "softer")
    arguments = (*members, "--json", tmp_path / "r.json", "--threshold", threshold)
    validate((images, references), *arguments)
    report = json.loads((tmp_path / "r.json").read_text())
    for summary in (report["ensemble"], *report["members"].values()):
        assert summary["labels"]["mid"]["dice"]["mean"] == 1.0
        assert summary["labels"]["high"]["dice"]["mean"] == pytest.approx(2 / 3, abs=1e-6)
        assert summary["dice"]["mean"] == pytest.approx(5 / 6, abs=1e-6)
    validate((images, references), *members, "--labels", "high=2", "--json", tmp_path / "r.json")
    only = json.loads((tmp_path / "r.json").read_text())
    assert only["ensemble"]["dice"]["mean"] == pytest.approx(2 / 3, abs=1e-6)


def test_millimetres_come_from_the_image(models, tmp_path):
    import nibabel

    images, references = tmp_path / "i", tmp_path / "r"
    images.mkdir()
    references.mkdir()
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    data = np.zeros((64, 64, 3), np.int16)
    data[10:30, 20:40, 1] = 200
    truth = np.zeros((64, 64, 3), np.uint8)
    truth[10:30, 20:30, 1] = 1
    scale = {"intensity": [{"op": "scale", "from": [0, 200], "to": [0, 1], "clip": True}]}
    make_model(models, "scaled", **scale)
    nibabel.save(nibabel.Nifti1Image(data, affine), images / "head.nii.gz")
    nibabel.save(nibabel.Nifti1Image(truth, affine), references / "head.nii")
    shared = ("--member", "scaled", "--modality", "mri")
    validate((images, references), *shared, "--json", tmp_path / "r.json")
    ensemble = json.loads((tmp_path / "r.json").read_text())["ensemble"]
    # 400 boundary voxels: 200 at 0 mm, then 20 each at 2, 4 … 20 mm; rank 379.05 of 0 … 399
    assert ensemble["hd95_mm"]["mean"] == pytest.approx(18.1)
    assert "hd95_px" not in ensemble
    moved = affine + np.array([[0, 0, 0, 9], [0] * 4, [0] * 4, [0] * 4])
    nibabel.save(nibabel.Nifti1Image(truth, moved), references / "head.nii")
    with pytest.raises(CommandError, match="1 of 1 failed"):
        validate((images, references), *shared)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "other"], "no label “other”"),
        (["--labels", "bright=x"], "not a whole number"),
        (["--min", "dice"], "METRIC=VALUE"),
        (["--min", "f1=0.5"], "no metric “f1”"),
        (["--images", "/nowhere"], "no file or folder"),
    ],
)
def test_wrong_usage_is_one_sentence(models, folders, arguments, words):
    with pytest.raises(CommandError, match=words) as caught:
        validate(folders, "--member", "bright", *arguments)
    assert caught.value.returncode == 2


def test_no_pair_is_wrong_usage(models, folders, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match="No image has a reference"):
        validate((folders[0], tmp_path / "empty"), "--member", "bright")
