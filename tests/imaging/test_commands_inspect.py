"""`manage.py inspect`: what a file is, or one plain sentence; nothing is stored."""

import contextlib
import json
import zipfile

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from tests.formats.series import ct_series, voxels, written
from tests.imaging.tiny_models import picture, write_png

pytestmark = pytest.mark.engine


def inspect(*arguments):
    call_command("inspect", *map(str, arguments))


def outcomes(capsys, *arguments):
    with pytest.raises(CommandError) as caught:
        inspect(*arguments, "--json")
    assert caught.value.returncode == 1
    return {one["file"].rsplit("/")[-1]: one for one in json.loads(capsys.readouterr().out)}


def test_a_picture_is_described(tmp_path, capsys):
    write_png(tmp_path / "a.png", picture()[:32])
    Image.fromarray(np.full((5, 7), 60_000, np.uint16)).save(tmp_path / "b.tif")
    inspect(tmp_path, "--json")
    first, second = json.loads(capsys.readouterr().out)
    assert (first["outcome"], first["format"], first["modality"]) == ("accepted", "png", "")
    assert (first["width"], first["height"], first["frames"], first["bits"]) == (64, 32, 1, 8)
    assert (first["spacing_mm"], first["warnings"]) == (None, [])
    assert (second["format"], second["bits"], second["width"]) == ("tiff", 16, 7)


def test_a_dicom_is_described_and_says_nothing_of_the_patient(capsys):
    from pydicom.data import get_testdata_file

    path = get_testdata_file("CT_small.dcm")
    inspect(path, "--json")
    printed = capsys.readouterr().out
    (one,) = json.loads(printed)
    assert (one["format"], one["modality"], one["width"], one["height"]) == (
        "dicom",
        "CT",
        128,
        128,
    )
    assert one["spacing_mm"][1:] == pytest.approx([0.661468, 0.661468])
    assert one["orientation"] == "LPS axial"
    assert "CompressedSamples" not in printed


def test_the_slices_of_a_series_are_one_volume_of_many_files(tmp_path, capsys):
    written(tmp_path, ct_series())
    write_png(tmp_path / "a.png", picture())
    inspect(tmp_path, "--json")
    single, volume = json.loads(capsys.readouterr().out)
    assert single["format"] == "png"
    assert (volume["frames"], volume["spacing_mm"]) == (6, [2.5, 0.8, 0.6])
    assert [name.rsplit("/")[-1] for name in volume["files"]] == [f"{n}.dcm" for n in range(6)]
    inspect(tmp_path, "--json", "--each")
    assert [one["frames"] for one in json.loads(capsys.readouterr().out)] == [1] * 7


def test_an_archive_is_what_lies_in_it(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "cd.zip", "w") as archive:
        for number, data in enumerate(ct_series(voxels(3))):
            archive.writestr(f"dir{number}/IM1", data)
        archive.writestr("a.txt", "words " * 90)
    with pytest.raises(CommandError, match="1 of 3 refused"):
        inspect(tmp_path, "--json")
    listed, text, volume = json.loads(capsys.readouterr().out)
    assert (listed["outcome"], listed["count"]) == ("listed", 4)
    assert (text["file"].rsplit("/", 2)[1:], text["code"]) == (["cd.zip", "a.txt"], "content-text")
    assert (volume["frames"], len(volume["files"])) == (3, 3)
    with pytest.raises(CommandError):
        inspect(tmp_path)
    assert "3 slices of 3 files" in capsys.readouterr().out


def test_the_table_is_for_people(tmp_path, capsys):
    write_png(tmp_path / "a.png", picture())
    inspect(tmp_path / "a.png")
    printed = capsys.readouterr().out
    assert "accepted" in printed
    assert "64×64" in printed


def test_bad_files_are_refused_one_by_one_in_words(tmp_path, capsys):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture at all")
    good = write_png(tmp_path / "good.png", picture()).read_bytes()
    (tmp_path / "cut.png").write_bytes(good[: len(good) // 2])
    (tmp_path / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    frames = [Image.new("L", (8, 8), grey) for grey in (0, 255)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    Image.new("1", (13_000, 13_000)).save(tmp_path / "bomb.png", optimize=True)
    (tmp_path / "program.dcm").write_bytes(b"MZ" + bytes(200))
    found = outcomes(capsys, tmp_path)
    assert found.pop("good.png")["outcome"] == "accepted"
    assert {one["outcome"] for one in found.values()} == {"refused"}
    for one in found.values():
        assert one["code"]
        assert one["reason"].endswith(".")
        assert "Traceback" not in one["reason"]
    assert len({one["reason"] for one in found.values()}) == len(found) == 7


@pytest.mark.parametrize("name", ["a\x1b[2Jb.png", "x\u202egnp.png", "n\new.png", "ü" * 100])
def test_a_hostile_name_does_not_move_the_cursor(tmp_path, capsys, name):
    write_png(tmp_path / name, picture())
    with contextlib.suppress(CommandError):  # some names promise another kind of file
        inspect(tmp_path)
    printed = capsys.readouterr().out
    assert not set("\x1b\u202e") & set(printed)
    assert len(printed.splitlines()) <= 3


def test_a_file_that_cannot_be_opened_is_refused(tmp_path, capsys, monkeypatch):
    path = write_png(tmp_path / "a.png", picture())

    def copyfile(source, target):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("imaging.terminal.work.shutil.copyfile", copyfile)
    found = outcomes(capsys, path)
    assert found["a.png"]["reason"] == "The file cannot be opened: Permission denied."


def test_links_in_a_folder_are_not_followed(tmp_path, capsys):
    outside = write_png(tmp_path / "outside" / "a.png", picture())
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link.png").symlink_to(outside)
    inspect(tmp_path / "in", "--json")
    assert json.loads(capsys.readouterr().out) == []


def test_what_is_not_there_is_wrong_usage(tmp_path):
    with pytest.raises(CommandError, match="There is no file or folder") as caught:
        inspect(tmp_path / "gone.png")
    assert caught.value.returncode == 2
