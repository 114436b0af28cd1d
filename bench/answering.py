"""A suite's process: `python -m bench.answering module:function OPTIONS OUT`, JSON in and out."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path


def main(place: str, options: str, out: str) -> None:
    """Call the function inside a configured Django and write what it answers."""
    import django

    django.setup()
    module, _, function = place.partition(":")
    found = getattr(import_module(module), function)(**json.loads(options))
    Path(out).write_text(json.dumps(found, allow_nan=False), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
