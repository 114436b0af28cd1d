"""The product's own processes as `make start` runs them, and what they hold in memory."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import psutil

from mediscan.web_server import gunicorn

WORKER = [sys.executable, "manage.py", "worker"]
HOST = "127.0.0.1"
ENGINE = "imaging.engine.child"


def web(port: int) -> list[str]:
    return gunicorn(HOST, port, workers=1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def children_of(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def engine_of(process: subprocess.Popen) -> psutil.Process | None:
    """Return the inferring child somewhere below a worker."""
    return next((one for one in children_of(process) if is_engine(one)), None)


def is_engine(process: psutil.Process) -> bool:
    try:
        line = process.cmdline()
    except psutil.Error:  # it ended while we looked
        return False
    return ENGINE in line and "--infer" in line


def rss_mb(process: psutil.Process) -> float:
    return process.memory_info().rss / 2**20


def peak_mb(process: psutil.Process) -> float:
    """Return the most that the process ever held, as the kernel remembers it."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) / 1024
