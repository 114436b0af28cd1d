"""Which files a command works on, and under which name each one's output lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imaging.formats.names import NO_NAME, clean_name
from imaging.formats.sniffing import sniff

IMAGE_ENDINGS = (
    *(".nii.gz", ".nii", ".nrrd", ".dcm", ".dicom", ".ima"),
    *(".png", ".jpg", ".jpeg", ".tif", ".tiff"),
)
_IMAGE_KINDS = {"png", "jpeg", "tiff", "dicom", "nifti", "nifti.gz", "nrrd"}
_HEAD = 1024


@dataclass(frozen=True, slots=True)
class Input:
    """One file, how it is called in messages and tables, and the name of its output folder.

    more   the other files of its series; what they show together is one volume.
    """

    path: Path
    label: str
    output: str
    more: tuple[Path, ...] = ()


def files_under(paths: Iterable[Path]) -> list[Path]:
    """Return the files named, and all files below the folders named, sorted, each once.

    Hidden files and links inside folders are passed over.
    Raises: FileNotFoundError for a path that is not there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(f"There is no file or folder {clean_path(path)}.")
        for file in _walk(path) if path.is_dir() else [path]:
            found.setdefault(file)
    return list(found)


def images_under(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Return what is to be analysed, and what was passed over.

    A file that is named is always taken. A file inside a folder is passed over when neither
    its content nor its name says that it is an image: a list or a licence beside the pictures.
    """
    named = {path for path in paths if not path.is_dir()}
    taken, passed = [], []
    for file in files_under(paths):
        (taken if file in named or _may_be_image(file) else passed).append(file)
    return taken, passed


def as_inputs(files: Iterable[Path | Sequence[Path]]) -> list[Input]:
    """Give every file, or series, an output name of its own: its stem, then stem-2, stem-3…"""
    used: set[str] = set()
    inputs = []
    for one in files:
        first, *more = [one] if isinstance(one, Path) else one
        label = clean_path(first) + (f" and {len(more)} more" if more else "")
        inputs.append(Input(first, label, _free_name(stem(first), used), tuple(more)))
    return inputs


def stem(path: Path) -> str:
    """Return the name without its image ending; a UID keeps its dots. Safe as a folder's name."""
    name = clean_name(path.name)
    for ending in IMAGE_ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            name = name[: -len(ending)]
            break
    return clean_name(name).strip(". ") or NO_NAME


def clean_path(path: Path) -> str:
    """Return a path as it may be printed: nothing that moves a terminal's cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(path))


def _walk(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            found += _walk(path)
        elif path.is_file():
            found.append(path)
    return found


def _may_be_image(file: Path) -> bool:
    if file.name.lower().endswith(IMAGE_ENDINGS):
        return True
    with file.open("rb") as stream:
        return sniff(stream.read(_HEAD)) in _IMAGE_KINDS


def _free_name(wanted: str, used: set[str]) -> str:
    name, number = wanted, 1
    while name.casefold() in used:  # some file systems do not tell A from a
        number += 1
        name = f"{wanted}-{number}"
    used.add(name.casefold())
    return name
