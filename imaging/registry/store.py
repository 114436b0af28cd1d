"""Where a model version's files lie: the models folder, or the store of what was taken in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from imaging.models import ModelOrigin, ModelVersion

ORIGINAL = "original"


def store_root() -> Path:
    """Return the store, made for this user alone where it is not there yet."""
    root = Path(settings.MODEL_STORE)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def folder_of(model: ModelVersion) -> Path:
    """Return the folder that holds the files of `model`, whether or not it is there."""
    if model.origin == ModelOrigin.STORE:
        return store_root() / f"{model.name}@{model.version}"
    return Path(settings.MODELS_DIR) / model.name


def folder_keep(made: Path, name: str, version: str, original: Iterable[Path]) -> Path:
    """Put a converted model into the store, the files as they were sent beside it; return it.

    Written whole under another name, then renamed: a crash leaves nothing that serves.
    Raises FileExistsError where this version is there already.
    """
    target = store_root() / f"{name}@{version}"
    if target.exists():
        raise FileExistsError(target)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=store_root()))
    try:
        for path in made.iterdir():
            _copied(path, work / path.name)
        (work / ORIGINAL).mkdir(mode=0o700)
        for path in original:
            _copied(path, work / ORIGINAL / path.name)
        _synced(work)
        work.rename(target)
    except BaseException:
        shutil.rmtree(work)
        raise
    _synced(store_root())
    return target


def folder_drop(name: str, version: str) -> None:
    """Take a folder back whose row was never written."""
    shutil.rmtree(store_root() / f"{name}@{version}")


def _copied(source: Path, target: Path) -> None:
    with source.open("rb") as there, target.open("xb") as here:
        shutil.copyfileobj(there, here, 1 << 20)
        here.flush()
        os.fsync(here.fileno())
    target.chmod(0o400)  # a version never changes


def _synced(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
