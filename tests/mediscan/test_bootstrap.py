"""From a bare machine to .venv: what is missing is said in one sentence with its remedy."""

import subprocess
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


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
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
