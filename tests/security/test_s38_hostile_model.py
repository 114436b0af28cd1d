"""S38: a model that does run code reaches nothing: no network, key, file, job or process."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

import pytest
from django.urls import reverse

from imaging.engine import landlock
from imaging.engine.client import Engine
from imaging.engine.isolation import confinement, in_words
from imaging.engine.scratch import scratch_folder
from imaging.engine.spawning import ROOT
from tests.accounts.factories import UserFactory, verify

pytestmark = pytest.mark.engine
MEMORY = {"parent's memory", "parent's memory by a call"}  # here the parent would be pytest's


@pytest.fixture(scope="module")
def canary() -> str:
    return f"CANARY-{uuid.uuid4().hex}"


@pytest.fixture
def places(tmp_path, canary, monkeypatch):
    """Ten and more things that nobody may fetch, each holding the canary."""
    files = {}
    for name in ("database", "dotenv", "owner_only", "media"):
        files[name] = tmp_path / name
        files[name].write_text(canary)
        files[name].chmod(0o600)
    other = Path(tempfile.mkdtemp(prefix="mediscan-scratch-other-", dir="/dev/shm"))
    files["other_scratch"] = other / "pixels.raw"
    files["other_scratch"].write_text(canary)
    monkeypatch.setenv("VAULT_KEK", canary)
    yield {name: str(path) for name, path in files.items()} | {"target": str(tmp_path / "new")}
    files["other_scratch"].unlink()
    other.rmdir()


@pytest.fixture
def listeners(tmp_path):
    """A port and a local socket; what knocks is kept."""
    knocks: list[bytes] = []
    port, local = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    local.bind(str(tmp_path / "local.sock"))
    local.listen()

    def hear(server: socket.socket) -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            knocks.append(line.recv(100))
            line.close()

    for server in (port, local):
        threading.Thread(target=hear, args=(server,), daemon=True).start()
    yield {"port": port.getsockname()[1], "unix": str(tmp_path / "local.sock")}, knocks
    for server in (port, local):
        server.shutdown(socket.SHUT_RDWR)
        server.close()


@pytest.fixture
def bystander():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("mode", ["infer", "decode"])
def test_none_of_the_canaries_is_reached(mode, places, listeners, bystander, canary):
    if not landlock.version():
        pytest.skip("this kernel has no Landlock: manage.py check --deploy says so too")
    where, knocks = listeners
    secret = ctypes.create_string_buffer(canary.encode())
    engine = Engine(mode, module="tests.engine.hostile_child")
    try:
        found = engine.call(
            "reach", timeout_s=60, canary=canary, parent=os.getpid(),
            address=ctypes.addressof(secret), bystander=bystander.pid, **places, **where,
        )  # fmt: skip
    finally:
        engine.close()
    reached = {name: text for name, text in found.items() if canary in text}
    assert reached == {}
    assert len(found) >= 14
    assert knocks == []
    assert not Path(places["target"]).exists()
    assert bystander.poll() is None
    refused = [name for name, text in found.items() if text.startswith("refused: ")]
    assert set(found) - set(refused) <= {"own environment"}, "which is empty of secrets"


def test_each_attempt_succeeds_where_nothing_confines(places, listeners, bystander, canary):
    """The attempts are real: without the measures they bring the canary home."""
    from tests.engine import hostile_child

    where, _knocks = listeners
    args = {"canary": canary, "parent": os.getpid(), **places, **where}
    beyond = {"own environment", "parent's environment", "a process outside"}
    for name in hostile_child.ATTEMPTS.keys() - beyond - MEMORY:
        assert canary in hostile_child._try(hostile_child.ATTEMPTS[name], args), name
    assert canary in os.environ["VAULT_KEK"]
    assert Path(places["target"]).exists()


def test_the_measures_of_this_machine_are_told():
    held = confinement()
    engine = Engine("decode", module="tests.engine.fake_child")
    try:
        engine.start()
        assert engine.hello["landlock"] == held.landlock
        assert engine.hello["calls_filtered"] is held.calls_filtered
    finally:
        engine.close()


def test_a_child_enters_the_folder_of_its_own_job_and_no_later_one_elsewhere(tmp_path):
    engine = Engine("infer", module="tests.engine.fake_child")
    try:
        with scratch_folder() as first:
            engine.call("fill", timeout_s=30, folder=str(first), mib=0)
            assert (first / "big").exists()
        with scratch_folder() as second:
            engine.call("fill", timeout_s=30, folder=str(second), mib=0)
        assert engine.starts == 1, "folders of one worker lie in one yard"
        if landlock.version():
            with pytest.raises(Exception, match="failed unexpectedly"):
                engine.call("fill", timeout_s=30, folder=str(tmp_path), mib=0)
    finally:
        engine.close()


def test_the_data_folder_lies_outside_of_what_a_child_may_read():
    from imaging.engine.limits import Reach, _readable

    allowed = [path.resolve() for path in _readable(Reach())]
    for secret in (ROOT / ".env", ROOT / "var" / "db.sqlite3", ROOT / "manage.py"):
        assert not any(secret.resolve().is_relative_to(one) for one in allowed), secret


@pytest.mark.django_db
def test_staff_read_what_is_in_force_and_others_do_not(client):
    address = reverse("readyz")
    assert "engine" not in client.get(address).json()
    verify(client, UserFactory(is_staff=True, is_superuser=True))
    told = client.get(address).json()["engine"]
    assert told == in_words(confinement())
    assert ("Landlock" in told) == bool(landlock.version())
