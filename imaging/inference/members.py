"""Run one member, whatever its task asks of it: load it, place it, survive full memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Generic, TypeVar

from imaging.inference.cache import ModelCache, Ready
from imaging.inference.devices import Placement, resolve
from imaging.inference.grids import FloatArray
from imaging.inference.metadata import ModelMetadata
from imaging.inference.model_files import titled
from imaging.inference.spec import MemberSpec
from imaging.inference.thrift import Thrift, thrifts
from imaging.types import InferenceError, Volume

T = TypeVar("T")
R = TypeVar("R")
Ask = Callable[[Volume, ModelMetadata, "Watch", Thrift], T]
GPU_FULL = "The GPU ran out of memory; ran on CPU."
FREED = "ran again once loaded models had made room"
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
    """Run one member where it was placed; where memory runs out, go down the ladder.

    Room is made and it is tried again, then one window at a time, then in smaller windows, then
    the same on the CPU. The outcome's fallback says where it came to stand. Raises InferenceError
    naming the model when the last step fails.
    """
    if place.device != "cpu":
        if outcome := _descend(volume, member, place, models, ask):
            return outcome
        models.release(place.device)
        place = Placement("cpu", GPU_FULL)
    if outcome := _descend(volume, member, place, models, ask):
        return outcome
    raise InferenceError(
        f"Model “{member.model}” needs more memory for this image than the machine gives."
    )


def _descend(
    volume: Volume, member: MemberSpec, place: Placement, models: ModelCache, ask: Ask[T]
) -> Outcome[T] | None:
    """Try one device with less and less memory; None: it was never enough."""
    metadata = models.metadata(member)
    full = "The GPU ran out of memory" if place.device != "cpu" else "Memory ran out"
    steps = [(thrift, thrift.words(metadata)) for thrift in thrifts(metadata)]
    for thrift, words in [steps[0], (steps[0][0], FREED), *steps[1:]]:
        try:
            outcome = _attempt(volume, member, place, models, ask, thrift)
        except Exception as error:
            if not is_memory(error):
                raise
        else:
            said = [outcome.fallback, f"{full}; {words}." if words else ""]
            return replace(outcome, fallback=" ".join(filter(None, said)))
        _free(place.device, models, keep=member.model)  # out of the handler: it holds the arrays
    return None


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
    thrift: Thrift,
) -> Outcome[T]:
    ready = models.get(member, place.device)
    started = perf_counter()
    watch = Watch(ready)
    answer = ask(volume, ready.metadata, watch, thrift)
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
        return self._timed(self._ready.predictor.predict, batch)

    def outputs(self, batch: FloatArray) -> list[FloatArray]:
        """Return every output of the network, as a detector has three."""
        return self._timed(self._ready.predictor.outputs, batch)

    def gradcam(self, item: FloatArray, channels: Sequence[int]) -> list[FloatArray]:
        """Return a Grad-CAM map per channel; none where the framework gives no gradients."""
        asked = getattr(self._ready.predictor, "gradcam", None)
        return self._timed(lambda batch: asked(batch, channels), item) if asked else []

    def _timed(self, run: Callable[[FloatArray], R], batch: FloatArray) -> R:
        started = perf_counter()
        try:
            return run(batch)
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
