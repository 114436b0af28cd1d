"""Taking a model in: the engine child converts, tries and times it, the store keeps it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import User
from imaging.engine.client import convert_engine
from imaging.engine.scratch import scratch_folder
from imaging.inference.errors import ModelFileError
from imaging.inference.metadata import METADATA_FILE, ModelMetadata, read_metadata
from imaging.inference.metadata_card import card_missing
from imaging.inference.model_files import MAX_MODEL_BYTES
from imaging.inference.spec import why_not_runnable
from imaging.models import ModelOrigin, ModelState, ModelVersion
from imaging.registry.goldens import golden_problem
from imaging.registry.manifest import manifest_sign
from imaging.registry.states import model_quarantine
from imaging.registry.store import folder_drop, folder_keep, folder_of
from imaging.types import InferenceError

CONFIRM = "Drafted from a bundle: look through its labels, shapes and preparation, then confirm it."
_ROOM_FACTOR = 4  # the file, its copy, what it becomes, its export for the timing
_ROOM_BYTES = 64 << 20
_COMPANIONS = ("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """What is to be taken in.

    path      a model folder, a ZIP of one, or with `form` one weight file.
    trusted   an operator vouches for it at the command line: TorchScript and .pt2 are taken.
    draft     a person must confirm it before anybody can approve it.
    """

    path: Path
    name: str = ""
    form: Mapping[str, Any] | None = None
    trusted: bool = False
    draft: bool = False
    user: User | None = None


def model_take(
    sent: Sent,
    *,
    on_progress: Progress | None = None,
    on_wait: Callable[[], None] | None = None,
    trace: str = "-",
) -> ModelVersion:
    """Convert and keep one model; return its row, checked or with what it still lacks.

    No transaction is open meanwhile. Raises InferenceError (refused, in words), EngineError.
    """
    with scratch_folder(room_bytes=_ROOM_BYTES + _ROOM_FACTOR * _size(sent.path)) as scratch:
        arrived = _into(scratch, sent)
        with convert_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB) as engine:
            answer = engine.call(
                "convert",
                timeout_s=settings.ENGINE_CALL_TIMEOUT_S,
                on_progress=on_progress,
                on_wait=on_wait,
                trace=trace,
                path=str(arrived),
                name=sent.name or sent.path.name,
                form=dict(sent.form) if sent.form is not None else None,
                trusted=sent.trusted,
                out_dir=str(scratch / "out"),
            )["model"]
        made = scratch / "out" / answer["name"]
        return _kept(sent, arrived, made, answer)


def model_look(
    sent: Sent,
    *,
    on_progress: Progress | None = None,
    on_wait: Callable[[], None] | None = None,
    trace: str = "-",
) -> dict[str, Any]:
    """Return what a weight file says of itself; nothing of it is kept.

    Raises InferenceError (refused, in words), EngineError.
    """
    with scratch_folder(room_bytes=_ROOM_BYTES + 2 * _size(sent.path)) as scratch:
        arrived = _into(scratch, sent)
        with convert_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB) as engine:
            return engine.call(
                "look", timeout_s=settings.ENGINE_CALL_TIMEOUT_S, on_progress=on_progress,
                on_wait=on_wait, trace=trace, path=str(arrived), name=sent.name,
            )["told"]  # fmt: skip


def model_golden(model: ModelVersion) -> ModelVersion:
    """Run a registered model's golden case on this machine, and keep its outcome.

    One that fails is quarantined with the numbers; one that passes again is let back in by the
    next sync. No transaction is open meanwhile. Raises EngineError.
    """
    folder = folder_of(model)
    with scratch_folder(room_bytes=_ROOM_BYTES + 2 * _size(folder)) as scratch:
        arrived = _into(scratch, Sent(folder))
        with convert_engine(memory_mb=settings.ENGINE_MEMORY_CAP_MB) as engine:
            found = engine.call("golden", timeout_s=settings.ENGINE_CALL_TIMEOUT_S,
                                root=str(arrived.parent), name=model.name)["golden"]  # fmt: skip
    model.facts = {**model.facts, "golden": found}
    with transaction.atomic():
        ModelVersion.objects.filter(pk=model.pk).update(facts=model.facts)
        if problem := golden_problem(model.facts):
            model_quarantine(model=model, problem=problem)
    return model


def _kept(sent: Sent, arrived: Path, made: Path, answer: Mapping[str, Any]) -> ModelVersion:
    """Move what the child made into the store and write its row: both or neither."""
    metadata = _believed(made, answer)
    if ModelVersion.objects.filter(name=metadata.name, version=metadata.version).exists():
        raise _exists(metadata)
    _companions(arrived, made)
    try:
        folder_keep(made, metadata.name, metadata.version, _originals(arrived))
    except FileExistsError:
        raise _exists(metadata) from None
    try:
        return _registered(sent, metadata, answer, _facts_of(arrived, sent, answer))
    except BaseException as error:
        folder_drop(metadata.name, metadata.version)
        if isinstance(error, IntegrityError):
            raise _exists(metadata) from None
        raise


def _believed(made: Path, answer: Mapping[str, Any]) -> ModelMetadata:
    """Read what the child wrote as if it were anybody's; the hash is taken here, not believed."""
    metadata = read_metadata(made)
    with (made / answer["file"]).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if dict(metadata.sha256) != {answer["file"]: digest}:
        raise ModelFileError(f"Model “{metadata.name}”: its file changed while it was converted.")
    return metadata


@transaction.atomic
def _registered(
    sent: Sent, metadata: ModelMetadata, answer: Mapping[str, Any], facts: dict[str, Any]
) -> ModelVersion:
    failed = golden_problem(facts)
    problem = failed or (CONFIRM if sent.draft else why_not_ready(metadata))
    model = ModelVersion(
        name=metadata.name,
        version=metadata.version,
        type=metadata.type,
        framework=metadata.framework,
        modalities=list(metadata.modality),
        labels=list(metadata.findings),
        threshold=metadata.threshold,
        metadata=dict(metadata.raw),
        sha256=dict(metadata.sha256),
        origin=ModelOrigin.STORE,
        added_by=sent.user,
        facts=facts,
        state=_state_of(problem, failed=bool(failed)),
        problem=problem[:500],
    )
    model.signature = manifest_sign(model)
    model.save(force_insert=True)
    audit.record(sent.user, "model.register", model)
    audit.record(sent.user, f"model.{model.state}", model, reason=model.problem)
    return model


def _state_of(problem: str, *, failed: bool) -> ModelState:
    if failed:
        return ModelState.QUARANTINED
    return ModelState.DRAFT if problem else ModelState.CHECKED


def why_not_ready(metadata: ModelMetadata) -> str:
    """Return what keeps a converted model from being approved, "" when nothing does."""
    missing = ", ".join(card_missing(metadata.card))
    return why_not_runnable(metadata) or (
        f"Model “{metadata.name}” {metadata.version}: its card does not say {missing}."
        if missing
        else ""
    )


def _facts_of(arrived: Path, sent: Sent, answer: Mapping[str, Any]) -> dict[str, Any]:
    originals = []
    for path in _originals(arrived):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        is_file = path == arrived
        originals.append(
            {
                "file": sent.name if is_file and sent.name else path.name,
                "sha256": digest,
                "size": path.stat().st_size,
            }
        )
    told = ("notes", "agreement", "grid", "timings", "probe", "golden")
    return {"original": originals, **{name: answer.get(name) for name in told}}


def _originals(arrived: Path) -> list[Path]:
    """Return the files that were sent; they are kept and never run again."""
    if arrived.is_file():
        return [arrived]
    wanted = (METADATA_FILE, *_COMPANIONS)
    return sorted(
        one
        for one in arrived.iterdir()
        if one.is_file() and (one.name in wanted or one.name.startswith(("model.", "golden-")))
    )


def _companions(arrived: Path, made: Path) -> None:
    """Keep README and licence beside the converted model where a folder brought them."""
    for name in _COMPANIONS if arrived.is_dir() else ():
        if (arrived / name).is_file() and not (made / name).exists():
            shutil.copyfile(arrived / name, made / name)


def _into(scratch: Path, sent: Sent) -> Path:
    """Give the child files of its own: it enters no other folder for this."""
    (scratch / "out").mkdir()
    place = scratch / "sent"
    if not sent.path.is_dir():
        place.mkdir()
        return Path(shutil.copyfile(sent.path, place / _plain_name(sent)))
    name = sent.path.name.partition("@")[0]
    (place / name).mkdir(parents=True)
    for path in _originals(sent.path) or [sent.path / METADATA_FILE]:
        shutil.copyfile(path, place / name / path.name)
    _mark_saved_model(sent.path, place / name)
    return place / name


def _mark_saved_model(source: Path, target: Path) -> None:
    """Let the child say what a SavedModel is, without copying it."""
    if (source / "saved_model.pb").exists() or (source / "model" / "saved_model.pb").exists():
        (target / "saved_model.pb").touch()


def _plain_name(sent: Sent) -> str:
    ending = Path(sent.name or sent.path.name).suffix.lower()
    return f"sent{ending}" if ending.isascii() and ending[1:].isalnum() else "sent"


def _size(path: Path) -> int:
    files = [path] if path.is_file() else _originals(path) if path.is_dir() else []
    size = sum(one.stat().st_size for one in files)
    if size > MAX_MODEL_BYTES:
        raise ModelFileError(f"{path.name} has {size} bytes; {MAX_MODEL_BYTES} are allowed.")
    return size


def _exists(metadata: ModelMetadata) -> InferenceError:
    return ModelFileError(
        f"Model “{metadata.name}” {metadata.version} is in the registry already. A version never"
        " changes: give the new one another `version`."
    )
