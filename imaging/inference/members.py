"""Run one member: load it, bring the picture to its grid and its maps back, survive full memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from imaging.inference.cache import ModelCache, Ready
from imaging.inference.devices import Placement, resolve
from imaging.inference.forward import probabilities
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.metadata_labels import label_key
from imaging.inference.model_files import titled
from imaging.inference.postprocess import postprocess
from imaging.inference.preprocess import prepare
from imaging.inference.spec import MemberSpec
from imaging.types import InferenceError, Volume

GPU_FULL = "The GPU ran out of memory; ran on CPU."
# how torch, onnxruntime and OpenCV say that an allocation failed
_MEMORY_WORDS = ("out of memory", "allocate memory", "bad allocation", "alloc_failed")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What one member says of one image, and how it was run.

    finding  p of any finding, float32 (Z, Y, X) on the image's grid.
    labels   the same for each finding label, by label_key.
    organ    p of the reference labels, or None where the model has none.
    """

    member: MemberSpec
    metadata: ModelMetadata
    finding: FloatArray
    labels: dict[str, FloatArray]
    organ: FloatArray | None
    device_used: str
    fallback: str
    sha256: str
    load_ms: float
    run_ms: float
    forward_ms: float


def run_members(
    volume: Volume, members: Sequence[MemberSpec], models: ModelCache
) -> Iterator[Outcome]:
    """Yield each member's outcome in their order.

    Members on one device run in sequence, one map at a time; different devices run side by
    side, a thread each. The first failure ends the run.
    """
    places = [resolve(member.device) for member in members]
    devices = sorted({place.device for place in places})
    if len(devices) == 1:
        for member, place in zip(members, places, strict=True):
            yield run_member(volume, member, place, models)
        return
    with ExitStack() as stack:
        lanes = {device: ThreadPoolExecutor(1, f"member-{device}") for device in devices}
        for lane in lanes.values():
            stack.callback(lane.shutdown, wait=True, cancel_futures=True)
        waiting = [
            lanes[place.device].submit(run_member, volume, member, place, models)
            for member, place in zip(members, places, strict=True)
        ]
        while waiting:
            yield waiting.pop(0).result()


def run_member(volume: Volume, member: MemberSpec, place: Placement, models: ModelCache) -> Outcome:
    """Run one member where it was placed; on a full GPU: free it, go one by one, use the CPU.

    Raises InferenceError naming the model.
    """
    if place.device != "cpu":
        for sparing in (False, True):
            try:
                return _attempt(volume, member, place, models, sparing=sparing)
            except Exception as error:
                if not is_memory(error):
                    raise
            _free(place.device, models, keep=member.model)
        models.release(place.device)
        place = Placement("cpu", GPU_FULL)
    try:
        return _attempt(volume, member, place, models, sparing=False)
    except Exception as error:
        if not is_memory(error):
            raise
        raise InferenceError(
            f"Model “{member.model}” needs more memory for this image than the machine gives."
        ) from None


def is_memory(error: BaseException) -> bool:
    """Return whether an error says that memory ran out, in any framework's words."""
    if isinstance(error, InferenceError):
        return False
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(word in text for word in _MEMORY_WORDS)


def _attempt(
    volume: Volume, member: MemberSpec, place: Placement, models: ModelCache, *, sparing: bool
) -> Outcome:
    ready = models.get(member, place.device)
    started = perf_counter()
    watch = _Watch(ready)
    finding, labels, organ = _maps(volume, ready.metadata, watch, sparing)
    return Outcome(
        member=member,
        metadata=ready.metadata,
        finding=finding,
        labels=labels,
        organ=organ,
        device_used=ready.predictor.device,
        fallback=place.fallback or ready.predictor.fallback,
        sha256=ready.sha256,
        load_ms=round(ready.load_ms, 1),
        run_ms=round((perf_counter() - started) * 1000, 1),
        forward_ms=round(watch.spent_ms, 1),
    )


class _Watch:
    """A predictor that counts its time and names the model when the network breaks."""

    def __init__(self, ready: Ready) -> None:
        self.spent_ms = 0.0
        self._ready = ready

    def __call__(self, batch: FloatArray) -> FloatArray:
        started = perf_counter()
        try:
            return self._ready.predictor.predict(batch)
        except Exception as error:
            if isinstance(error, InferenceError) or is_memory(error):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise InferenceError(
                f"{titled(self._ready.metadata)} could not be run on an input of "
                f"{list(batch.shape)}: {reason}"
            ) from error
        finally:
            self.spent_ms += (perf_counter() - started) * 1000


def _maps(
    volume: Volume, metadata: ModelMetadata, predict: _Watch, sparing: bool
) -> tuple[FloatArray, dict[str, FloatArray], FloatArray | None]:
    prepared = prepare(volume, metadata)
    p = probabilities(prepared.batch, metadata, predict, sparing=sparing)
    names = metadata.channel_labels

    def on_image(name: str, *, finding: bool) -> FloatArray:
        content = prepared.unpadded(p[:, names.index(name)])
        content = postprocess(content, metadata) if finding else content
        return np.clip(prepared.to_image_grid(content), 0, 1)

    labels = {label_key(name): on_image(name, finding=True) for name in metadata.findings}
    found = joined(list(labels.values()), metadata)
    wanted = metadata.reference.get("labels", ())
    organ = [on_image(name, finding=False) for name in wanted if name in names]
    if organ and metadata.activation == "softmax":
        organ.append(found)  # a pixel of the finding cannot be organ as well, yet lies in it
    return found, labels, joined(organ, metadata) if organ else None


def joined(maps: Sequence[FloatArray], metadata: ModelMetadata) -> FloatArray:
    """Return p of any label: the sum where labels exclude each other, else the maximum."""
    if len(maps) == 1:
        return maps[0]
    if metadata.activation == "softmax":
        return np.clip(np.sum(maps, axis=0, dtype=np.float32), 0, 1)
    return np.asarray(np.max(maps, axis=0))


def _free(device: str, models: ModelCache, keep: str) -> None:
    import torch

    models.release(device, keep)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
