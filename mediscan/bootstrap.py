"""From a bare machine to .venv, with the system's Python alone: every failure is one sentence."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED_BYTES = 4 * 2**30
OLDEST = (3, 11)

# what pip or venv says -> what a person can do about it
REMEDIES = (
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
    digest = _digest(wanted)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    free = shutil.disk_usage(ROOT).free
    if free < NEEDED_BYTES and not PYTHON.exists():
        raise Stop(f"{free / 2**30:.1f} GB of disk are free; 4 GB are needed. Free some first.")
    if not PYTHON.exists():
        print("Creating .venv …", flush=True)
        _quietly([sys.executable, "-m", "venv", str(VENV)])
    print(f"Installing {wanted.name} (a minute or two) …", flush=True)
    _quietly(
        [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "-r", str(wanted)]
    )
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


def _digest(requirements: Path) -> str:
    text = (ROOT / "requirements.txt").read_bytes() + requirements.read_bytes()
    return hashlib.sha256(text).hexdigest()


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
