"""Send the webhooks that are due; the worker's supervisor starts it when there are some."""

from __future__ import annotations

import json

from accounts import audit
from accounts.json_answers import AnswersJson
from accounts.services.outbox import is_due
from accounts.webhooks.sender import send_due


class Command(AnswersJson):
    help = (
        "Send the messages to other systems that are due now, each once; what failed stays in"
        " the list of deliveries."
    )
    example = "send_webhooks --linger 30"

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--linger", type=float, default=0.0, metavar="SECONDS",
            help="end only after so long without anything to send; default: at once",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object")

    @audit.as_worker
    def handle(self, *, linger: float, **options) -> None:
        tried = send_due(linger)
        if options["json"]:
            self.stdout.write(json.dumps({"tries": tried, "is_due": is_due()}))
        elif options["verbosity"]:
            self.stdout.write(f"{tried} tries were made.")
