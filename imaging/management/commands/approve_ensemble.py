"""Let a proposed ensemble serve without a second person, as whoever has this machine may."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from accounts.commands import misuse
from accounts.json_answers import AnswersJson
from imaging.models import Ensemble, EnsembleState
from imaging.services.ensembles import ensemble_approve
from imaging.services.refusals import NotPossible


class Command(AnswersJson):
    help = (
        "Approve a proposed ensemble as the operator of this machine. On the site an administrator"
        " does it who did not propose it; this is for a machine of one's own. It is audited."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="of the ensemble")
        parser.add_argument("--organisation", default="", help="its name, where several have one")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, name: str, organisation: str, **options: Any) -> None:
        found = Ensemble.objects.filter(name=name, state=EnsembleState.PROPOSED)
        if organisation:
            found = found.filter(organisation__name=organisation)
        rows = list(found[:2])
        if not rows:
            raise misuse(f"No proposed ensemble is named “{name}”. Propose it on the site first.")
        if len(rows) > 1:
            raise misuse(f"Several are named “{name}”: say which with --organisation.")
        try:
            ensemble = ensemble_approve(user=None, ensemble=rows[0])
        except NotPossible as refusal:
            raise CommandError(str(refusal)) from refusal
        told = {"ensemble": ensemble.name, "number": ensemble.number, "state": ensemble.state}
        self.stdout.write(json.dumps(told) if options["json"] else f"{ensemble} serves.")
