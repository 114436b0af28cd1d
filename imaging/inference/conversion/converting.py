"""The whole conversion on one screen: what the file is, what it becomes, and that both agree."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from imaging.inference import backends
from imaging.inference.backends import torch_backend
from imaging.inference.conversion.exporting import module_to_onnx, program_to_onnx
from imaging.inference.conversion.modules import read_pickled
from imaging.inference.conversion.probing import (
    Predict,
    agreement,
    answers,
    predict_of,
    probe_grid,
    probes,
    require_declared,
)
from imaging.inference.conversion.sorting import (
    AT_THE_COMMAND_LINE,
    EXPORTED,
    HDF5,
    KERAS,
    LEGACY_PICKLE,
    ONNX,
    PICKLE,
    SAFETENSORS,
    TORCHSCRIPT,
    kind_of,
    source_file,
)
from imaging.inference.errors import ModelFileError
from imaging.inference.golden import FILE as GOLDEN_FILE
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import METADATA_FILE, ModelMetadata, read_metadata
from imaging.inference.model_files import titled

NEEDS_NETWORK = "A state dict needs `network` in metadata.json, or send ONNX."
_FRAMEWORK = {
    ".safetensors": "pytorch",
    ".onnx": "onnx",
    ".keras": "tensorflow",
    ".h5": "tensorflow",
}
_WORDS = {TORCHSCRIPT: "TorchScript", EXPORTED: "An exported program (.pt2)"}


@dataclass(frozen=True, slots=True)
class Converted:
    """What is served from now on: a file of `folder`, its metadata, and how it came to be.

    agreement   the largest difference of probabilities between original and file; None where
                the file is the original itself.
    """

    file: str
    metadata: dict[str, Any]
    notes: tuple[str, ...]
    agreement: float | None
    grid: tuple[int, ...]


@dataclass(slots=True)
class _Work:
    source: Path
    metadata: ModelMetadata
    grid: tuple[int, ...]
    out: Path
    owner: str
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def convert(folder: Path, out: Path, *, trusted: bool = False) -> Converted:
    """Convert the model of `folder` into `out`, which then is a model folder of the same name.

    `trusted`: TorchScript and exported programs, which are code, are taken too.
    Raises MetadataError or ModelFileError; nothing in the file was run where it says so.
    """
    metadata, source = read_metadata(folder), source_file(folder)
    owner = f"{titled(metadata)}: file {source.name}"
    _declared_hash_holds(metadata, source, owner)
    work = _Work(source, metadata, probe_grid(metadata), out, owner)
    kind = kind_of(source, owner)
    if kind in _WORDS and not trusted:
        raise ModelFileError(f"{owner}: {_WORDS[kind]} {AT_THE_COMMAND_LINE}")
    out.mkdir(parents=True, exist_ok=True)
    _golden_along(folder, out)
    original = _MAKERS[kind](work)
    served = _served_metadata(work)
    return _tried(work, served, original)


def _golden_along(folder: Path, out: Path) -> None:
    """Keep the golden case beside what is served: it can be run again on another machine."""
    for path in folder.iterdir():
        if GOLDEN_FILE.fullmatch(path.name) and path.is_file():
            shutil.copyfile(path, out / path.name)


def _declared_hash_holds(metadata: ModelMetadata, source: Path, owner: str) -> None:
    declared = metadata.sha256.get(source.name)
    with source.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if declared and declared != found:
        raise ModelFileError(f"{owner}: sha256 says {declared}, the file has {found}.")


def _itself(work: _Work) -> Predict | None:
    """ONNX and Keras files are served as they came: their backends check and rebuild them."""
    name = "model.h5" if work.source.suffix == ".hdf5" else work.source.name
    shutil.copyfile(work.source, work.out / name)
    return None


def _safetensors(work: _Work) -> Predict | None:
    _need_network(work)
    shutil.copyfile(work.source, work.out / "model.safetensors")
    return None


def _pickled(work: _Work) -> Predict | None:
    found = read_pickled(work.source, work.owner)
    if isinstance(found, torch.nn.Module):
        work.note(f"A whole network ({type(found).__name__}) was saved; nothing in it was run.")
        return _from_module(work, found)
    _need_network(work)
    work.note("A state dict; its tensors were copied one by one.")
    module = torch_backend.build(work.metadata)
    torch_backend.fill(work.owner, module, found)
    _write_tensors(work, found)
    return _predict(module.eval())


def _torchscript(work: _Work) -> Predict | None:
    try:
        module = torch.jit.load(str(work.source), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        raise ModelFileError(f"{work.owner} is no readable TorchScript ({error})."[:400]) from None
    work.note("TorchScript, which is code: run once, to be converted.")
    return _from_module(work, module)


def _exported(work: _Work) -> Predict | None:
    try:
        program = torch.export.load(work.source)
    except Exception as error:  # torch.export raises classes of its own
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelFileError(f"{work.owner} is no readable exported program ({reason}).") from None
    work.note("An exported program, which is code: run once, to be converted to ONNX.")
    (work.out / "model.onnx").write_bytes(program_to_onnx(program, work.metadata))
    return _predict(program.module())


def _from_module(work: _Work, module: torch.nn.Module) -> Predict:
    """With `network`: its tensors, strictly; without: ONNX."""
    if work.metadata.network is not None:
        state = torch_backend.state_dict_of(work.owner, dict(module.state_dict()))
        torch_backend.fill(work.owner, torch_backend.build(work.metadata), state)
        _write_tensors(work, state)
    else:
        data = module_to_onnx(module, work.metadata, work.grid)
        (work.out / "model.onnx").write_bytes(data)
        work.note("Exported to ONNX, since metadata.json names no network.")
    return _predict(module)


_MAKERS: dict[str, Callable[[_Work], Predict | None]] = {
    SAFETENSORS: _safetensors,
    PICKLE: _pickled,
    LEGACY_PICKLE: _pickled,
    TORCHSCRIPT: _torchscript,
    EXPORTED: _exported,
    ONNX: _itself,
    KERAS: _itself,
    HDF5: _itself,
}


def _need_network(work: _Work) -> None:
    if work.metadata.network is None:
        raise ModelFileError(f"{work.owner}: {NEEDS_NETWORK}")


def _write_tensors(work: _Work, state: dict[str, torch.Tensor]) -> None:
    # two names may share memory, which safetensors refuses to guess about
    own = {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}
    safetensors.torch.save_file(own, work.out / "model.safetensors")


def _predict(module: Any) -> Predict:
    def run(batch: FloatArray) -> FloatArray | list[FloatArray]:
        with torch.no_grad():
            output = module(torch.from_numpy(np.ascontiguousarray(batch)))
        if isinstance(output, torch.Tensor):
            return np.asarray(output.float().numpy(), dtype=np.float32)
        return [np.asarray(one.float().numpy(), dtype=np.float32) for one in output]

    return run


def _served_metadata(work: _Work) -> ModelMetadata:
    """Write the metadata.json of what is served, and read it as any other."""
    file = _only_file(work.out)
    record = dict(work.metadata.raw)
    framework = _FRAMEWORK[file.suffix]
    if framework != work.metadata.framework and file.name == work.source.name:
        raise ModelFileError(
            f"{titled(work.metadata)}: framework says {work.metadata.framework}, "
            f"but {file.name} is of {framework}."
        )
    if framework != "pytorch":
        record.pop("network", None)
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    record |= {"framework": framework, "sha256": {file.name: digest}}
    text = json.dumps(record, ensure_ascii=False, indent=2)
    (work.out / METADATA_FILE).write_text(text + "\n", encoding="utf-8")
    return read_metadata(work.out)


def _only_file(out: Path) -> Path:
    (found,) = out.glob("model.*")
    return found


def _tried(work: _Work, served: ModelMetadata, original: Predict | None) -> Converted:
    """Load what is served as any run will, run the probes, compare with the original."""
    predict = predict_of(backends.load(work.out, served, "cpu").predictor, served)
    inputs = probes(served, work.grid)
    for batch in inputs:
        require_declared(answers(predict, served, batch), served)
    worst = agreement(original, predict, served, inputs) if original else None
    if worst is not None:
        work.note(f"Three probes agree with the original within {worst:.1g}.")
    return Converted(
        file=_only_file(work.out).name,
        metadata=dict(served.raw),
        notes=tuple(work.notes),
        agreement=worst,
        grid=work.grid,
    )
