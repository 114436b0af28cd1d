"""Loaded models, kept while they are used: by model and device, checked against their files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import perf_counter

from imaging.inference import backends
from imaging.inference.backends import Loaded, Predictor
from imaging.inference.ensembles import model_folder
from imaging.inference.metadata import METADATA_FILE, ModelMetadata, model_file, read_metadata
from imaging.inference.spec import MemberSpec
from imaging.types import InferenceError

CAPACITY = 8
Load = Callable[..., Loaded]
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Ready:
    """A model that can be run. load_ms is 0 when it was loaded already."""

    metadata: ModelMetadata
    predictor: Predictor
    sha256: str
    load_ms: float


@dataclass(frozen=True, slots=True)
class _Entry:
    ready: Ready
    stamp: Stamp


class ModelCache:
    """The models of one folder and of the store, the `capacity` last used ones kept in memory.

    A model is loaded anew when its metadata or its file on disk changes, so a changed file is
    found by its hash at the next run. `loads` counts every load. Safe for threads.
    """

    def __init__(
        self,
        root: Path,
        capacity: int = CAPACITY,
        load: Load = backends.load,
        store: Path | None = None,
    ) -> None:
        self.loads = 0
        self._store = store
        self._root, self._capacity, self._load = root, capacity, load
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._descriptions: dict[Path, tuple[Stamp, ModelMetadata]] = {}
        self._lock = Lock()

    def metadata(self, member: MemberSpec) -> ModelMetadata:
        """Return a member's metadata; InferenceError for an unknown model or version."""
        found = self._described(self._folder(member))
        if member.version and found.version != member.version:
            raise InferenceError(
                f"Model “{member.model}”: version {member.version} was asked for, "
                f"the models folder holds {found.version}."
            )
        return found

    def get(self, member: MemberSpec, device: str) -> Ready:
        """Return the member ready to run on `device`, loading it when it is not."""
        metadata = self.metadata(member)
        folder = self._folder(member)
        with self._lock:
            stamp = _stamp(model_file(folder))
            kept = self._entries.get((member.model, device))
            if kept and kept.stamp == stamp and _same(kept.ready, metadata, member):
                self._entries.move_to_end((member.model, device))
                return replace(kept.ready, load_ms=0.0)
            self._entries.pop((member.model, device), None)
            ready = self._loaded(folder, metadata, member, device)
            self._entries[(member.model, device)] = _Entry(ready, stamp)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
            return ready

    def release(self, device: str, keep: str = "") -> None:
        """Forget every model on `device` but `keep`, so that its memory can be used."""
        with self._lock:
            for key in [k for k in self._entries if k[1] == device and k[0] != keep]:
                del self._entries[key]

    def _described(self, folder: Path) -> ModelMetadata:
        """Read and check metadata.json, unless it is the file that was read before."""
        path = folder / METADATA_FILE
        stamp = _stamp(path) if path.is_file() else None
        kept = self._descriptions.get(folder)
        if kept and kept[0] == stamp:
            return kept[1]
        found = read_metadata(folder)
        if stamp:
            self._descriptions[folder] = (stamp, found)
        return found

    def _folder(self, member: MemberSpec) -> Path:
        return model_folder(self._root, member.model, member.version, self._store)

    def _loaded(
        self, folder: Path, metadata: ModelMetadata, member: MemberSpec, device: str
    ) -> Ready:
        started = perf_counter()
        loaded = self._load(folder, metadata, device, member.sha256 or None)
        self.loads += 1
        return Ready(metadata, loaded.predictor, loaded.sha256, (perf_counter() - started) * 1000)


def _same(ready: Ready, metadata: ModelMetadata, member: MemberSpec) -> bool:
    frozen = set(member.sha256.values())
    return ready.metadata.raw == metadata.raw and (not frozen or ready.sha256 in frozen)


def _stamp(path: Path) -> Stamp:
    """Return what changes when the file is written again."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
