"""The supervisor with a stand-in for the cluster: restarted, ended with all its children."""

from __future__ import annotations

import os
import sys
import time

import psutil
import pytest
from django.db import OperationalError

from imaging.models import Heartbeat
from imaging.services import supervisor as module
from imaging.services.supervisor import Supervisor
from imaging.services.workers import is_stopping

pytestmark = pytest.mark.django_db

SLEEPER = "import time; time.sleep(60)"
STUBBORN = (  # ignores SIGTERM, and so does its child
    "import signal, subprocess, sys, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c',"
    " 'import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)']);"
    "time.sleep(60)"
)


@pytest.fixture
def make(monkeypatch):
    """Return a supervisor of a Python program; what is left at the end is killed."""
    made: list[Supervisor] = []
    monkeypatch.setattr(module.connections, "close_all", lambda: None)
    monkeypatch.setattr(module, "recover_all", lambda: 0)

    def build(program: str) -> Supervisor:
        made.append(Supervisor([sys.executable, "-c", program]))
        return made[-1]

    yield build
    for one in made:
        one._kill()


def wait_for(true, timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def group_of(supervisor: Supervisor) -> list[psutil.Process]:
    pid = supervisor._cluster.pid
    return [p for p in psutil.process_iter() if _group(p) == pid]


def _group(process: psutil.Process) -> int:
    try:
        return os.getpgid(process.pid) if process.status() != psutil.STATUS_ZOMBIE else -1
    except (ProcessLookupError, psutil.NoSuchProcess):
        return -1


def test_it_starts_a_cluster_and_beats(make):
    one = make(SLEEPER)
    one._tick(0.0)
    assert one._cluster.poll() is None
    assert Heartbeat.objects.get().facts["cluster"] == one._cluster.pid


def test_a_cluster_that_ended_is_started_again_with_growing_patience(make):
    one = make("raise SystemExit(3)")
    one._tick(0.0)
    pids = []
    for moment in (1.0, 2.0):
        pids.append(one._cluster.pid)
        one._cluster.wait()
        one._tick(moment)
    assert len(set(pids)) == 2
    one._cluster and one._cluster.wait()
    one._tick(2.5)
    assert one._cluster is None  # waits a second now
    one._tick(9.0)
    assert one._cluster is not None


def test_a_cluster_that_died_takes_its_children_with_it(make):
    one = make(STUBBORN)
    one._tick(0.0)
    wait_for(lambda: len(group_of(one)) == 2)
    orphan = next(p for p in group_of(one) if p.pid != one._cluster.pid)
    one._cluster.kill()
    one._cluster.wait()
    one._tick(1.0)
    wait_for(lambda: not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE)


def test_a_stuck_cluster_is_replaced(make, monkeypatch, caplog):
    one = make(SLEEPER)
    monkeypatch.setattr(one._watchdog, "is_stuck", lambda moment: True)
    one._tick(0.0)
    assert one._cluster.poll() is not None
    first = one._cluster.pid
    one._tick(1.0)
    assert one._cluster.pid != first
    assert "stands still" in caplog.text


def test_stopping_ends_everything_and_says_so(make):
    one = make(SLEEPER)
    one._tick(0.0)
    started = time.monotonic()
    one._end()
    assert time.monotonic() - started < 5
    assert one._cluster.poll() is not None
    assert is_stopping()


def test_what_ignores_the_signal_is_killed_within_ten_seconds(make, monkeypatch):
    monkeypatch.setattr(module, "STOP_S", 1.0)
    one = make(STUBBORN)
    one._tick(0.0)
    wait_for(lambda: len(group_of(one)) == 2)
    left = group_of(one)
    one._end()
    wait_for(lambda: not [p for p in left if p.is_running() and _group(p) != -1])


def test_a_database_that_is_away_does_not_end_the_cluster(make, monkeypatch, caplog):
    def away():
        raise OperationalError("gone")

    monkeypatch.setattr(module, "recover_all", away)
    one = make(SLEEPER)
    one._tick(0.0)
    assert one._cluster.poll() is None
    assert "does not answer" in caplog.text


def test_patience_for_stopping_is_below_that_of_whoever_stops_us():
    assert module.STOP_S + 1 < 8


def test_a_file_that_cannot_be_swept_does_not_end_the_cluster(make, monkeypatch, caplog):
    def denied() -> int:
        raise PermissionError("a folder of somebody else")

    monkeypatch.setattr(module, "blobs_sweep", denied)
    one = make(SLEEPER)
    one._tick(0.0)
    assert one._cluster.poll() is None
    assert "a folder of somebody else" in caplog.text
