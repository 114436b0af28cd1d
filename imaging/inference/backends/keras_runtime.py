"""Keras on torch: the one place that imports it, after saying which backend and which home."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
# it writes a keras.json at import; never into somebody's home folder
os.environ.setdefault("KERAS_HOME", str(Path(tempfile.gettempdir()) / "mediscan-keras"))

import keras  # after the two lines above, which it reads

__all__ = ["keras"]
