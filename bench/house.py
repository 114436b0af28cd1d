"""A scratch installation: a data folder and keys of its own, gone on every way out."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from imaging.engine.scratch import scratch_sweep

ROOT = Path(__file__).resolve().parents[1]
MODELS = "models"
END_S = 10.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class SuiteFailed(Exception):
    """A process of the benchmark ended with an error; the message holds its last words."""


@dataclass(frozen=True)
class House:
    """One installation in `folder`: what its processes are told, and how they are started."""

    folder: Path
    secrets: dict[str, str] = field(repr=False)

    def environment(self, **extra: str) -> dict[str, str]:
        """All that a process of this house may know; nothing of a .env gets through."""
        names = ("PATH", "HOME", "LANG", "MEDISCAN_DATA")
        return {
            **{name: os.environ[name] for name in names if name in os.environ},
            **self.secrets,
            "DJANGO_SETTINGS_MODULE": "mediscan.settings.dev",
            "DATABASE_URL": f"sqlite:///{self.folder / 'db.sqlite3'}",
            "MEDISCAN_DATA_DIR": str(self.folder),
            "MEDISCAN_MODELS": str(self.folder.parent / MODELS),
            "PUBLIC_BASE_URL": "http://localhost:8000",
            "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
            "TRUSTED_PROXIES": "0",
            "DEBUG": "false",
            "WORKERS": "1",
            "WEB_WORKERS": "1",
            "WEB_THREADS": "8",
            "LEASE_S": "60",
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **extra,
        }

    def ask(self, place: str, timeout_s: float = 1800, **options: Any) -> Any:
        """Call "module:function" in a process of this house and return its answer."""
        out = self.folder / "answer.json"
        out.unlink(missing_ok=True)
        command = [sys.executable, "-m", "bench.answering", place, json.dumps(options), str(out)]
        with self.started(command) as process:
            try:
                code = process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                raise SuiteFailed(f"{place}: no answer within {timeout_s:.0f} s") from None
        if code != 0 or not out.exists():
            raise SuiteFailed(f"{place} ended with code {code}:\n{self.last_words()}")
        return json.loads(out.read_text(encoding="utf-8"))

    @contextlib.contextmanager
    def started(self, command: list[str], **extra: str) -> Iterator[subprocess.Popen]:
        """Run a process in a group of its own; it and all it started end with the block."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment(**extra),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with(os.getpid()),
            )
        try:
            yield process
        finally:
            end(process)

    def copied(self, name: str) -> House:
        """Return a second house with the same keys and content."""
        folder = self.folder.parent / name
        shutil.copytree(self.folder, folder)
        return House(folder, self.secrets)

    def last_words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    @property
    def _log(self) -> Path:
        return self.folder / "bench.log"


@dataclass(frozen=True)
class Houses:
    """The scratch folder of one benchmark: houses with the same fresh keys and the same models.

    The models are copied: a folder that is being worked on would be loaded anew.
    """

    base: Path
    secrets: dict[str, str] = field(repr=False)

    def empty(self, name: str) -> House:
        (self.base / name).mkdir()
        return House(self.base / name, self.secrets)


@contextlib.contextmanager
def scratch_houses() -> Iterator[Houses]:
    """Give room for houses; everything in it is removed afterwards, on a signal too."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    base = Path(tempfile.mkdtemp(prefix="mediscan-bench-"))
    keys = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "VAULT_KEK": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    try:
        shutil.copytree(ROOT / MODELS, base / MODELS)
        yield Houses(base, keys)
    finally:
        shutil.rmtree(base, ignore_errors=True)  # a killed process may still be letting go
        scratch_sweep()


def end(process: subprocess.Popen) -> None:
    """Ask a process to end, then kill what is left of it and of all it started."""
    left = _descendants(process)
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_S)
    for one in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(what: Any, timeout_s: float, every_s: float = 0.05) -> Any:
    """Return the first true answer of `what()`. Raises SuiteFailed after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(every_s)
    raise SuiteFailed(f"waited {timeout_s:.0f} s in vain")


def _descendants(process: subprocess.Popen) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


def _end_with(parent: int):
    """Let the kernel end a child whose parent was killed before it could do so."""

    def prepare() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)

    return prepare
