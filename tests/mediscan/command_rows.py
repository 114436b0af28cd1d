"""How each command of the house is called so that it succeeds, fails, and is asked wrongly."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.services.refusals import NotPossible
from imaging.types import InferenceError
from mediscan.doctor import FAIL, OK
from tests.mediscan.command_calls import (
    NOWHERE,
    Call,
    activate,
    analyze,
    approve,
    busy,
    changed_result,
    compared,
    damaged,
    dead_job,
    examined,
    first,
    golden,
    inspect,
    left,
    make_golden,
    no_ledger,
    no_pictures,
    not_ours,
    out_of_line,
    peers,
    plain,
    proven,
    purge_refused,
    raising,
    restored,
    synced,
    taken,
    tune,
    validate,
    with_a_study,
    with_an_administrator,
    with_models,
)


@dataclass(frozen=True)
class Row:
    """good, bad: a call, or the sentence why there is none. wrong: calls, and what is said.

    no_json says why the command has none.
    """

    good: Call | str
    bad: Call | str
    wrong: tuple[tuple[Call, str, str], ...] = ()
    no_json: str = ""


SHOWN = "what it shows is a secret or a code for one person at the terminal, told once"
STAYS = "it runs until it is stopped, and its lines are the log"
UNSTOPPED = "it runs until it is stopped: tests/imaging/live and tests/mediscan/test_start.py"
ALWAYS = "what it cannot do stays where it is and is tried again"
MISSING = plain(NOWHERE)

ROWS = {
    "activate_model": Row(activate(), activate(NotPossible("It is odd.")),
        ((plain("other"), "other", "import_model"), (plain(), "name", "usage"))),
    "analyze": Row(analyze("analysed"), analyze("failed"),
        ((lambda h: [NOWHERE, *with_models(h), "--out", h.path], NOWHERE, "no file or folder"),
         (lambda h: [h.path, "--ensemble", "x", "--out", h.path], "x", "ensemble"),
         (plain(NOWHERE), "--out", "usage"))),
    "approve_ensemble": Row(approve(), approve(NotPossible("It is odd.")),
        ((plain("other"), "other", "Propose it"),)),
    "backup": Row(lambda h: ["keys", h.path / "keys"], lambda h: not_ours(h, "check"),
        ((plain("make", "/tmp/x.backup", "--to", NOWHERE), NOWHERE, "Look at the path"),
         (plain("check", NOWHERE, "--key", NOWHERE), NOWHERE, "Look at the path"),
         (plain("make", "/tmp/x.backup"), "to whom", "--to"), (plain(), "part", "usage"))),
    "cluster": Row(UNSTOPPED, UNSTOPPED, (), STAYS),
    "create_admin": Row(plain(), "where somebody exists there is nothing to do",
        ((plain("--email", "x"), "“x”", "kim@example.org"),), SHOWN),
    "dicom_listener": Row(lambda h: [*peers(h), "--check"], busy,
        ((plain("--peers", NOWHERE), NOWHERE, "cannot be read"), (plain(), "--peers", "usage"),
         (lambda h: [*peers(h), "--max-pdu", 1], "--max-pdu", "from 4096"),
         (lambda h: [*peers(h), "--tls-cert", "x"], "--tls-cert", "--tls-key"))),
    "doctor": Row(examined(OK), examined(FAIL)),
    "generate_jwt": Row(plain("genkey"), plain("decode", "eyJhbGciOiJIUzI1NiJ9.e30.x"),
        ((plain("generate", "--username", "nobody@example.org"), "nobody@", "e-mail address"),
         (plain("generate"), "--username", "usage"), (plain(), "genkey", "usage"))),
    "import_bundle": Row(taken("import_bundle"), taken("import_bundle", InferenceError("No.")),
        ((MISSING, NOWHERE, "Look at the path"), (plain(), "path", "usage"))),
    "import_model": Row(taken("import_model"), taken("import_model", InferenceError("No.")),
        ((MISSING, NOWHERE, "Look at the path"), (plain(), "path", "usage"),
         (lambda h: [h.path, "--metadata", NOWHERE], NOWHERE, "--metadata"))),
    "inspect": Row(inspect("listed"), inspect("refused"),
        ((MISSING, NOWHERE, "no file or folder"), (plain(), "path", "usage"))),
    "make_golden": Row(make_golden(first({"input": "a.png", "expected": "b.png"})),
        make_golden(raising(InferenceError("No."))),
        ((plain("bright", NOWHERE), NOWHERE, "Look at the path"),),
        "it writes a case that a person must look at first"),
    "model_kinds": Row(plain(), lambda h: ["--write", h.file("x.md")],
        ((plain("--write", NOWHERE), NOWHERE, "Look at the path"),),
        "it is a table in Markdown, for a document"),
    "prove_models": Row(proven(True), proven(False),
        ((plain("--data", NOWHERE), NOWHERE, "no folder weights"),),
        "it is a proof that a person reads beside the figures of the files"),
    "purge_audit": Row(plain("--dry-run"), purge_refused,
        ((plain("--keep-years", 0), "--keep-years", "at least one year"),)),
    "recover_jobs": Row(dead_job, ALWAYS),
    "replay_erasures": Row(plain(), no_ledger),
    "restore": Row(restored, not_ours,
        ((plain(NOWHERE, "--key", NOWHERE), NOWHERE, "Look at the path"),
         (plain("x"), "--key", "usage"))),
    "rotate_keys": Row(plain("--kek"), left,
        ((plain(), "what to rotate", "--kek"), (plain("--org", "x"), "--org", "Its page"),
         (plain("--kek", "--dry-run", "--verify"), "--dry-run", "give one"))),
    "run_golden": Row(golden("passed"), golden("failed"),
        ((plain("other"), "other", "sync_models"),)),
    "seed_sample": Row(with_a_study, plain(), (), "`start` calls it; its lines are the log"),
    "send_webhooks": Row(plain(), ALWAYS, ((plain("--linger", "x"), "--linger", "usage"),)),
    "setup_code": Row(plain(), with_an_administrator, (), SHOWN),
    "start": Row(UNSTOPPED, UNSTOPPED, ((plain("--port", "x"), "--port", "usage"),), STAYS),
    "sync_models": Row(synced, out_of_line),
    "tune_ensemble": Row(tune(0), tune(1),
        ((no_pictures, NOWHERE, "no file or folder"),
         (plain("--ensemble", "x"), "--images", "usage"))),
    "validate": Row(validate(0), validate(1),
        ((no_pictures, NOWHERE, "no file or folder"),
         (lambda h: [*compared(h), "--min", "x"], "x", "METRIC=VALUE"))),
    "verify_audit": Row(plain(), damaged,
        ((plain("--checkpoints", NOWHERE), NOWHERE, "cannot be read"),
         (plain("--since", "x"), "--since", "2026-01-31"))),
    "verify_results": Row(plain(), changed_result,
        ((plain("--result", "x"), "x", "UUID"),
         (plain("--result", "00000000-0000-4000-8000-000000000000"), "00000000", "Its page"))),
    "worker": Row(UNSTOPPED, UNSTOPPED, (), STAYS),
}  # fmt: skip
