"""A file name as it may be shown, and what its ending promises."""

import pytest

from imaging.formats.names import clean_name, promised_format


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("chest.png", "chest.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\chest.png", "chest.png"),
        ("/absolute/chest.png/", "chest.png"),
        ("a\x00b\x1b[31m\r\n.png", "ab[31m.png"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("\u200f\u2066chest\u2069.png", "chest.png"),
        ("line\u2028break\u2029.png", "linebreak.png"),
        ("half\ud800.png", "half.png"),
        ("  two   spaces .png ", "two spaces .png"),
        ("胸部 X線.png", "胸部 X線.png"),
        ("", "file"),
        ("..", "file"),
        ("/", "file"),
        ("\u202e", "file"),
        ("...", "file"),
    ],
)
def test_a_name_keeps_its_last_part_without_hidden_characters(sent, shown):
    assert clean_name(sent) == shown


@pytest.mark.parametrize("ending", [".png", ".nii.gz", ".dcm", "", ".averylongending"])
def test_a_long_name_is_cut_and_keeps_its_ending(ending):
    shown = clean_name("x" * 300 + ending)
    assert len(shown) == 120
    assert "…" in shown
    assert shown.endswith(ending if len(ending) < 10 else "…")


def test_a_clean_name_is_already_clean():
    for name in ("x" * 300 + ".png", "a\u202eb/c.nii.gz", "é" * 130):
        assert clean_name(clean_name(name)) == clean_name(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PNG", "png"),
        ("a.jpeg", "jpeg"),
        ("a.tif", "tiff"),
        ("a.dcm", "dicom"),
        ("a.nii", "nifti"),
        ("a.NII.GZ", "nifti.gz"),
        ("a.exe", "exe"),
        ("IMG0001", None),
        ("1.2.840.113619.2", None),
        ("a.gz", None),
    ],
)
def test_an_ending_promises_a_format(name, kind):
    assert promised_format(name) == kind
