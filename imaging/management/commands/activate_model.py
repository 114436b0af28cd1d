"""Let a checked model serve without the two yeses, as whoever has this machine may; audited."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from imaging.models import ModelVersion
from imaging.registry.states import model_activate
from imaging.services.refusals import NotPossible


class Command(BaseCommand):
    help = (
        "Activate a checked model as the operator of this machine. On the site it takes a clinical"
        " and a technical yes of two people; this is for a machine of one's own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--model-version", default="", metavar="X.Y.Z")

    def handle(self, *, name: str, model_version: str, **options: Any) -> None:
        found = ModelVersion.objects.filter(name=name)
        if model_version:
            found = found.filter(version=model_version)
        model = found.order_by("-created_at").first()
        if model is None:
            raise CommandError(f"There is no model named “{name}” {model_version}".rstrip() + ".")
        try:
            model = model_activate(user=None, model=model)
        except NotPossible as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{model} is active.")
