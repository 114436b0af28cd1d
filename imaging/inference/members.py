"""Run one member, whatever its task asks of it: load it, place it, survive full memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Generic, TypeVar

from imaging.inference.cache import ModelCache, Ready
from imaging.inference.devices import Placement, resolve
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.model_files import titled
from imaging.inference.spec import MemberSpec
from imaging.types import InferenceError, Volume

T = TypeVar("T")
Ask = Callable[[Volume, ModelMetadata, "Watch", bool], T]  # the last one: spare memory
GPU_FULL = "The GPU ran out of memory; ran on CPU."
# how torch, onnxruntime and OpenCV say that an allocation failed
_MEMORY_WORDS = ("out of memory", "allocate memory", "bad allocation", "alloc_failed")


@dataclass(frozen=True, slots=True, eq=False)
class Outcome(Generic[T]):
    """What one member says of one image, as its task asks, and how it was run."""

    member: MemberSpec
    metadata: ModelMetadata
    answer: T
    device_used: str
    fallback: str
    sha256: str
    load_ms: float
    run_ms: float
    forward_ms: float


def run_members(
    volume: Volume, members: Sequence[MemberSpec], models: ModelCache, ask: Ask[T]
) -> Iterator[Outcome[T]]:
    """Yield each member's outcome in their order; `ask` puts the task's question to each.

    Members on one device run in sequence, one map at a time; different devices run side by
    side, a thread each. The first failure ends the run.
    """
    places = [resolve(member.device) for member in members]
    devices = sorted({place.device for place in places})
    if len(devices) == 1:
        for member, place in zip(members, places, strict=True):
            yield run_member(volume, member, place, models, ask)
        return
    with ExitStack() as stack:
        lanes = {device: ThreadPoolExecutor(1, f"member-{device}") for device in devices}
        for lane in lanes.values():
            stack.callback(lane.shutdown, wait=True, cancel_futures=True)
        waiting = [
            lanes[place.device].submit(run_member, volume, member, place, models, ask)
            for member, place in zip(members, places, strict=True)
        ]
        while waiting:
            yield waiting.pop(0).result()


def run_member(
    volume: Volume, member: MemberSpec, place: Placement, models: ModelCache, ask: Ask[T]
) -> Outcome[T]:
    """Run one member where it was placed; on a full GPU: free it, go one by one, use the CPU.

    Raises InferenceError naming the model.
    """
    if place.device != "cpu":
        for sparing in (False, True):
            try:
                return _attempt(volume, member, place, models, ask, sparing=sparing)
            except Exception as error:
                if not is_memory(error):
                    raise
            _free(place.device, models, keep=member.model)
        models.release(place.device)
        place = Placement("cpu", GPU_FULL)
    try:
        return _attempt(volume, member, place, models, ask, sparing=False)
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
    volume: Volume,
    member: MemberSpec,
    place: Placement,
    models: ModelCache,
    ask: Ask[T],
    *,
    sparing: bool,
) -> Outcome[T]:
    ready = models.get(member, place.device)
    started = perf_counter()
    watch = Watch(ready)
    answer = ask(volume, ready.metadata, watch, sparing)
    return Outcome(
        member=member,
        metadata=ready.metadata,
        answer=answer,
        device_used=ready.predictor.device,
        fallback=place.fallback or ready.predictor.fallback,
        sha256=ready.sha256,
        load_ms=round(ready.load_ms, 1),
        run_ms=round((perf_counter() - started) * 1000, 1),
        forward_ms=round(watch.spent_ms, 1),
    )


class Watch:
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


def _free(device: str, models: ModelCache, keep: str) -> None:
    import torch

    models.release(device, keep)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
