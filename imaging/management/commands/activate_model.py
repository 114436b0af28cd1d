"""Let a checked model serve without the two yeses, as whoever has this machine may; audited."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from imaging.models import ModelVersion
from imaging.registry.states import model_activate
from imaging.services.refusals import NotPossible


class Command(AnswersJson):
    help = (
        "Activate a checked model as the operator of this machine. On the site it takes a clinical"
        " and a technical yes of two people; this is for a machine of one's own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the model")
        parser.add_argument("--model-version", default="", metavar="X.Y.Z",
                            help="default: the newest")  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, name: str, model_version: str, **options: Any) -> None:
        found = ModelVersion.objects.filter(name=name)
        if model_version:
            found = found.filter(version=model_version)
        model = found.order_by("-created_at").first()
        if model is None:
            wanted = f"“{name}” {model_version}".rstrip()
            raise misuse(f"There is no model named {wanted}. Take it in first: import_model.")
        try:
            model = model_activate(user=None, model=model)
        except NotPossible as refusal:
            raise CommandError(str(refusal)) from refusal
        told = {"model": model.name, "version": model.version, "state": model.state}
        self.stdout.write(json.dumps(told) if options["json"] else f"{model} is active.")
