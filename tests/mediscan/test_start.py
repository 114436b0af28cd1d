"""The supervisor of web and worker: a busy port is said, nothing outlives a stop."""

import os
import socket
import sys
import time
from io import StringIO

import pytest
from django.core.management.base import CommandError

from mediscan.management.commands import start

STUBBORN = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('up', flush=True); time.sleep(600)"
)


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_busy_port_names_another(taken_port):
    with pytest.raises(CommandError, match=f"PORT={taken_port + 1} make start"):
        start.refuse_a_busy_port("127.0.0.1", taken_port)


def test_the_address_is_the_one_that_people_open(settings):
    settings.PUBLIC_BASE_URL = "http://localhost:8000"
    assert start.site_address("127.0.0.1", 8000) == "http://127.0.0.1:8000/"
    settings.PUBLIC_BASE_URL = "https://scan.example.org"
    told = start.site_address("127.0.0.1", 8000)
    assert told == "https://scan.example.org/, for your proxy at http://127.0.0.1:8000/"


def test_a_free_port_is_fine(taken_port):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    start.refuse_a_busy_port("127.0.0.1", free)
    start.wait_for_port("127.0.0.1", taken_port, timeout_s=5)
    with pytest.raises(CommandError, match="did not answer"):
        start.wait_for_port("127.0.0.1", free, timeout_s=0.2)


def test_a_child_that_ends_is_a_failure_and_a_stubborn_one_is_killed(monkeypatch):
    monkeypatch.setattr(start, "STOP_AFTER_S", 0.5)
    children = start.Children(print)
    children.start([sys.executable, "-c", STUBBORN])
    children.start([sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(CommandError, match="ended with code 3"):
        children.wait()
    stubborn = children._running[0][0]
    children.stop()
    assert stubborn.returncode == -9
    with pytest.raises(ProcessLookupError):
        os.kill(stubborn.pid, 0)


def test_a_child_that_was_up_is_started_again_and_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(start, "STAYS_UP_S", 0.0)
    told, times = [], tmp_path / "times"
    script = f"f = open({str(times)!r}, 'a'); f.write('x'); f.close(); raise SystemExit(3)"

    def tell(text: str) -> None:
        told.append(text)
        if len(told) == 2:  # or it would go on for ever
            monkeypatch.setattr(start, "STAYS_UP_S", 60.0)

    children = start.Children(tell)
    children.start([sys.executable, "-c", script])
    with pytest.raises(CommandError, match="ended with code 3"):
        children.wait()
    assert times.read_text() == "xxx"
    assert all(text.endswith("ended with code 3 and was started again.") for text in told)


def test_static_files_are_collected_again_only_when_a_source_is_newer(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    assert start.static_is_stale()
    manifest = tmp_path / "staticfiles.json"
    manifest.touch()
    os.utime(manifest, (time.time() + 60,) * 2)
    assert not start.static_is_stale()
    os.utime(manifest, (1, 1))
    assert start.static_is_stale()


def test_a_sample_that_fails_warns_and_lets_the_site_stand(monkeypatch):
    def failing(name, **options):
        raise CommandError("The worker did not finish.")

    monkeypatch.setattr(start, "call_command", failing)
    said = StringIO()
    start.Command(stderr=said, no_color=True)._seed_sample()
    assert said.getvalue() == "No sample was analysed: The worker did not finish.\n"
