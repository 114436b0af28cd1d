"""Each key of the scripts' tables is called by a word that the page can say in its language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import Context, Template
from django.utils import translation

from mediscan.shortcuts import SHORTCUTS

SCRIPTS = Path(__file__).resolve().parents[2] / "static/js"
CALLED = re.compile(r'(?:\b[A-Za-z0-9]+|"[^"]{1,16}"): \[(?:"([A-Z][^"]+)"|`([^`]+)`),?')


def called() -> set[str]:
    """What the tables of keys say, with %n for a number that the script fills in."""
    found = set()
    for path in SCRIPTS.glob("*.js"):
        for plain, filled in CALLED.findall(path.read_text(encoding="utf-8")):
            found.add(plain or re.sub(r"\$\{\w+\}", "%n", filled))
    return found


def test_the_words_are_those_of_the_scripts():
    assert called() == set(SHORTCUTS)


@pytest.mark.parametrize(("language", "words"), [("de", "Maske an oder aus"),
                                                 ("en", "Mask on or off")])  # fmt: skip
def test_the_list_is_in_the_language_of_the_page(language, words):
    with translation.override(language):
        page = Template("{% include 'components/shortcuts.html' %}").render(Context({}))
    assert words in page
    assert "%%" not in page
