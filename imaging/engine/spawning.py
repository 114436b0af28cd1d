"""How a child is started: a fresh program, nothing inherited, tied to the life of this process."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path) -> dict[str, str]:
    """All that a child may know: where the code lies, where it may write, which GPUs it sees."""
    here = str(home)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return {
        "PYTHONPATH": str(ROOT),
        "PYTHONNOUSERSITE": "1",
        "LC_ALL": "C.UTF-8",
        "HOME": here,
        "USER": "mediscan",  # MONAI asks for a name, and the list of users is closed to a child
        "TMPDIR": here,
        "XDG_CACHE_HOME": here,
        "KERAS_HOME": here,
        "KERAS_BACKEND": "torch",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime reports to its maker unless told not to
        **({} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}),
    }


def spawn(module: str, options: Sequence[str], *, home: Path) -> subprocess.Popen:
    """Start `python -m module` with its three streams on pipes.

    The kernel kills a child when the *thread* that started it ends (PR_SET_PDEATHSIG), so a
    child is never started from a thread that may end before this process does.
    """

    def start() -> subprocess.Popen:
        return subprocess.Popen(
            # -P: the working directory, where the child may write, is no place for code
            [sys.executable, "-P", "-m", module, *options, "--parent", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home,
            env=environment(home),
            close_fds=True,
            start_new_session=True,
        )

    if threading.current_thread() is threading.main_thread():
        return start()
    return _keeper().do(start)


class _Keeper:
    """A thread that starts children for others and never ends."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._orders: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._work, name="engine-keeper", daemon=True).start()

    def do(self, start: Callable[[], subprocess.Popen]) -> subprocess.Popen:
        future: Future = Future()
        self._orders.put((start, future))
        return future.result()

    def _work(self) -> None:
        while True:
            start, future = self._orders.get()
            try:
                future.set_result(start())
            except BaseException as error:
                future.set_exception(error)


_kept: _Keeper | None = None
_kept_lock = threading.Lock()


def _keeper() -> _Keeper:
    global _kept
    with _kept_lock:
        if _kept is None or _kept.owner != os.getpid():  # threads do not survive a fork
            _kept = _Keeper()
        return _kept
