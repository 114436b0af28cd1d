"""An operator's list of stolen passwords, in the format of Pwned Passwords."""

from __future__ import annotations

import hashlib

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError

from accounts.passwords.breached import is_breached
from accounts.passwords.validators import HardToGuess
from mediscan.env import env_path_or_none


@pytest.fixture
def stolen(tmp_path):
    """A list of a thousand, ordered by hash."""
    digests = [hashlib.sha1(f"stolen {n}".encode()).hexdigest().upper() for n in range(1000)]
    path = tmp_path / "pwned.txt"
    path.write_text("".join(f"{digest}:{n}\r\n" for n, digest in enumerate(sorted(digests), 1)))
    return path


def test_each_line_is_found_and_nothing_else(stolen):
    assert all(is_breached(f"stolen {number}", stolen) for number in range(1000))
    assert not any(is_breached(f"kept {number}", stolen) for number in range(1000))


@pytest.mark.parametrize("text", ["", "\n", "no list at all"])
def test_a_file_that_is_no_list_holds_nothing(tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text)
    assert not is_breached("anything", path)


def test_a_stolen_password_is_refused_with_the_reason(settings, stolen):
    settings.PASSWORD_BREACHED_FILE = None
    HardToGuess().validate("stolen 7 window forest")
    lines = stolen.read_text() + hashlib.sha1(b"stolen 7 window forest").hexdigest() + ":1\n"
    stolen.write_text("\n".join(sorted(lines.upper().splitlines())))
    settings.PASSWORD_BREACHED_FILE = stolen
    with pytest.raises(ValidationError, match="stolen passwords"):
        HardToGuess().validate("stolen 7 window forest")


def test_a_list_that_is_not_there_stops_the_start(monkeypatch):
    monkeypatch.setenv("PASSWORD_BREACHED_FILE", "/nowhere/list.txt")
    with pytest.raises(ImproperlyConfigured, match="PASSWORD_BREACHED_FILE"):
        env_path_or_none("PASSWORD_BREACHED_FILE")
