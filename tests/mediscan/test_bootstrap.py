"""From a bare machine to .venv: what is missing is said in one sentence with its remedy."""

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from mediscan import bootstrap


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A folder with requirements and no .venv; commands are recorded, not run."""
    (tmp_path / "requirements.txt").write_text("a==1\n")
    (tmp_path / "requirements-dev.txt").write_text("-r requirements.txt\nb==1\n")
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    ran = []

    def run(command, **options):
        ran.append(command)
        if "venv" in command:
            bootstrap.PYTHON.parent.mkdir(parents=True)
            bootstrap.PYTHON.touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    return ran


def test_the_first_time_installs_and_the_second_does_nothing(bare):
    bootstrap.prepare(dev=False)
    assert len(bare) == 2
    assert bare[1][-1].endswith("requirements.txt")
    bootstrap.prepare(dev=False)
    assert len(bare) == 2


def test_changed_requirements_are_installed_again(bare):
    bootstrap.prepare(dev=True)
    (bootstrap.ROOT / "requirements.txt").write_text("a==2\n")
    bootstrap.prepare(dev=True)
    assert [command[-1].rsplit("/", 1)[-1] for command in bare if "pip" in command] == [
        "requirements-dev.txt",
        "requirements-dev.txt",
    ]


@pytest.fixture
def locked(bare, monkeypatch):
    """The same folder with a lock for this machine, whichever it is."""
    lock = "a==1 \\\n    --hash=sha256:00\ntorch==2 \\\n    --hash=sha256:22\n"
    (bootstrap.ROOT / "requirements.lock").write_text(lock)
    here = (
        platform.python_implementation(),
        sys.version_info[:2],
        platform.system(),
        platform.machine(),
    )
    monkeypatch.setattr(bootstrap, "LOCKED", here)
    return bare


def test_hashes_are_compared_first_and_torch_comes_after_with_what_its_build_brings(locked):
    bootstrap.prepare(dev=True)
    first, second = locked[1:]
    assert first[4:] == ["--disable-pip-version-check", "--no-deps", "--require-hashes", "-r",
                         str(bootstrap.VENV / "locked.txt")]  # fmt: skip
    assert (bootstrap.VENV / "locked.txt").read_text().split() == ["a==1", "--hash=sha256:00"]
    assert second[-1].endswith("requirements-dev.txt")
    assert "--require-hashes" not in second


def test_a_new_lock_is_installed_again(locked):
    bootstrap.prepare(dev=False)
    (bootstrap.ROOT / "requirements.lock").write_text("a==1 --hash=sha256:11\n")
    bootstrap.prepare(dev=False)
    assert sum("--require-hashes" in command for command in locked) == 2


@pytest.mark.parametrize(
    "other",
    [
        ("CPython", (3, 99), "Linux", "x86_64"),
        ("CPython", sys.version_info[:2], "Linux", "riscv"),
        ("Jython", sys.version_info[:2], platform.system(), platform.machine()),
    ],
)
def test_another_machine_is_served_without_hashes_and_told_so(locked, monkeypatch, capsys, other):
    monkeypatch.setattr(bootstrap, "LOCKED", other)
    bootstrap.prepare(dev=False)
    assert not any("--require-hashes" in command for command in locked)
    assert locked[-1][-1].endswith("requirements.txt")
    assert "hashes are not compared" in capsys.readouterr().out


def test_the_lock_can_be_switched_off(locked, monkeypatch):
    monkeypatch.setenv("LOCK", "no")
    bootstrap.prepare(dev=False)
    assert not any("--require-hashes" in command for command in locked)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "LOCK=no"),
        ("fatal error: Python.h: No such file", "apt install python3-dev gcc"),
        ("OSError: [Errno 28] No space left on device", "Free 4 GB"),
        ("Error: ensurepip is not available", "apt install python3-venv"),
        ("NewConnectionError: Failed to establish a new connection", "Connect it"),
        ("ERROR: No matching distribution found for a==1", "package index"),
        ("something odd", "var/install.log"),
    ],
)
def test_each_failure_is_one_sentence(bare, monkeypatch, capsys, said, remedy):
    def fail(command, **options):
        return subprocess.CompletedProcess(command, 1, "", said)

    monkeypatch.setattr(bootstrap.subprocess, "run", fail)
    assert bootstrap.main(["setup"]) == 1
    printed = capsys.readouterr().err
    assert remedy in printed
    assert printed.count("\n") == 1
    assert "Traceback" not in printed
    assert said in (bootstrap.ROOT / "var" / "install.log").read_text()


def test_an_old_python_is_named(bare, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    assert bootstrap.main(["setup"]) == 1
    assert "Python 3.9 is too old" in capsys.readouterr().err
    assert bare == []


def test_a_full_disk_is_seen_before_anything_is_written(bare, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30))
    assert bootstrap.main(["setup"]) == 1
    assert "1.0 GB of disk are free" in capsys.readouterr().err
    assert bare == []
