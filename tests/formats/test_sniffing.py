"""What 64 KiB tell: the kind of file by its content, and what is wrong with it already."""

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from imaging.formats.budgets import Budgets
from imaging.formats.sniffing import screen, sniff
from imaging.types import Refused
from tests.formats import factories as make
from tests.formats.conftest import assert_plain

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'
HTML = b"<!DOCTYPE html><html><body>x</body></html>"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40)
BMP = b"BM" + struct.pack("<IHHI", 70, 0, 0, 54) + bytes(56)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (make.png_file(), "png"),
        (make.jpeg_file(), "jpeg"),
        (make.tiff_file(), "tiff"),
        (make.animated_file("GIF"), "gif"),
        (make.dicom_file(), "dicom"),
        (make.nifti_file(), "nifti"),
        (make.nifti_file(packed=True), "nifti.gz"),
        (gzip.compress(b"anything", mtime=0), "gzip"),
        (SVG, "svg"),
        (b"\xef\xbb\xbf  <svg></svg>", "svg"),
        (HTML, "html"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"%PDF-1.7\n", "pdf"),
        (b"PK\x03\x04" + bytes(30), "zip"),
        (b"MZ\x90\x00" + bytes(60), "exe"),
        (b"\x7fELF\x02\x01" + bytes(60), "exe"),
        (b"#!/bin/sh\nrm -rf /\n", "exe"),
        (b"notes of the ward\n", "text"),
        ("Befund: unauffällig".encode("latin-1"), "text"),
        ("Befund".encode("utf-16"), "text"),
        (WEBP, "webp"),
        (BMP, "bmp"),
        (b"NRRD0004\n# x", "nrrd"),
        (b"II+\x00\x08\x00\x00\x00", "bigtiff"),
        (make.dicom_file()[132:], "bare-dicom"),
        (make.nifti_header(magic=b"ni1\x00"), "nifti-pair"),
        (struct.pack("<i", 540) + b"n+2\x00" + bytes(600), "nifti2"),
        (b"", None),
        (bytes(4096), None),
        (bytes(range(256)) * 20, None),
    ],
)
def test_the_kind_is_read_from_the_content(head, kind):
    assert sniff(head) == kind


def refused(head: bytes, name: str, size: int | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        screen(head, name, len(head) if size is None else size)
    assert_plain(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("head", "name", "code", "words"),
    [
        (b"", "a.png", "empty", "empty (0 bytes)"),
        (b"hello\n", "notes.png", "content-text", "is text, not a PNG image. Export the picture"),
        (SVG, "a.svg", "content-svg", "an SVG drawing, which is not supported"),
        (SVG, "a.png", "content-svg", "an SVG drawing"),
        (HTML, "a.jpg", "content-html", "a web page, not a JPEG image"),
        (make.animated_file("GIF"), "a.gif", "content-gif", "Save the one picture you need"),
        (make.animated_file("GIF"), "a.png", "content-gif", "a GIF picture"),
        (b"%PDF-1.7", "a.pdf", "content-pdf", "a PDF document, not an image"),
        (b"PK\x03\x04", "a.zip", "content-zip", "Unpack it"),
        (b"MZ\x90\x00", "a.dcm", "content-exe", "a program, not a DICOM file. It was not opened"),
        (bytes(500), "a.dcm", "unknown-content", "Export it again as a DICOM file"),
        (bytes(500), "a", "unknown-content", "is damaged or is not an image"),
        (make.jpeg_file(), "a.png", "name-mismatch", "Rename it to end in “.jpg”"),
        (make.png_file(), "a.exe", "name-mismatch", "is a PNG image, not a program"),
        (make.png_file(), "a.html", "name-mismatch", "a PNG image, not a web page"),
        (make.dicom_file(), "a.jpg", "name-mismatch", "Rename it to end in “.dcm”"),
        (make.nifti_file(packed=True), "a.nii", "name-mismatch", "“.nii.gz”"),
        (
            make.png_with_chunk(b"tEXt", b"Comment\x00<SCRIPT>x</script>"),
            "a.png",
            "hidden-markup",
            "carries a web page inside",
        ),
        (
            b"<html>".ljust(128) + make.dicom_file()[128:],
            "a.dcm",
            "hidden-markup",
            "carries a web page",
        ),
        (make.png_of_zeros(13_000, 13_000), "a.png", "too-many-pixels", "13,000 × 13,000"),
    ],
)
def test_what_the_head_proves_wrong_is_refused_with_a_remedy(head, name, code, words):
    answer = refused(head, name)
    assert answer.code == code
    assert words in answer.sentence
    assert answer.sentence.startswith("“a" if name != "notes.png" else "“notes.png”")


@pytest.mark.parametrize("magic", [b"MZ\x90\x00", b"\x7fELF", b"#!/bin/sh\n", b"\xcf\xfa\xed\xfe"])
def test_a_dicom_file_that_begins_as_a_program_is_refused(magic):
    data = make.dicom_file()
    assert refused(magic + data[len(magic) :], "a.dcm").code == "executable-preamble"


def test_a_tiff_preamble_of_a_dicom_file_is_allowed():
    screen(b"II*\x00" + make.dicom_file()[4:], "a.dcm", 4000)


def test_the_sentence_shows_the_clean_name():
    sentence = refused(b"text", "../../a\u202e\x00b" + "x" * 300 + ".png").sentence
    assert sentence.startswith("“abxxx")
    assert "….png” is text" in sentence


def test_a_file_over_the_budget_is_refused():
    assert refused(make.png_file(), "a.png", size=3 << 30).code == "file-too-large"
    with pytest.raises(Refused, match="at most 0 megapixels"):
        screen(make.png_file(), "a.png", 500, Budgets(raster_pixels=100))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (make.png_file(), "a.png"),
        (make.png_file(), "IMG_0001"),
        (make.jpeg_file(), "a.JPG"),
        (make.tiff_file(), "a.tiff"),
        (make.dicom_file(), "1.2.840.113619"),
        (make.nifti_file(), "a.nii"),
        (make.nifti_file(packed=True), "a.nii.gz"),
    ],
)
def test_good_files_pass(data, name):
    screen(data[: 64 * 1024], name, len(data))


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("imaging.formats.sniffing", ("numpy", "PIL", "pydicom", "nibabel", "cv2", "django")),
        ("imaging.formats.png", ("PIL", "pydicom", "nibabel", "cv2", "django", "torch")),
        ("imaging.formats.window", ("PIL", "pydicom", "nibabel", "cv2", "django", "torch")),
        ("imaging.formats.reading", ("PIL", "pydicom", "nibabel", "cv2", "django", "torch")),
    ],
)
def test_what_the_web_process_imports_stays_light(module, never):
    code = f"import sys, {module}; print(*sys.modules)"
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert not set(never) & set(loaded.stdout.split())
