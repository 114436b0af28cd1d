"""What this machine lets a child be held by; tried in a process that ends at once."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import gettempdir

from imaging.engine.limits import Held
from imaging.engine.spawning import environment

_TRY = """
import json, os
from dataclasses import asdict
from imaging.engine.limits import confine, decode_limits
print(json.dumps(asdict(confine(decode_limits(), os.getppid()))))
"""


@cache
def confinement(timeout_s: float = 30) -> Held:
    """What a child that confines itself, as the engine does, is held by on this machine."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _TRY],
        env=environment(Path(gettempdir())),
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    if done.returncode:
        return Held(network_isolated=False, address_space=None)
    return Held(**json.loads(done.stdout))


def is_isolated() -> bool:
    """Say whether a child is without a network."""
    return confinement().network_isolated


def in_words(held: Held) -> str:
    """The measures in force, for a log line and for staff."""
    measures = {
        "no network": held.network_isolated,
        f"files by Landlock {held.landlock}": held.landlock,
        "system calls filtered": held.calls_filtered,
    }
    missing = [name for name, there in measures.items() if not there]
    found = [name for name, there in measures.items() if there]
    return ", ".join(found) + (f" (missing: {', '.join(missing)})" if missing else "")
