"""What a number depends on besides the code: processor, load, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from bench.ratios import MOST_LOAD, MOST_STEAL

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("Django", "numpy", "torch", "monai", "onnxruntime", "keras", "opencv-python-headless")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


@dataclass(frozen=True, slots=True)
class Clock:
    """The machine's load and its counted processor time, at one moment."""

    load: float
    steal: int
    ticks: int

    @classmethod
    def now(cls) -> Clock:
        # user nice system idle iowait irq softirq steal: proc(5)
        ticks = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return cls(round(os.getloadavg()[0], 2), ticks[7], sum(ticks))

    def steal_percent(self, later: Clock) -> float:
        passed = later.ticks - self.ticks
        return round(100 * (later.steal - self.steal) / passed, 2) if passed else 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """What does not change during a run."""

    cpu: str
    flags: list[str]
    cores: int
    affinity: int
    threads: int
    python: str
    system: str
    versions: dict[str, str]
    commit: str

    def to_json(self) -> dict:
        return asdict(self)


def machine() -> Machine:
    info = Path("/proc/cpuinfo").read_text()
    flags = _field(info, "flags").split()
    return Machine(
        cpu=_field(info, "model name"),
        flags=[flag for flag in FLAGS if flag in flags],
        cores=os.cpu_count() or 1,
        affinity=len(os.sched_getaffinity(0)),
        threads=1,
        python=platform.python_version(),
        system=platform.platform(),
        versions={name: version(name) for name in PACKAGES},
        commit=_commit(),
    )


def unrest(before: Clock, after: Clock, cores: int) -> list[str]:
    """Return why this machine was too busy for a verdict; empty when it was quiet."""
    reasons = []
    if before.load / cores > MOST_LOAD:
        reasons.append(f"load per core {before.load / cores:.1f} before the start")
    if (steal := before.steal_percent(after)) > MOST_STEAL:
        reasons.append(f"steal {steal:g} %")
    return reasons


def _field(info: str, name: str) -> str:
    lines = (line.partition(":") for line in info.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == name), "")


def _commit() -> str:
    """Return the short hash, with a + where the tree has changes; nothing outside a repository."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        return f"{head}+" if _git("status", "--porcelain") else head
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(*words: str) -> str:
    found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.strip()
