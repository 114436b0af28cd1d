"""A house of the benchmark: its own keys, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.house import ROOT, SuiteFailed, scratch_houses, wait_until
from bench.machine import Clock, unrest
from bench.pictures import pictures

SLEEPER = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
time.sleep(60)
"""
HOLDER = """
import sys
sys.path.insert(0, sys.argv[1])
from bench.house import scratch_houses
with scratch_houses() as houses:
    house = houses.empty("one")
    with house.started([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        print(houses.base, process.pid, flush=True)
        process.wait()
"""


@pytest.fixture
def houses():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with scratch_houses() as found:
        yield found
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_house_has_keys_of_its_own_and_nothing_of_the_caller(houses, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "the caller's")
    monkeypatch.setenv("MEDISCAN_DATA_DIR", "/somewhere/else")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    found = houses.empty("one").environment(WORKERS="2")
    assert found["SECRET_KEY"] != "the caller's"
    assert found["MEDISCAN_DATA_DIR"] == str(houses.base / "one")
    assert (found["WORKERS"], found.get("CUDA_VISIBLE_DEVICES")) == ("2", None)


def test_a_copy_has_the_same_keys_and_content(houses):
    one = houses.empty("one")
    (one.folder / "a").write_text("b")
    two = one.copied("two")
    assert (two.folder / "a").read_text() == "b"
    assert two.secrets == one.secrets
    assert two.environment()["DATABASE_URL"] != one.environment()["DATABASE_URL"]


def test_leaving_the_block_ends_a_process_and_what_it_started(houses):
    house = houses.empty("one")
    with house.started([sys.executable, "-c", SLEEPER]) as process:
        grandchild = int(wait_until(lambda: house.last_words().strip(), 20))
        assert psutil.pid_exists(grandchild)
    assert process.returncode is not None
    wait_until(lambda: not psutil.pid_exists(grandchild), 5)


def test_a_suite_that_fails_gives_its_last_words(houses):
    with pytest.raises(SuiteFailed, match=r"No module named 'bench\.inside\.nothing'"):
        houses.empty("one").ask("bench.inside.nothing:measure")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_children_and_removes_the_folder(number):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(ROOT)], stdout=subprocess.PIPE, text=True
    )
    base, pid = holder.stdout.readline().split()
    holder.send_signal(number)
    holder.communicate(timeout=20)
    assert holder.returncode != 0
    assert not Path(base).exists()
    assert not psutil.pid_exists(int(pid))


def test_waiting_in_vain_is_said(houses):
    with pytest.raises(SuiteFailed, match="in vain"):
        wait_until(lambda: False, 0.1)


def test_a_quiet_machine_gives_no_reason_to_doubt():
    before = Clock(load=0.5, steal=0, ticks=1000)
    assert unrest(before, Clock(load=3.0, steal=1, ticks=2000), cores=2) == []
    busy = unrest(Clock(load=2.0, steal=0, ticks=1000), Clock(2.0, 50, 2000), cores=2)
    assert busy == ["load per core 1.0 before the start", "steal 5 %"]


def test_the_clock_reads_this_machine():
    first = Clock.now()
    time.sleep(0.05)
    assert Clock.now().ticks >= first.ticks > 0


def test_without_real_images_the_phantom_is_drawn_with_another_grain_each(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "MEDISCAN_DATA", str(tmp_path))
    found = pictures(3, side=32)
    assert found.origin == "drawn phantom, 32 px"
    assert len(set(found.files)) == 3
    assert pictures(3, side=32).sha256 == found.sha256


def test_the_benchmark_starts_without_any_settings():
    bare = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(
        [sys.executable, "bench/run.py", "--help"], cwd=ROOT, env=bare, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
