"""The infer child with two more operations: bare forwards, and a watch on its own places.

`python -m bench.engine_child --infer --parent PID --memory-mb N`, started by the product's
client. It answers `analyse` with the product's own code.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.places import ENGINE
from bench.stopwatch import Stopwatch
from imaging.engine import infer_ops
from imaging.engine.child import main
from imaging.engine.records import pixels_read, volume_from_json
from imaging.engine.serving import Progress
from imaging.inference.backends import Predictor
from imaging.inference.devices import resolve
from imaging.inference.forward import probabilities
from imaging.inference.grids import FloatArray
from imaging.inference.preprocess import prepare
from imaging.inference.spec import EnsembleSpec

_watch: Stopwatch | None = None


def forward(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Run the members' networks alone on a picture that is already on their grids.

    Answers the milliseconds inside the networks, by the clock and of the processor, of the second
    of two passes: after an analysis the first finds the caches full of something else.
    """
    pixels = pixels_read(Path(args["pixels"]), args["dtype"], args["shape"])
    volume = volume_from_json(args["volume"], pixels)
    models = infer_ops.models_of(args["models_dir"])
    passes = []
    for member in EnsembleSpec.from_json(args["spec"]).members:
        ready = models.get(member, resolve(member.device).device)
        batch = prepare(volume, ready.metadata).batch
        passes.append((batch, ready.metadata, Timed(ready.predictor)))
    for _ in range(2):
        for batch, metadata, predict in passes:
            predict.wall_ms = predict.cpu_ms = 0.0
            probabilities(batch, metadata, predict)
    return {
        "wall_ms": sum(predict.wall_ms for _, _, predict in passes),
        "cpu_ms": sum(predict.cpu_ms for _, _, predict in passes),
    }


class Timed:
    """A network that counts its own time."""

    def __init__(self, predictor: Predictor) -> None:
        self.wall_ms = self.cpu_ms = 0.0
        self._predictor = predictor

    def __call__(self, batch: FloatArray) -> FloatArray:
        wall, cpu = time.perf_counter(), time.process_time()
        output = self._predictor.predict(batch)
        self.cpu_ms += (time.process_time() - cpu) * 1000
        self.wall_ms += (time.perf_counter() - wall) * 1000
        return output


def analyse(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    return infer_ops.analyse(args, progress)


def watch(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Begin to watch, or end it and answer the milliseconds by place."""
    global _watch
    if args["on"]:
        _watch = Stopwatch(ENGINE)
        _watch.start()
        return {}
    assert _watch is not None  # the caller began it
    return {"spent_ms": _watch.stop()}


def spent(args: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Answer the processor milliseconds that this process has used."""
    return {"cpu_ms": time.process_time() * 1000}


OPS = {
    **infer_ops.OPS,
    "analyse": lambda args, progress: analyse(args, progress),
    "forward": forward,
    "watch": watch,
    "spent": spent,
}


if __name__ == "__main__":
    import bench.engine_child  # the watch looks it up by this name

    main(ops=bench.engine_child.OPS)
