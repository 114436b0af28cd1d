"""A command of the terminal whose --json holds for a failure too."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

from django.core.management.base import CommandError

from accounts.commands import HouseCommand


class _Heard:
    """A stream that remembers whether anything was said on it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self.anything = stream, False

    def write(self, text: str) -> int:
        self.anything = True
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class AnswersJson(HouseCommand):
    """With --json, a failure that has told nothing yet is told as {"error": its sentence}."""

    def execute(self, *args: Any, **options: Any) -> Any:
        if options.get("json") is not True:
            return super().execute(*args, **options)
        heard = _Heard(options.get("stdout") or sys.stdout)
        try:
            return super().execute(*args, **options | {"stdout": heard})
        except CommandError as error:
            if not heard.anything:
                heard.write(json.dumps({"error": str(error)}, ensure_ascii=False) + "\n")
            raise
