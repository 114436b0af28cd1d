"""`python -m bench.volumes`: what an engine holds for a small, a middle and a large volume.

A fresh infer child for each volume; it answers `analyse` as a job asks it, measures
included. "Beside" is its largest resident memory less what it held with the model loaded
and run once on the least volume that it takes: all that the volume itself costs.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from bench.suites.processes import peak_mb
from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.inference.metadata import ModelMetadata, read_metadata
from imaging.inference.spec import EnsembleSpec, MemberSpec, spec_from_members
from imaging.inference.windows import starts

MODELS = Path(__file__).resolve().parents[1] / "models"
SIDES, MODEL = (64, 128, 256), "ct-lungs-halfgrid"
LEAST = 64  # a side below it the input gate refuses
CALL_S, ROOM = 3600, 1 << 31


@dataclass(frozen=True, slots=True)
class Found:
    """One volume: its voxels, the windows that went over it, and what the child held, MiB."""

    side: int
    windows: int
    loaded_mb: float
    peak_mb: float
    seconds: float

    @property
    def beside_mb(self) -> float:
        return self.peak_mb - self.loaded_mb

    @property
    def bytes_a_voxel(self) -> float:
        return self.beside_mb * 2**20 / self.side**3


def main(arguments: list[str] | None = None) -> int:
    """Measure each volume and print the table."""
    options = _parser().parse_args(arguments)
    metadata = read_metadata(options.models / options.model)
    if metadata.tiling is None:
        print(f"{options.model} has no `tiling`: it takes a volume whole.", file=sys.stderr)
        return 2
    spec = spec_from_members(options.models, [MemberSpec(options.model)], threshold=0.5)
    table = Table("volume", "windows", "loaded, MiB", "largest, MiB", "beside, MiB",
                  "bytes a voxel", "seconds", box=None, pad_edge=False)  # fmt: skip
    for side in options.sides:
        found = measured(side, metadata, spec, options.models)
        table.add_row(f"{side}³", str(found.windows), f"{found.loaded_mb:.0f}",
                      f"{found.peak_mb:.0f}", f"{found.beside_mb:.0f}",
                      f"{found.bytes_a_voxel:.1f}", f"{found.seconds:.0f}")  # fmt: skip
    Console().print(table)
    return 0


def measured(side: int, metadata: ModelMetadata, spec: EnsembleSpec, models: Path) -> Found:
    """Run the least volume, then the volume of `side`, in a child of their own."""
    assert metadata.tiling is not None
    roi = metadata.tiling.roi_size
    with scratch_folder(room_bytes=ROOM) as folder:
        engine = Engine("infer", memory_mb=8000)
        try:
            _analysed(engine, drawn(max(LEAST, *roi)), metadata, spec, models, folder)
            loaded = psutil.Process(engine.pid).memory_info().rss / 2**20
            began = time.perf_counter()
            _analysed(engine, drawn(side), metadata, spec, models, folder)
            seconds = time.perf_counter() - began
            peak = peak_mb(psutil.Process(engine.pid))
        finally:
            engine.close()
    windows = math.prod(len(starts(max(side, one), one, metadata.tiling.overlap)) for one in roi)
    return Found(side, windows, loaded, peak, seconds)


def drawn(side: int) -> np.ndarray:
    """Return a body with two lungs in Hounsfield units, int16 (side, side, side)."""
    z, y, x = np.ogrid[tuple(slice(-1, 1, complex(0, side)) for _ in range(3))]
    array = np.full((side, side, side), -1000, dtype=np.int16)
    array[np.broadcast_to((y / 0.7) ** 2 + (x / 0.9) ** 2 < 1, array.shape)] = 40
    for middle in (-0.4, 0.4):
        array[((z / 0.8) ** 2 + (y / 0.45) ** 2 + ((x - middle) / 0.3) ** 2) < 1] = -850
    noise = np.random.default_rng(side).integers(-20, 20, array.shape[1:], dtype=np.int16)
    array += noise
    return array


def _analysed(engine: Engine, array: np.ndarray, metadata: ModelMetadata, spec: EnsembleSpec,
              models: Path, folder: Path) -> None:  # fmt: skip
    (folder / "pixels.raw").write_bytes(array.tobytes())
    mm = metadata.spacing[0] if metadata.spacing else 1.0
    answer = engine.call(
        "analyse", timeout_s=CALL_S, pixels=str(folder / "pixels.raw"), dtype="int16",
        shape=list(array.shape), spec=spec.to_json(), models_dir=str(models), maps=True,
        out_dir=str(folder), volume=_described(mm, metadata.modality[0]),
    )  # fmt: skip
    if answer["analysis"]["measures"] is None:
        raise RuntimeError(f"nothing was measured: {answer['analysis']['gate']}")


def _described(mm: float, modality: str) -> dict:
    affine = [[-mm, 0, 0, 0], [0, -mm, 0, 0], [0, 0, mm, 0], [0, 0, 0, 1]]
    return {
        "modality": {"ct": "CT", "mri": "MR"}[modality], "unit": "HU" if modality == "ct" else
        "stored value", "spacing_mm": [mm] * 3, "spacing_kind": "calibrated", "affine": affine,
    }  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.volumes", description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES, metavar="N")
    parser.add_argument("--model", default=MODEL, help="of the models folder, with `tiling`")
    parser.add_argument("--models", type=Path, default=MODELS, metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())
