"""Keeps one django-q2 cluster alive, takes up what died, and ends everything on a signal."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import DatabaseError, OperationalError, connections
from django.utils.module_loading import import_string

from accounts import audit
from accounts.services.clock import clock_compare
from accounts.services.configuration import configuration_note
from accounts.vault.storage import blobs_sweep
from imaging import queue
from imaging.engine.scratch import scratch_sweep
from imaging.lifeline import end_with
from imaging.services.recovery import Watchdog, each_second, recover_all
from imaging.services.workers import worker_beat, worker_name

logger = logging.getLogger(__name__)
CLUSTER = [sys.executable, "manage.py", "cluster"]
TICK_S = 0.25
SECOND_S, BEAT_S, HOUR_S = 1.0, 5.0, 3600.0
FIRST_HOUR_S = 60.0  # not while the house is still starting
BOOT_S = 30.0  # what a cluster may need to its first claim
STOP_S = 6.0  # below the patience of those who stop us: 8 s of `make start`, 30 s of systemd
MOST_DELAY_S = 30.0


class Supervisor:
    """Runs one cluster until SIGTERM or SIGINT."""

    def __init__(self, command: list[str] | None = None) -> None:
        self._command = command or CLUSTER
        self._cluster: subprocess.Popen | None = None
        self._watchdog = Watchdog(max(BOOT_S, settings.LEASE_S))
        self._stop = False
        self._restarts = 0
        self._started_at = 0.0
        self._start_at = 0.0
        self._next = dict.fromkeys(("second", "beat", "recover", "sweep"), 0.0)
        self._next["hour"] = time.monotonic() + FIRST_HOUR_S
        self._beside: list[subprocess.Popen] = []

    def run(self) -> None:
        """Work until told to stop; gone within STOP_S and a little."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._ask(_note_start)
        try:
            while not self._stop:
                self._tick(time.monotonic())
                time.sleep(TICK_S)
        finally:
            self._end()

    def _on_signal(self, number: int, frame) -> None:
        self._stop = True

    def _tick(self, moment: float) -> None:
        self._revive(moment)
        if self._is_time("beat", BEAT_S, moment):
            self._ask(self._beat)
        if self._is_time("recover", settings.LEASE_S / 4, moment):
            self._ask(recover_all)
            if self._ask(lambda: self._watchdog.is_stuck(moment)):
                logger.error("the queue stands still: the cluster is restarted")
                self._kill()
        if self._is_time("second", SECOND_S, moment):
            self._ask(each_second)
            self._ask(self._start_due)
        if self._is_time("sweep", HOUR_S, moment):
            self._ask(_sweep)
        if self._is_time("hour", HOUR_S, moment):
            self._start_beside(settings.EACH_HOUR)

    def _is_time(self, what: str, every_s: float, moment: float) -> bool:
        if moment < self._next[what]:
            return False
        self._next[what] = moment + every_s
        return True

    def _revive(self, moment: float) -> None:
        """Start the cluster when there is none; one that keeps ending waits longer each time."""
        if self._cluster is not None and self._cluster.poll() is None:
            return
        if self._cluster is not None:
            logger.error("the cluster ended with code %s", self._cluster.returncode)
            self._kill()  # what it started may have outlived it
            self._cluster = None
            quick = moment - self._started_at < MOST_DELAY_S
            self._restarts = self._restarts + 1 if quick else 1
            self._start_at = moment + min(2.0 ** (self._restarts - 1) - 1, MOST_DELAY_S)
        if moment >= self._start_at:
            self._start(moment)

    def _start(self, moment: float) -> None:
        self._ask(queue.release_taken)
        connections.close_all()
        parent = os.getpid()
        self._cluster = subprocess.Popen(
            self._command,
            cwd=settings.BASE_DIR,
            start_new_session=True,  # a Ctrl-C on the terminal is ours alone to pass on
            preexec_fn=lambda: end_with(parent),
        )
        self._started_at = moment
        self._next["recover"] = moment
        logger.info("cluster started, process %d", self._cluster.pid)

    def _start_due(self) -> None:
        """Start each command of settings.WHEN_DUE that has something to do."""
        asked = settings.WHEN_DUE.items()
        self._start_beside([command for is_due, command in asked if import_string(is_due)()])

    def _start_beside(self, commands: Sequence[list[str]]) -> None:
        """Start each command in a process of its own, unless its last run still goes on."""
        self._beside = [process for process in self._beside if process.poll() is None]
        running = [process.args[2:] for process in self._beside]
        parent = os.getpid()
        self._beside += [
            subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=settings.BASE_DIR,
                start_new_session=True,
                preexec_fn=lambda: _gently(parent),
            )
            for command in commands
            if command not in running
        ]

    def _beat(self) -> None:
        pid = self._cluster.pid if self._cluster else None
        worker_beat(cluster=pid, restarts=self._restarts, version=settings.VERSION)

    def _ask(self, question: Callable):
        """Ask the database; while it is away the cluster goes on and we ask again."""
        try:
            return question()
        except DatabaseError as error:
            surprising = not isinstance(error, OperationalError)
            logger.warning("the database does not answer: %s", error, exc_info=surprising)
            connections.close_all()
            return None

    def _end(self) -> None:
        """Tell the main process alone, which lets its workers finish; then end the whole group."""
        self._ask(lambda: _note("system.stop"))
        self._ask(lambda: worker_beat(stopping=True, version=settings.VERSION))
        if self._cluster is not None and self._cluster.poll() is None:
            self._cluster.terminate()
            try:
                self._cluster.wait(STOP_S)
            except subprocess.TimeoutExpired:
                logger.warning("the cluster did not end in %.0f s and is killed", STOP_S)
        self._kill()
        for process in self._beside:
            process.kill()
        connections.close_all()

    def _kill(self) -> None:
        """End every process of the cluster's group, now."""
        if self._cluster is None:
            return
        try:
            os.killpg(self._cluster.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._cluster.wait()


def _sweep() -> None:
    """Remove the files that killed processes left: blobs without a row, abandoned scratch.

    A file that cannot be removed is logged; the work that runs is not ended for it.
    """
    try:
        logger.info("swept: %d blobs, %d scratch folders", blobs_sweep(), scratch_sweep())
    except OSError:
        logger.exception("sweeping failed")


@audit.as_worker
def _note_start() -> None:
    """Write down the start, and what changed since the last one: the clock, the settings."""
    _note("system.start")
    clock_compare()
    configuration_note("worker")


@audit.as_worker
def _note(action: str) -> None:
    """Write down that this worker starts or stops; the row says with which version."""
    audit.record(None, action, reason=worker_name())


def _gently(parent: int) -> None:
    os.nice(10)
    end_with(parent)
