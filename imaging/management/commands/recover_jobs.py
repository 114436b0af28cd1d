"""Take up what dead workers left, once; `manage.py worker` does this by itself."""

from __future__ import annotations

import json

from accounts.json_answers import AnswersJson
from imaging.services.recovery import recover_all


class Command(AnswersJson):
    help = "Queue again, or after three deaths fail, the work of workers that died."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, **options) -> None:
        count = recover_all()
        told = json.dumps({"recovered": count}) if options["json"] else f"{count} recovered."
        self.stdout.write(told)
