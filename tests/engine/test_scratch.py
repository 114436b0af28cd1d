"""A scratch folder is private, and gone on every way out."""

import os
import subprocess
import sys
import time

import pytest

from imaging.engine import scratch
from imaging.engine.scratch import scratch_folder, scratch_sweep
from imaging.engine.spawning import ROOT


@pytest.fixture
def base(tmp_path, monkeypatch):
    monkeypatch.setattr(scratch, "_TMPFS", tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def left_in(base):
    """What lies in the yards of this process."""
    return [folder for yard in base.iterdir() for folder in yard.iterdir() if folder.is_dir()]


def test_it_is_private_and_removed(base):
    with scratch_folder(room_bytes=1) as folder:
        assert folder.parent.parent == base
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "pixels.raw").write_bytes(b"1")
    assert left_in(base) == []


def test_it_is_removed_after_an_error(base):
    with pytest.raises(RuntimeError), scratch_folder(room_bytes=1):
        raise RuntimeError
    assert left_in(base) == []


def test_memory_too_small_gives_the_folder_for_temporary_files(tmp_path, monkeypatch):
    (tmp_path / "shm").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(scratch, "_TMPFS", tmp_path / "shm")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with scratch_folder(room_bytes=1 << 60) as folder:
        assert folder.parent.parent == tmp_path / "tmp"


def test_a_sweep_takes_what_a_killed_process_left_and_nothing_in_use(base):
    code = (
        "import time; from pathlib import Path; from imaging.engine import scratch\n"
        f"scratch._TMPFS = Path({str(base)!r})\n"
        "with scratch.scratch_folder(room_bytes=1) as folder:\n"
        "    (folder / 'x').write_text('x'); print('ready', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE)
    other.stdout.readline()
    (base / f"{scratch.PREFIX}foreign").mkdir()
    with scratch_folder(room_bytes=1) as mine:
        assert scratch_sweep() == 0
        other.kill()
        other.wait()
        time.sleep(0.05)
        assert scratch_sweep() == 1
        assert mine.exists()
        here = {path.name for path in base.iterdir()}
        assert here == {f"{scratch.PREFIX}foreign", mine.parent.name}
    other.stdout.close()


def test_a_fork_leaves_its_parents_folder_alone(base):
    with scratch_folder(room_bytes=1) as folder:
        pid = os.fork()
        if pid == 0:
            break_out()
        os.waitpid(pid, 0)
        assert folder.exists()


def break_out():
    """End a forked process the way an interpreter ends: through every `finally`."""
    try:
        with scratch_folder(room_bytes=1):
            raise SystemExit
    finally:
        os._exit(0)
