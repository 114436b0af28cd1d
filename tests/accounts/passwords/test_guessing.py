"""What guessers try first costs little; words that do not belong together cost much."""

from __future__ import annotations

import json

import pytest

from accounts.passwords.building import table as built
from accounts.passwords.guessing import FILE, estimate, parts
from accounts.passwords.refusing import reasons

ABOUT = ["Amara Novak", "amara@north-clinic.example", "St. Hedwig Hospital"]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("mediscan123456", ["own", "common"]),
        ("M3d1Sc4n2026!", ["own", "date"]),
        ("Summer2026!!", ["date"]),
        ("P@ssw0rd1234", ["common"]),
        ("passwordpassword", ["common", "repeat"]),
        ("sunshinemonkey", ["common"]),
        ("Amara Novak 1", ["context"]),
        ("N0vakN0vak99", ["context", "repeat"]),
        ("HedwigHedwig1", ["context", "repeat"]),
        ("1qaz2wsx3edc", ["keys"]),
        ("asdfghjkl;'asd", ["keys", "repeat"]),
        ("zyxwvutsrqpo", ["keys"]),
        ("abcxabcxabcx", ["repeat"]),
        ("184639057261", ["digits"]),
        ("short", ["short"]),
    ],
)
def test_what_is_guessed_first_is_refused_with_the_reason(password, why):
    found = reasons(password, ABOUT)
    assert set(why) <= set(found), found


@pytest.mark.parametrize(
    "password",
    [
        "teal window forest",
        "correct horse battery staple",
        "kqzjxwvbtrpm",
        "xK9#mQ2$vL7@",
        "Übergrößen träumen leise",
        "лиловый трамвай едет",
    ],
)
def test_what_is_hard_to_guess_is_taken(password):
    assert reasons(password, ABOUT) == []


def test_who_knows_the_owner_guesses_sooner():
    assert estimate("hedwig window forest", ABOUT).bits < estimate("hedwig window forest").bits


def test_words_are_taken_from_any_text():
    assert parts(["Dr. Ada O'Neill-Óg", "a.b@cd.example"]) == {"ada", "neill", "example"}


def test_the_table_is_what_its_script_writes():
    """Run: python -m accounts.passwords.building > static/passwords.json"""
    assert json.loads(FILE.read_text(encoding="utf-8")) == built()
