"""What a model file is, by its content; the name only decides where content says too little."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from imaging.inference.errors import ModelFileError
from imaging.inference.model_files import MAX_MODEL_BYTES

SAFETENSORS, ONNX, HDF5, KERAS = "safetensors", "onnx", "hdf5", "keras"
PICKLE, LEGACY_PICKLE = "pickle", "legacy-pickle"
TORCHSCRIPT, EXPORTED = "torchscript", "exported-program"
ENDINGS = {
    SAFETENSORS: ".safetensors", ONNX: ".onnx", HDF5: ".h5", KERAS: ".keras",
    PICKLE: ".pt", LEGACY_PICKLE: ".pt", TORCHSCRIPT: ".ts", EXPORTED: ".pt2",
}  # fmt: skip
MOST_ENTRIES = 100_000
SAVED_MODEL = (
    "SavedModel is not run here. Save as model.keras, or convert: "
    "python -m tf2onnx.convert --saved-model DIR --output model.onnx"
)
AT_THE_COMMAND_LINE = (
    "is code, so it is converted at the command line only: manage.py import_model PATH. "
    "Or save model.state_dict() or ONNX."
)
_TFLITE = "TFLite is not run here. Save as model.keras or ONNX."
_NOT_READ = "Checkpoints and pickles of this kind are not read. Save model.state_dict() or ONNX."
_BY_NAME = {
    ".pb": SAVED_MODEL, ".tflite": _TFLITE,
    **dict.fromkeys((".ckpt", ".pkl", ".pickle", ".joblib", ".dill", ".npy", ".npz"), _NOT_READ),
}  # fmt: skip


def source_file(folder: Path) -> Path:
    """Return the one model.* file of a folder. Raises ModelFileError for none, two, or a kind
    that is refused by its very name."""
    owner = f"Model “{folder.name}”"
    if any((folder / place).exists() for place in ("saved_model.pb", "model/saved_model.pb")):
        raise ModelFileError(f"{owner}: {SAVED_MODEL}")
    found = sorted(path for path in folder.glob("model.*") if path.is_file())
    for path in found:
        refuse_by_name(path, owner)
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ModelFileError(f"{owner}: exactly one model file is needed; found: {names}.")
    return found[0]


def refuse_by_name(path: Path, owner: str) -> None:
    if reason := _BY_NAME.get(path.suffix.lower()):
        raise ModelFileError(f"{owner}: {path.name}: {reason}")


def ending_of(path: Path, name: str) -> str:
    """Return the ending that the file's content has here, whatever `name` ends in.

    What is refused by its very name keeps its ending, to be refused.
    """
    given = Path(name).suffix.lower()
    return given if given in _BY_NAME else ENDINGS[kind_of(path, name, given)]


def kind_of(path: Path, owner: str, ending: str = "") -> str:
    """Return which of the kinds above the file is. Raises ModelFileError for any other.

    ending   how its sender's name for it ends, where it is not the path's own.
    """
    ending = ending or path.suffix.lower()
    size = path.stat().st_size
    if size > MAX_MODEL_BYTES:
        raise ModelFileError(f"{owner}: {path.name} has {size} bytes; {MAX_MODEL_BYTES} allowed.")
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return HDF5
    if head.startswith(b"PK\x03\x04") or zipfile.is_zipfile(path):
        return _kind_of_zip(path, owner)
    if head[4:8] == b"TFL3":
        raise ModelFileError(f"{owner}: {path.name}: {_TFLITE}")
    if _is_safetensors(head, size):
        return SAFETENSORS
    if head[:1] == b"\x80" or ending in (".pt", ".pth"):
        return LEGACY_PICKLE
    if ending == ".onnx":
        return ONNX
    raise ModelFileError(f"{owner}: {path.name} is no model file that is known here.")


def _kind_of_zip(path: Path, owner: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise ModelFileError(f"{owner}: {path.name} is a damaged archive.") from None
    names = [entry.filename for entry in entries]
    if len(names) > MOST_ENTRIES or len(set(names)) != len(names):
        raise ModelFileError(f"{owner}: {path.name} lists an entry twice, or too many of them.")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_MODEL_BYTES:
        raise ModelFileError(
            f"{owner}: {path.name} unpacks to {unpacked} bytes; {MAX_MODEL_BYTES} allowed."
        )
    inner = {name.partition("/")[2] for name in names}
    if "config.json" in names and "model.weights.h5" in names:
        return KERAS
    if any(name.rpartition("/")[2] == "saved_model.pb" for name in names):
        raise ModelFileError(f"{owner}: {path.name}: {SAVED_MODEL}")
    if any(one.startswith("code/") for one in inner):
        return TORCHSCRIPT
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        return EXPORTED
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ModelFileError(
            f"{owner}: {path.name} is compressed, which PyTorch never writes. Save it again."
        )
    if "data.pkl" in inner:
        return PICKLE
    raise ModelFileError(f"{owner}: {path.name} is an archive of no kind that is known here.")


def _is_safetensors(head: bytes, size: int) -> bool:
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= length <= size - 8


def header_of(path: Path) -> dict[str, object]:
    """Return the JSON header of a safetensors file, read as text: names, types and shapes."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        found = json.loads(file.read(min(length, 100 << 20)))
    return found if isinstance(found, dict) else {}
