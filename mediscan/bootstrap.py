"""From a bare machine to .venv, with the system's Python alone: every failure is one sentence."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED_BYTES = 4 * 2**30
OLDEST = (3, 11)
LOCKED = ("CPython", (3, 11), "Linux", "x86_64")  # what the hashes of requirements.lock are of
# with hashes pip would prefer the index's CUDA build to the CPU wheel beside this machine
BUILT_FOR_THE_MACHINE = "torch=="

# what pip or venv says -> what a person can do about it
REMEDIES = (
    (
        "DO NOT MATCH THE HASHES",
        "A package is not the file that requirements.lock names; var/install.log says which."
        " If your own index serves builds of its own, and you trust it: make setup LOCK=no",
    ),
    ("Python.h", "Python's headers are missing. Install them: apt install python3-dev gcc"),
    ("No space left", "The disk is full. Free 4 GB and run the command again."),
    ("ensurepip", "Python's venv module is incomplete. Install it: apt install python3-venv"),
    ("Temporary failure in name resolution", "There is no network. Connect it and run again."),
    ("Failed to establish a new connection", "There is no network. Connect it and run again."),
    ("NewConnectionError", "There is no network. Connect it and run again."),
    ("Network is unreachable", "There is no network. Connect it and run again."),
    (
        "No matching distribution found",
        "A pinned package cannot be found: is the network or the"
        " package index reachable? The last lines of var/install.log name it.",
    ),
)


def main(arguments: list[str]) -> int:
    """Run `start`, `setup` or `setup-dev`; the exit code is for make."""
    step = arguments[0] if arguments else "start"
    try:
        prepare(dev=step == "setup-dev")
        if step == "start":
            return start(arguments[1:])
    except Stop as stop:
        print(f"MediScan: {stop}", file=sys.stderr)
        return 1
    return 0


class Stop(Exception):
    """Nothing more can be done; the text is the sentence and its remedy."""


def prepare(*, dev: bool) -> None:
    """Make .venv and install the pinned packages, unless that was done already."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:2]))
        raise Stop(
            f"Python {found} is too old; 3.11 or newer is needed."
            " Say which: make start PYTHON=python3.11"
        )
    wanted = ROOT / ("requirements-dev.txt" if dev else "requirements.txt")
    stamp = VENV / f".installed-{wanted.stem}"
    lock = _lock()
    digest = _digest(wanted, *lock)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES and not PYTHON.exists():
        raise Stop(f"{free / 2**30:.1f} GB of disk are free; 4 GB are needed. Free some first.")
    if not PYTHON.exists():
        print("Creating .venv …", flush=True)
        _quietly([sys.executable, "-m", "venv", str(VENV)])
    print(f"Installing {wanted.name} (a minute or two) …", flush=True)
    if lock:
        locked = VENV / "locked.txt"
        locked.write_text(_but_torch(lock[0].read_text()))
        _pip("--no-deps", "--require-hashes", "-r", str(locked))
    else:
        print("The packages' hashes are not compared: requirements.lock is for another machine"
              " or switched off.", flush=True)  # fmt: skip
    _pip("-r", str(wanted))  # behind the lock: torch with what its build brings, and the tools
    stamp.write_text(digest)


def start(arguments: list[str]) -> int:
    """Write .env if there is none, then hand over to `manage.py start`."""
    manage = [str(PYTHON), str(ROOT / "manage.py")]
    if not (ROOT / ".env").exists() and "VAULT_KEK" not in os.environ:
        made = subprocess.run(
            [*manage, "create_env_file", "--output", str(ROOT / ".env")], check=False, cwd=ROOT
        )
        if made.returncode:
            raise Stop("The file .env could not be written. Is this folder writable?")
    os.chdir(ROOT)
    os.execv(manage[0], [*manage, "start", *arguments])  # Ctrl-C goes straight to it


def _lock() -> list[Path]:
    """Return the lock where its hashes are of this kind of machine, unless LOCK=no."""
    python, version = platform.python_implementation(), sys.version_info[:2]
    here = (python, version, platform.system(), platform.machine())
    lock = ROOT / "requirements.lock"
    return [lock] if here == LOCKED and lock.exists() and os.environ.get("LOCK") != "no" else []


def _but_torch(lock: str) -> str:
    pins = lock.replace("\\\n", " ").splitlines()
    return "\n".join(pin for pin in pins if not pin.startswith(BUILT_FOR_THE_MACHINE)) + "\n"


def _digest(*files: Path) -> str:
    texts = [path.read_bytes() for path in (ROOT / "requirements.txt", *files)]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def _pip(*arguments: str) -> None:
    _quietly([str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments])


def _quietly(command: list[str]) -> None:
    log = ROOT / "var" / "install.log"
    log.parent.mkdir(exist_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise Stop(f"{command[0]} cannot be started: {error.strerror}.") from None
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        said = done.stdout + done.stderr
        for clue, remedy in REMEDIES:
            if clue in said:
                raise Stop(remedy)
        raise Stop("The installation failed; var/install.log says why in its last lines.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
