"""Calls of the house's commands: what each needs is made, what takes an engine is stood in for.

The other tests of a command use the real engine; here it is about how a command ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from accounts.services.trail_walk import Finding as Damage
from accounts.services.trail_walk import Verdict
from accounts.vault.ledger import LedgerBroken
from imaging.registry.looking import Difference
from imaging.services.refusals import NotPossible
from imaging.terminal.third_party import Line
from mediscan.backup.envelope import key_pair
from mediscan.backup.restoring import Restored
from mediscan.doctor import Finding
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
)
from tests.imaging.tiny_models import make_ensemble, make_model, picture, write_png

IMAGING, MEDISCAN, ACCOUNTS = (f"{app}.management.commands" for app in
                               ("imaging", "mediscan", "accounts"))  # fmt: skip
NOWHERE = "/nowhere/at/all"


@dataclass
class Here:
    """A folder, and the doors to stand in for something."""

    path: Path
    monkeypatch: pytest.MonkeyPatch
    settings: object

    def stand_in(self, command: str, **names) -> None:
        for name, value in names.items():
            self.monkeypatch.setattr(f"{command}.{name}", value)

    def file(self, name: str, text: str = "x") -> Path:
        made = self.path / name
        made.write_text(text)
        return made


Call = Callable[[Here], list]


def raising(error: Exception) -> Callable:
    def never(*args, **kwargs):
        raise error

    return never


def plain(*arguments) -> Call:
    return lambda here: list(arguments)


def first(value) -> Callable:
    return lambda *args, **kwargs: value


# --- the models folder


def with_models(here: Here) -> list:
    """An ensemble of one, a picture and its reference mask."""
    here.settings.MODELS_DIR = here.path / "models"
    make_model(here.settings.MODELS_DIR, "bright")
    make_ensemble(here.settings.MODELS_DIR, "one", "bright")
    write_png(here.path / "images" / "0.png", picture())
    write_png(here.path / "references" / "0.png", picture())
    return ["--ensemble", "one"]


def analyze(outcome: str) -> Call:
    def call(here: Here) -> list:
        row = {"file": "0.png", "outcome": outcome, "answer": "nothing", "reason": "It is torn."}
        here.stand_in(
            f"{IMAGING}.analyze", decode_engine=nullcontext, infer_engine=first(None),
            series_found=lambda decoder, files: files, as_inputs=list,
            input_analyse=first(row), summary_write=first(None),
        )  # fmt: skip
        return [here.path / "images", *with_models(here), "--out", here.path / "out"]

    return call


def compared(here: Here) -> list:
    return [*with_models(here), "--images", here.path / "images",
            "--references", here.path / "references"]  # fmt: skip


def no_pictures(here: Here) -> list:
    return [*with_models(here), "--images", NOWHERE, "--references", NOWHERE]


def validate(failed: int) -> Call:
    def call(here: Here) -> list:
        here.stand_in(
            f"{IMAGING}.validate", report_of=first({"images": 1}), report_table=first("a table"),
        )  # fmt: skip
        here.stand_in(f"{IMAGING}.validate.Command", _examine=first(([], failed)))
        return compared(here)

    return call


def tune(failed: int) -> Call:
    def call(here: Here) -> list:
        here.stand_in(
            f"{IMAGING}.tune_ensemble", propose=first({"weights": [1.0]}), words=first(["1.0"])
        )
        here.stand_in(f"{IMAGING}.tune_ensemble.Command", _tried=first(([], failed)))
        return compared(here)

    return call


def inspect(outcome: str) -> Call:
    def call(here: Here) -> list:
        row = {"file": "a.png", "outcome": outcome, "count": 1, "reason": "It is torn."}
        here.stand_in(
            f"{IMAGING}.inspect", decode_engine=nullcontext, outcomes_grouped=first([row])
        )
        return [here.file("a.png")]

    return call


def taken(command: str, error: Exception | None = None) -> Call:
    def call(here: Here) -> list:
        draft = SimpleNamespace(notes=["Look at it."])
        take = raising(error) if error else lambda sent: ModelVersionFactory()
        here.stand_in(f"{IMAGING}.{command}", model_take=take)
        if command == "import_bundle":
            here.stand_in(f"{IMAGING}.{command}", read_bundle=first(draft), _written=first(None))
        return [here.path]

    return call


def golden(outcome: str) -> Call:
    def call(here: Here) -> list:
        words = {"outcome": outcome, "sentence": "It was run.", "figures": []}
        here.stand_in(f"{IMAGING}.run_golden", golden_words=first(words))
        return [ModelVersionFactory().name]

    return call


def make_golden(write: Callable) -> Call:
    def call(here: Here) -> list:
        here.stand_in(f"{IMAGING}.make_golden", decode_engine=nullcontext,
                      infer_engine=first(None), golden_write=write)  # fmt: skip
        return ["bright", here.file("a.png")]

    return call


def proven(holds: bool) -> Call:
    def call(here: Here) -> list:
        (here.path / "weights").mkdir()
        line = Line("Dice", "0.9", "0.8", holds)
        here.stand_in(f"{IMAGING}.prove_models", lgg_reaches_its_dice=first([line]))
        return ["--data", here.path, "--only", "lgg"]

    return call


def synced(here: Here) -> list:
    here.settings.MODELS_DIR, here.settings.STARTER_MODELS = here.path, []
    return []


def out_of_line(here: Here) -> list:
    here.stand_in(f"{IMAGING}.sync_models", models_compare=first([Difference("new", "lungs")]))
    return ["--check"]


def activate(error: Exception | None = None) -> Call:
    def call(here: Here) -> list:
        act = raising(error) if error else lambda user, model: model
        here.stand_in(f"{IMAGING}.activate_model", model_activate=act)
        return [ModelVersionFactory().name]

    return call


def approve(error: Exception | None = None) -> Call:
    def call(here: Here) -> list:
        act = raising(error) if error else lambda user, ensemble: ensemble
        here.stand_in(f"{IMAGING}.approve_ensemble", ensemble_approve=act)
        return [EnsembleFactory(organisation=OrganisationFactory(), state="proposed").name]

    return call


# --- the rest of the house


def peers(here: Here) -> list:
    row = {"ae_title": "CT1", "organisation": str(OrganisationFactory().pk)}
    return ["--peers", here.file("peers.json", json.dumps([row]))]


def busy(here: Here) -> list:
    taken = OSError(98, "Address already in use")
    here.monkeypatch.setattr("imaging.dimse.listener.Listener.start", raising(taken))
    return peers(here)


def no_ledger(here: Here) -> list:
    here.stand_in(f"{IMAGING}.replay_erasures", erasures_replay=raising(LedgerBroken("Line 3")))
    return []


def changed_result(here: Here) -> list:
    return ["--result", ResultFactory().pk]  # stored without a seal


def examined(state: str) -> Call:
    def call(here: Here) -> list:
        found = Finding("disk", state, "It was looked at.", "Mend it.")
        here.stand_in(f"{MEDISCAN}.doctor", examine=first([found]))
        return []

    return call


def restored(here: Here) -> list:
    made = Restored(backup="1", made="2026-01-01", files=1, size=1)
    here.stand_in(f"{MEDISCAN}.restore", backup_restore=first(made), restore_record=first(None),
                  call_command=first(None))  # fmt: skip
    return [here.file("house.backup"), "--key", here.file("private.pem")]


def not_ours(here: Here, *before) -> list:
    key_pair(here.path / "private.pem", here.path / "public.pem")
    return [*before, here.file("house.backup", "no backup"), "--key", here.path / "private.pem"]


def damaged(here: Here) -> list:
    verdict = Verdict(rows=1, findings=[Damage(1, "the row was edited")])
    here.stand_in(f"{ACCOUNTS}.verify_audit", trail_verify=first(verdict))
    return []


def left(here: Here) -> list:
    here.monkeypatch.setattr("accounts.services.rotation.rotation_verify", first(["blob 1"]))
    return ["--verify", "--org", OrganisationFactory().pk]


def purge_refused(here: Here) -> list:
    refusal = NotPossible("The trail is damaged at entry 3.")
    here.stand_in(f"{ACCOUNTS}.purge_audit", purge_planned=raising(refusal))
    return ["--dry-run"]


def with_an_administrator(here: Here) -> list:
    UserFactory(is_superuser=True)
    return []


def with_a_study(here: Here) -> list:
    ImageFactory()
    return []


def dead_job(here: Here) -> list:
    JobFactory(dead=True)
    return []
