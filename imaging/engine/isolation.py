"""Does this machine let a child leave the network? Tried in a process that ends at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

from imaging.engine.spawning import environment

_TRY = """
import os
from imaging.engine.limits import confine, decode_limits
print(confine(decode_limits(), os.getppid()).network_isolated)
"""


def is_isolated(timeout_s: float = 30) -> bool:
    """Say whether a child that confines itself, as the engine does, is without a network."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _TRY],
        env=environment(Path(gettempdir())),
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    return done.stdout.strip() == "True"
