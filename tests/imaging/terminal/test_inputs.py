"""Which files are taken, and where each one's output goes."""

from pathlib import Path

import pytest

from imaging.terminal.inputs import as_inputs, clean_path, files_under, images_under, stem
from imaging.terminal.pairs import pairs_by_stem

PNG = b"\x89PNG\r\n\x1a\n"


def make(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_dot_", ".")).write_bytes(content)
    return folder


def test_folders_are_walked_in_order_and_nothing_is_taken_twice(tmp_path):
    make(tmp_path / "b", z_dot_png=PNG, a_dot_png=PNG)
    make(tmp_path / "b" / "deep", c_dot_png=PNG)
    make(tmp_path / ".hidden", d_dot_png=PNG)
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    found = files_under([tmp_path / "b" / "z.png", tmp_path])
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "b/z.png", "b/a.png", "b/deep/c.png",
    ]  # fmt: skip


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file or folder .*gone"):
        files_under([tmp_path / "gone"])


def test_a_list_beside_the_pictures_is_passed_over_but_what_is_named_is_taken(tmp_path):
    make(tmp_path, a_dot_png=b"", b=PNG, labels_dot_csv=b"file,label\n", dicom=bytes(128) + b"DICM")
    taken, passed = images_under([tmp_path])
    assert [path.name for path in taken] == ["a.png", "b", "dicom"]
    assert [path.name for path in passed] == ["labels.csv"]
    taken, passed = images_under([tmp_path / "labels.csv"])
    assert (len(taken), passed) == (1, [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "a"),
        ("a.b.NII.GZ", "a.b"),
        ("1.2.840.10008.5", "1.2.840.10008.5"),
        ("..png", "file"),
        ("...", "file"),
        (".png", "png"),
        ("a\u202egnp.png", "agnp"),
    ],
)
def test_a_stem_is_a_plain_name(name, expected):
    assert stem(Path("x") / name) == expected


def test_a_stem_can_never_leave_the_output_folder():
    for name in ("..", "../..", "/", "a/../b.png"):
        assert "/" not in stem(Path(name))
        assert stem(Path(name)) not in ("", ".", "..")


def test_equal_stems_get_folders_of_their_own():
    inputs = as_inputs([Path("a/x.png"), Path("b/x.png"), Path("b/X.dcm"), Path("x-2.png")])
    outputs = [one.output for one in inputs]
    assert outputs[:2] == ["x", "x-2"]
    assert len({output.casefold() for output in outputs}) == 4


def test_a_name_cannot_move_the_cursor():
    assert clean_path(Path("a\x1b[2Jb\nc")) == "a\ufffd[2Jb\ufffdc"


def test_pairs_are_matched_by_stem_and_loners_are_told(tmp_path):
    images = make(tmp_path / "i", a_dot_png=PNG, b_dot_dcm=PNG, c_dot_png=PNG)
    references = make(tmp_path / "r", a_dot_png=PNG, b_dot_png=PNG, d_dot_png=PNG)
    found = pairs_by_stem(images, references)
    assert [(a.name, b.name) for a, b in found.pairs] == [("a.png", "a.png"), ("b.dcm", "b.png")]
    assert [path.name for path in found.images_alone] == ["c.png"]
    assert [path.name for path in found.references_alone] == ["d.png"]


def test_two_references_of_one_stem_are_refused(tmp_path):
    images = make(tmp_path / "i", a_dot_png=PNG)
    references = make(tmp_path / "r", a_dot_png=PNG, a_dot_tif=PNG)
    with pytest.raises(ValueError, match="have the same stem"):
        pairs_by_stem(images, references)
