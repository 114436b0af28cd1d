"""A real worker beside the tests: its own process, the test database, the test data folder."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from imaging.lifeline import end_with

ENGINE = "imaging.engine.child"


def worker_environment(**extra: str) -> dict[str, str]:
    """What the worker needs to find this test's database, keys, files and models."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "mediscan.settings.dev",
        "SECRET_KEY": settings.SECRET_KEY,
        "VAULT_KEK": base64.b64encode(settings.VAULT_KEK).decode(),
        "DATABASE_URL": database_url(connection.settings_dict),
        "MEDISCAN_DATA_DIR": str(settings.DATA_DIR),
        "MEDISCAN_MODELS": str(settings.MODELS_DIR),
        "LEASE_S": str(settings.LEASE_S),
        "WORKERS": "1",
        "OMP_NUM_THREADS": "1",
        **extra,
    }  # fmt: skip


def database_url(config: dict) -> str:
    if config["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{config['NAME']}"
    login = config["USER"] + (f":{config['PASSWORD']}" if config["PASSWORD"] else "")
    host = config["HOST"] or config["OPTIONS"]["host"]  # a socket's folder, in our own clusters
    return f"postgres://{login}@/{config['NAME']}?host={host}"


class Worker:
    """`manage.py worker` and what it started; leaving the block ends all of it."""

    def __init__(self, log: Path, **extra: str) -> None:
        self.log, self._extra = log, extra

    def __enter__(self) -> Worker:
        tests = os.getpid()
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=settings.BASE_DIR,
                env=worker_environment(**self._extra),
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=lambda: end_with(tests),
            )
        self.supervisor = psutil.Process(self.process.pid)
        return self

    def __exit__(self, *error) -> None:
        left = self.descendants()
        self.process.terminate()
        try:
            self.process.wait(30)  # what S64 gives it, on a busy machine too
        finally:
            for process in (*left, self.supervisor):
                if process.is_running():
                    process.kill()
            self.process.wait()

    def descendants(self) -> list[psutil.Process]:
        try:
            return self.supervisor.children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    @property
    def cluster(self) -> psutil.Process | None:
        children = self.supervisor.children()
        return children[0] if children else None

    @property
    def engine(self) -> psutil.Process | None:
        """The inferring child, if one runs."""
        for process in self.descendants():
            try:
                line = process.cmdline()
            except psutil.Error:
                continue
            if ENGINE in line and "--infer" in line:
                return process
        return None

    @property
    def busy(self) -> psutil.Process | None:
        """The worker process that holds the engine."""
        engine = self.engine
        return engine.parent() if engine else None

    def idle_workers(self) -> list[psutil.Process]:
        """The cluster's pool, pusher and monitor: whatever the sentinel started."""
        cluster = self.cluster
        sentinels = cluster.children() if cluster else []
        return [child for sentinel in sentinels for child in sentinel.children()]

    def kill_cluster(self) -> None:
        os.killpg(self.cluster.pid, signal.SIGKILL)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


def wait_for(what: Callable[[], object], timeout_s: float, log: Callable[[], str]) -> object:
    """Return the first true answer of `what`; fail with the worker's last lines."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"nothing within {timeout_s:.0f} s; the worker's log ends:\n{log()}")
