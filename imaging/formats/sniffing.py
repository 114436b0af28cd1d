"""What the web process knows of a file before any decoder sees it (stdlib only)."""

from __future__ import annotations

from imaging.formats.budgets import Budgets
from imaging.formats.markers import jpeg_frame, png_size
from imaging.formats.names import clean_name, promised_format, usual_ending
from imaging.formats.signatures import has_dicom_mark, sniff
from imaging.types import Refused

__all__ = ["READABLE", "THIS", "check_raster_size", "clean_name", "is_archive", "named", "screen"]
__all__ += ["sniff"]

THIS = "This file"  # the subject of a reader's sentence, until `named` puts the name there
READABLE = frozenset(("png", "jpeg", "tiff", "dicom", "nifti", "nifti.gz", "nrrd"))

_EXPORT = "Export the picture again as PNG, JPEG, TIFF or DICOM."
_NOUNS = {
    "png": "a PNG image",
    "jpeg": "a JPEG image",
    "tiff": "a TIFF image",
    "dicom": "a DICOM file",
    "nifti": "a NIfTI volume",
    "nifti.gz": "a compressed NIfTI volume",
    "gif": "a GIF picture",
    "svg": "an SVG drawing",
    "html": "a web page",
    "xml": "an XML document",
    "text": "text",
    "pdf": "a PDF document",
    "zip": "a ZIP archive or an office document",
    "archive": "an archive",
    "gzip": "a compressed file without a NIfTI volume",
    "exe": "a program",
    "bmp": "a BMP picture",
    "webp": "a WebP picture",
    "heif": "a HEIF picture",
    "jp2": "a JPEG 2000 picture",
    "psd": "a Photoshop file",
    "video": "a video",
    "office": "an office document",
    "hdf5": "an HDF5 file",
    "nrrd": "an NRRD volume",
    "nifti2": "a NIfTI-2 volume",
    "nifti-pair": "half of a NIfTI pair (.hdr with .img)",
    "analyze": "an Analyze 7.5 volume",
    "bigtiff": "a BigTIFF image",
    "bare-dicom": "a DICOM data set without its file header",
}
_NIFTI = "Convert it to one NIfTI-1 file (.nii or .nii.gz) or to DICOM."
_REMEDIES = {
    "gif": "Save the one picture you need as PNG.",
    "zip": "Unpack it and send the images inside.",
    "archive": "Unpack it and send the images inside.",
    "exe": "It was not opened; send the image itself.",
    "nifti2": _NIFTI,
    "nifti-pair": _NIFTI,
    "analyze": _NIFTI,
    "gzip": _NIFTI,
    "hdf5": _NIFTI,
    "bigtiff": "Save it as an ordinary TIFF or as PNG.",
    "bare-dicom": "Export it again as a DICOM file (Part 10).",
}
_UNSUPPORTED = frozenset(  # pictures and volumes, but not of a kind that is read
    _NOUNS.keys() - READABLE - {"html", "xml", "text", "pdf", "zip", "archive", "exe", "office"}
)
# what a browser would run if it were served such a file as a page
_MARKUP = (b"<script", b"<html", b"<!doctype html", b"<iframe")


def screen(head: bytes, name: str, size: int, budgets: Budgets | None = None) -> None:
    """Raise Refused for what `head`, the first 64 KiB of a file of `size` bytes, proves wrong."""
    budgets = budgets or Budgets()
    shown = f"“{clean_name(name)}”"
    _check_size(shown, size, budgets)
    kind = sniff(head)
    promised = promised_format(name)
    _check_kind(shown, kind, promised, head)
    _check_name(shown, str(kind), promised)
    _check_markup(shown, str(kind), head)
    _check_pixels(shown, str(kind), head, budgets)


def is_archive(head: bytes, name: str) -> bool:
    """Whether these are the first bytes of a ZIP archive of files, and no office document."""
    plain = promised_format(name) is None or clean_name(name).lower().endswith(".zip")
    return sniff(head) == "zip" and plain


def named(refused: Refused, name: str) -> Refused:
    """Return the same refusal with the file's clean name for its subject."""
    sentence = refused.sentence.replace(THIS, f"“{clean_name(name)}”", 1)
    return Refused(refused.code, sentence)


def _check_size(shown: str, size: int, budgets: Budgets) -> None:
    if size <= 0:
        raise Refused("empty", f"{shown} is empty (0 bytes). Send the file again.")
    if size > budgets.file_bytes:
        limit = budgets.file_bytes >> 20
        raise Refused(
            "file-too-large", f"{shown} is larger than {limit:,} MiB. Send it in smaller parts."
        )


def _check_kind(shown: str, kind: str | None, promised: str | None, head: bytes) -> None:
    if kind in READABLE:
        return
    wanted = _NOUNS[promised] if promised in READABLE else "an image"
    remedy = _remedy(kind, promised)
    if kind is None:
        raise Refused("unknown-content", f"{shown} is damaged or is not {wanted}. {remedy}")
    if kind == "exe" and has_dicom_mark(head):
        raise Refused(
            "executable-preamble",
            f"{shown} begins like a program although it is a DICOM file. "
            "Export it again with an empty preamble.",
        )
    end = ", which is not supported" if kind in _UNSUPPORTED else f", not {wanted}"
    raise Refused(f"content-{kind}", f"{shown} is {_NOUNS[kind]}{end}. {remedy}")


def _remedy(kind: str | None, promised: str | None) -> str:
    if kind in _REMEDIES:
        return _REMEDIES[kind]
    if promised in ("dicom", "nifti", "nifti.gz", "nrrd"):
        return f"Export it again as {_NOUNS[promised]}."
    return _EXPORT


def _check_name(shown: str, kind: str, promised: str | None) -> None:
    if promised in (None, kind):
        return
    raise Refused(
        "name-mismatch",
        f"{shown} is {_NOUNS[kind]}, not {_NOUNS[str(promised)]}. "
        f"Rename it to end in “{usual_ending(kind)}” and send it again.",
    )


def _check_markup(shown: str, kind: str, head: bytes) -> None:
    """Look where a browser would: a picture's comments, or the free bytes before a header."""
    scope = head[: {"dicom": 128, "nifti": 348, "nifti.gz": 0}.get(kind, len(head))].lower()
    if any(mark in scope for mark in _MARKUP):
        raise Refused(
            "hidden-markup",
            f"{shown} is {_NOUNS[kind]} that carries a web page inside. "
            "Export the image again without comments.",
        )


def _check_pixels(shown: str, kind: str, head: bytes, budgets: Budgets) -> None:
    size = png_size(head) if kind == "png" else None
    if kind == "jpeg" and (frame := jpeg_frame(head)) is not None:
        size = (frame.width, frame.height)
    if size is not None:
        check_raster_size(shown, *size, budgets)


def check_raster_size(shown: str, width: int, height: int, budgets: Budgets) -> None:
    """Raise Refused unless a picture of this size fits the budget."""
    if width <= 0 or height <= 0:
        raise Refused("no-pixels", f"{shown} states a size of {width} × {height} pixels. {_EXPORT}")
    if width * height > budgets.raster_pixels:
        raise Refused(
            "too-many-pixels",
            f"{shown} is {width:,} × {height:,} pixels; at most {budgets.megapixels} megapixels "
            "are read. Reduce it and send it again.",
        )
