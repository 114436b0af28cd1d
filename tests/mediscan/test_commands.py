"""Every command of the house: help that reads well, 0 done, 1 failed, 2 asked wrongly, --json."""

from __future__ import annotations

import argparse
import json

import pytest
from django.core.management import base, get_commands, load_command_class

from mediscan.env_file import main as create_env_file
from tests.mediscan.command_calls import Here
from tests.mediscan.command_rows import ROWS

pytestmark = pytest.mark.django_db
APPS = ("accounts", "imaging", "analytics", "reports", "mediscan")
NAMES = sorted(name for name, app in get_commands().items() if app in APPS)


@pytest.fixture
def here(tmp_path, monkeypatch, settings, queued) -> Here:
    monkeypatch.setattr(base.connections, "close_all", lambda: None)  # the test's own stays
    monkeypatch.setattr(base.BaseCommand, "check", lambda self, **options: None)
    monkeypatch.setattr(base.BaseCommand, "check_migrations", lambda self: None)
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.jsonl")
    return Here(tmp_path, monkeypatch, settings)


def command(name: str):
    return load_command_class(get_commands()[name], name)


@pytest.fixture
def ended(here, capsys):
    """Call a command as the shell does; give its exit code, its output and its complaints."""

    def call(name: str, *arguments) -> tuple[int, str, str]:
        code = 0
        try:
            command(name).run_from_argv(["manage.py", name, *map(str, arguments)])
        except SystemExit as end:
            code = end.code or 0
        return (code, *capsys.readouterr())

    return call


def called(what) -> list[str]:
    return [name for name in NAMES if callable(getattr(ROWS[name], what))]


def test_every_command_stands_in_the_table():
    assert set(NAMES) == ROWS.keys()


def parsers(parser):
    yield parser
    for one in parser._actions:
        if isinstance(one, argparse._SubParsersAction):
            for inner in one.choices.values():
                yield from parsers(inner)


@pytest.mark.parametrize("name", NAMES)
def test_its_help_says_what_it_does_what_each_option_is_and_how_it_ends(ended, name):
    whole = command(name).create_parser("manage.py", name)
    for parser in parsers(whole):
        assert parser.description, parser.prog
        for one in parser._actions:
            named = one.dest if isinstance(one, argparse._SubParsersAction) else one.help
            assert named, f"{parser.prog}: {one.dest} has no help"
    assert whole.description.endswith(".")
    code, out, err = ended(name, "--help")
    assert (code, err) == (0, "")
    told = " ".join(out.split()).lower()
    assert "exit codes: 0 " in told
    assert "2 asked wrongly." in told
    assert name in told


WRONG = [(name, number) for name in NAMES for number in range(len(ROWS[name].wrong))]


@pytest.mark.parametrize(("name", "number"), WRONG)
def test_asked_wrongly_it_ends_with_2_names_the_thing_and_the_remedy(here, ended, name, number):
    call, thing, remedy = ROWS[name].wrong[number]
    code, out, err = ended(name, *call(here))
    assert (code, out) == (2, ""), err
    assert thing in err
    assert remedy in err


@pytest.mark.parametrize("name", NAMES)
def test_an_option_that_there_is_not_is_named(here, ended, name):
    good = ROWS[name].good
    code, out, err = ended(name, *(good(here) if callable(good) else []), "--no-such-option")
    assert (code, out) == (2, "")
    assert "--no-such-option" in err
    assert "usage: manage.py" in err


@pytest.mark.parametrize("name", called("good"))
def test_what_is_done_ends_with_0(here, ended, name):
    code, _out, err = ended(name, *ROWS[name].good(here))
    assert code == 0, err


@pytest.mark.parametrize("name", called("bad"))
def test_what_failed_ends_with_1_and_says_why(here, ended, name):
    code, out, err = ended(name, *ROWS[name].bad(here))
    assert code == 1, err
    assert (out + err).strip()


WITH_JSON = [
    (name, what) for what in ("good", "bad") for name in called(what) if not ROWS[name].no_json
]


@pytest.mark.parametrize(("name", "what"), WITH_JSON)
def test_with_json_it_prints_one_document_whatever_came_of_it(here, ended, name, what):
    code, out, err = ended(name, *getattr(ROWS[name], what)(here), "--json")
    assert code == (what == "bad"), err
    assert isinstance(json.loads(out), (dict, list))


@pytest.mark.parametrize("name", NAMES)
def test_a_command_without_json_has_its_reason(name):
    options = {text for parser in parsers(command(name).create_parser("manage.py", name))
               for one in parser._actions for text in one.option_strings}  # fmt: skip
    assert ("--json" in options) != bool(ROWS[name].no_json)


def test_the_file_of_settings_is_written_before_any_command_is_known(tmp_path, capsys):
    file = str(tmp_path / ".env")
    for arguments, code in (
        (["--output", file, "--json"], 0), (["--output", file, "--json"], 1),
        (["--no-such-option"], 2), (["--help"], 0),
    ):  # fmt: skip
        try:
            ended = create_env_file(arguments)
        except SystemExit as end:
            ended = end.code
        out, err = capsys.readouterr()
        assert ended == code, err
        if "--json" in arguments:
            assert isinstance(json.loads(out), dict)
        assert bool(err) == bool(code)
    assert "Exit codes: 0 written" in " ".join(out.split())
