"""Look the house over and say, in words or JSON, what is well and what is to be mended."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import CommandParser

from accounts.json_answers import AnswersJson
from mediscan.doctor import FAIL, OK, WARN, Finding, examine

_STYLE = {OK: "SUCCESS", WARN: "WARNING", FAIL: "ERROR"}


class Command(AnswersJson):
    help = (
        "Look at database, queue, engine, devices, decoders, fonts, mail, disk, keys, models and"
        " settings."
    )
    ends = "Exit codes: 0 all is well or only warned about, 1 something fails, 2 asked wrongly."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, **options: Any) -> None:
        found = []
        for finding in examine():
            found.append(finding)
            if not options["json"]:
                self._say(finding)
        failed = sum(one.state == FAIL for one in found)
        if options["json"]:
            told = {"state": _worst(found), "findings": [one.told() for one in found]}
            self.stdout.write(json.dumps(told, indent=1, ensure_ascii=False))
        else:
            warned = sum(one.state == WARN for one in found)
            self.stdout.write(f"{len(found)} looked at: {failed} fail, {warned} warned about.")
        if failed:
            sys.exit(1)

    def _say(self, finding: Finding) -> None:
        word = getattr(self.style, _STYLE[finding.state])(f"{finding.state:<4}")
        self.stdout.write(f"{word} {finding.name}: {finding.words}")
        if finding.remedy:
            self.stdout.write(f"     {finding.remedy}")


def _worst(found: list[Finding]) -> str:
    return next((state for state in (FAIL, WARN) if any(o.state == state for o in found)), OK)
