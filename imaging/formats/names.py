"""File names as they may be shown, and what they promise of the content (stdlib only)."""

from __future__ import annotations

import unicodedata

MAX_NAME = 120
NO_NAME = "file"

# format promised by an ending; the upper part is what MediScan reads
_ENDINGS = {
    "png": ("png", "apng"),
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "tiff": ("tif", "tiff"),
    "dicom": ("dcm", "dicom", "dic"),
    "nifti": ("nii",),
    "nifti.gz": ("nii.gz",),
    "gif": ("gif",),
    "svg": ("svg", "svgz"),
    "html": ("html", "htm", "xhtml", "shtml", "php"),
    "pdf": ("pdf",),
    "zip": ("zip", "jar", "docx", "xlsx", "pptx", "odt", "apk"),
    "exe": ("exe", "dll", "com", "scr", "msi", "sh", "bat", "cmd", "ps1", "js", "vbs", "py"),
    "text": ("txt", "csv", "tsv", "md", "log", "json"),
    "xml": ("xml",),
    "bmp": ("bmp",),
    "webp": ("webp",),
    "heif": ("heic", "heif", "avif"),
    "video": ("mp4", "mov", "avi", "mkv", "webm"),
    "nrrd": ("nrrd", "nhdr"),
}
_PROMISES = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings}


def clean_name(name: str) -> str:
    """Return the last part of `name` without control or direction marks; 1 to 120 characters.

    A shortened name keeps its ending, so that a person knows the file again.
    """
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    visible = "".join(character for character in last if _is_visible(character))
    tidy = " ".join(unicodedata.normalize("NFC", visible).split())
    if not tidy.strip(". "):
        return NO_NAME
    return _shorten(tidy)


def promised_format(name: str) -> str | None:
    """Return the format that the ending of `name` promises, or None if it promises nothing."""
    parts = clean_name(name).lower().split(".")
    if len(parts) < 2:
        return None
    return _PROMISES.get(".".join(parts[-2:])) or _PROMISES.get(parts[-1])


def usual_ending(kind: str) -> str:
    """Return the ending that files of this format usually have, with its dot."""
    return f".{_ENDINGS[kind][0]}"


def _is_visible(character: str) -> bool:
    """False for controls, direction marks, surrogates, private use, line breaks."""
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")


def _shorten(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or not 0 < len(ending) <= 10:
        return name[: MAX_NAME - 1] + "…"
    if stem.lower().endswith(".nii"):
        stem, ending = stem[:-4], f"{stem[-3:]}.{ending}"
    return f"{stem[: MAX_NAME - len(ending) - 2]}….{ending}"
