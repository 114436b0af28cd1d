"""The model file of a folder: which it is, its bytes, and whether they are still the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from imaging.inference.errors import ModelFileError

if TYPE_CHECKING:
    from imaging.inference.metadata import ModelMetadata

SUFFIXES = {
    ".safetensors": "pytorch",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".onnx": "onnx",
    ".keras": "tensorflow",
    ".h5": "tensorflow",
}
CONVERTED = (".pt", ".pth", ".pt2", ".ts")
MAX_MODEL_BYTES = 2 << 30
_REFUSED = {
    ".pb": "SavedModel is not run here. Save as model.keras, or convert: "
    "python -m tf2onnx.convert --saved-model DIR --output model.onnx",
    ".tflite": "TFLite is not run here. Save as model.keras or ONNX.",
    ".ckpt": "Checkpoints with code are not read. Save model.state_dict() or ONNX.",
    ".pkl": "Pickles are not read. Save model.state_dict() or ONNX.",
    ".joblib": "Pickles are not read. Save model.state_dict() or ONNX.",
    ".pt2": "An exported program is converted at the command line. Save as ONNX.",
    ".ts": "TorchScript is converted at the command line. Save as ONNX.",
}


def model_file(folder: Path) -> Path:
    """Return the one model.* file of `folder`; ModelFileError for none, two or a wrong one."""
    owner = f"Model “{folder.name}”"
    found = sorted(path for path in folder.glob("model.*") if path.is_file())
    for path in found:
        if path.suffix in _REFUSED:
            raise ModelFileError(f"{owner}: {path.name}: {_REFUSED[path.suffix]}")
    found = [path for path in found if path.suffix in SUFFIXES]
    if (folder / "saved_model.pb").exists() or (folder / "model" / "saved_model.pb").exists():
        raise ModelFileError(f"{owner}: {_REFUSED['.pb']}")
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ModelFileError(f"{owner}: exactly one model file is needed; found: {names}.")
    return found[0]


def is_to_convert(folder: Path) -> bool:
    """Say whether the folder's one model file is converted before it is served."""
    return any((folder / f"model{ending}").is_file() for ending in CONVERTED)


def source_path(folder: Path) -> Path:
    """Return the file of a folder that `is_to_convert`."""
    return next(
        path for path in (folder / f"model{ending}" for ending in CONVERTED) if path.is_file()
    )


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_sha256(folder: Path) -> dict[str, str]:
    """Return {file: hex} of the model file as it lies there."""
    path = model_file(folder)
    return {path.name: file_sha256(path)}


def verify_files(folder: Path, metadata: ModelMetadata) -> None:
    """Raise ModelFileError, naming model and file, unless every declared hash holds.

    A metadata.json without hashes declares nothing; then only the file's kind is checked.
    """
    path = _checked_kind(folder, metadata)
    for name in {path.name, *metadata.sha256} if metadata.sha256 else ():
        target = folder / name
        if not target.is_file():
            raise ModelFileError(f"{titled(metadata)}: file {name} is missing.")
        _compare(metadata, name, file_sha256(target), metadata.sha256)


def read_verified(
    folder: Path, metadata: ModelMetadata, expected: Mapping[str, str] | None = None
) -> tuple[str, bytes, str]:
    """Return name, bytes and sha256 of the model file: read once, hashed, then used from memory.

    `expected` (a frozen run) counts beside the hashes of metadata.json; both must hold.
    """
    path = _checked_kind(folder, metadata)
    size = path.stat().st_size
    if size > MAX_MODEL_BYTES:
        raise ModelFileError(f"{titled(metadata)}: file {path.name} has {size} bytes; too large.")
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    for table in (metadata.sha256, expected or {}):
        if table:
            _compare(metadata, path.name, digest, table)
    return path.name, data, digest


def titled(metadata: ModelMetadata) -> str:
    """Return how a sentence names this model."""
    return f"Model “{metadata.name}” {metadata.version}"


def _checked_kind(folder: Path, metadata: ModelMetadata) -> Path:
    path = model_file(folder)
    framework = SUFFIXES[path.suffix]
    if framework != metadata.framework:
        raise ModelFileError(
            f"{titled(metadata)}: framework says {metadata.framework}, "
            f"but {path.name} is of {framework}."
        )
    return path


def _compare(metadata: ModelMetadata, name: str, digest: str, table: Mapping[str, str]) -> None:
    if name not in table:
        raise ModelFileError(f"{titled(metadata)}: sha256 does not list file {name}.")
    if digest != table[name]:
        raise ModelFileError(
            f"{titled(metadata)}: file {name} has changed since it was registered "
            f"(sha256 differs). Restore the file or register a new version."
        )
