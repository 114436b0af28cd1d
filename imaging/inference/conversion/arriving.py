"""What was sent → a model folder: a ZIP of a folder, or one weight file with a filled-in form."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imaging.inference.conversion.sorting import SAVED_MODEL, ending_of
from imaging.inference.errors import ModelFileError
from imaging.inference.fields import MAX_JSON_BYTES, read_object
from imaging.inference.golden import FILE as GOLDEN_FILE
from imaging.inference.metadata import METADATA_FILE, NAME
from imaging.inference.model_files import MAX_MODEL_BYTES

MOST_ENTRIES = 64
COMPANIONS = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")
_LEFT_OUT = (".DS_Store", "Thumbs.db")  # what a file manager adds
_PIECE = 1 << 20
_NO_METADATA = "The ZIP holds no metadata.json. Put the model's folder into it, or use the form."


def arrive(path: Path, name: str, form: Mapping[str, Any] | None, work: Path) -> Path:
    """Return a model folder below `work`. Raises ModelFileError or MetadataError.

    path   a ZIP of a folder, or with `form` (a metadata.json as an object) one weight file.
    name   what the sender called it; what it is, its content says.
    """
    if form is not None:
        return _of_form(path, name, form, work)
    return _of_zip(path, work)


def _of_form(path: Path, name: str, form: Mapping[str, Any], work: Path) -> Path:
    folder = _folder_of(work, str(form.get("name", "")))
    (folder / METADATA_FILE).write_text(json.dumps(form, ensure_ascii=False), encoding="utf-8")
    shutil.copyfile(path, folder / f"model{ending_of(path, name)}")
    return folder


def _of_zip(path: Path, work: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive)
            unpacked = work / "unpacked"
            unpacked.mkdir(parents=True)
            left = MAX_MODEL_BYTES + MAX_JSON_BYTES
            for file, entry in entries.items():
                left -= _unpack(archive, entry, unpacked / file, left)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise ModelFileError(f"The ZIP cannot be read: {error}.") from None
    record = read_object(unpacked / METADATA_FILE, "The ZIP")
    folder = _folder_of(work, str(record.get("name", "")), make=False)
    return unpacked.rename(folder)


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a flat folder by plain name; anything else is refused by name."""
    files = [
        one
        for one in archive.infolist()
        if not one.is_dir() and not one.filename.startswith("__MACOSX/")
        and one.filename.rpartition("/")[2] not in _LEFT_OUT
    ]  # fmt: skip
    if len(files) > MOST_ENTRIES:
        raise ModelFileError(f"The ZIP holds {len(files)} files; {MOST_ENTRIES} are allowed.")
    tops = {one.filename.partition("/")[0] for one in files if "/" in one.filename}
    flat = {one.filename for one in files if "/" not in one.filename}
    top = f"{tops.pop()}/" if len(tops) == 1 and not flat else ""
    found: dict[str, zipfile.ZipInfo] = {}
    for entry in files:
        name = entry.filename.removeprefix(top)
        _check_entry(entry, name)
        if name.casefold() in {one.casefold() for one in found}:
            raise ModelFileError(f"The ZIP holds “{_shown(name)}” twice.")
        found[name] = entry
    if METADATA_FILE not in found:
        raise ModelFileError(_NO_METADATA)
    return found


def _check_entry(entry: zipfile.ZipInfo, name: str) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ModelFileError(f"The ZIP holds a link, “{_shown(name)}”. Put the file itself in.")
    if "saved_model.pb" in name:
        raise ModelFileError(SAVED_MODEL)
    is_model = name.startswith("model.") and "/" not in name and "\\" not in name
    is_golden = GOLDEN_FILE.fullmatch(name) is not None
    if not (is_model or is_golden or name == METADATA_FILE or name in COMPANIONS):
        raise ModelFileError(
            f"The ZIP holds “{_shown(name)}”, which has no place in a model folder. It takes "
            "metadata.json, one model file named model.*, README.md, LICENSE and golden-*."
        )


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Write one entry, its bytes counted and never believed; return how many there were."""
    size = 0
    with archive.open(entry) as source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > left:
                raise ModelFileError("The ZIP unpacks to more than is allowed (2 GiB).")
            file.write(piece)
    return size


def _folder_of(work: Path, name: str, *, make: bool = True) -> Path:
    if not NAME.fullmatch(name):
        raise ModelFileError(
            f"metadata.json: name: “{_shown(name)}” is not a name of a-z, 0-9, dot, dash, "
            "underscore."
        )
    folder = work / "named" / name
    (folder if make else folder.parent).mkdir(parents=True)
    return folder


def _shown(name: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)[:80]
