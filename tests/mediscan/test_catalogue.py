"""The second language is whole: all that is said is translated, with the same placeholders."""

from __future__ import annotations

import re

import pytest
from babel.messages.mofile import read_mo

from mediscan.catalogue import COMMAND, LANGUAGES, is_whole, kept, po_of, said, words_of

PLACEHOLDER = re.compile(r"%\(\w+\)[\d.]*[sdf]|%[sd]\b|%%[a-z]\b|\{\w+\}")
MARKUP = re.compile(r"</?[a-z][^>]*>")

pytestmark = pytest.mark.parametrize("language", LANGUAGES)


def messages(language: str) -> list:
    return [one for one in kept(language) if one.id]


def test_everything_that_is_said_stands_in_the_catalogue(language):
    known = {(words_of(one), one.context) for one in messages(language)}
    spoken = {(words_of(one), one.context) for one in said() if one.id}
    missing = sorted(str(one[0]) for one in spoken - known)
    gone = sorted(str(one[0]) for one in known - spoken)
    assert (missing, gone) == ([], []), (
        f"{po_of(language)} is behind: run `{COMMAND}`, translate, run it again. "
        f"Missing: {missing}. No longer said: {gone}"
    )


def test_nothing_is_left_untranslated_or_doubted(language):
    open_ones = [words_of(one) for one in messages(language) if not is_whole(one)]
    assert not open_ones, f"write these in {po_of(language)}, then run `{COMMAND}`: {open_ones}"


@pytest.mark.parametrize("kind", [PLACEHOLDER, MARKUP], ids=["placeholders", "markup"])
def test_a_translation_holds_what_the_sentence_holds(language, kind):
    differ = {}
    for one in messages(language):
        own = one.id[-1] if one.pluralizable else one.id
        other = one.string[-1] if one.pluralizable else one.string
        if sorted(kind.findall(own)) != sorted(kind.findall(other)):
            differ[own] = other
    assert differ == {}


def test_what_pages_load_is_what_was_written(language):
    with po_of(language).with_suffix(".mo").open("rb") as file:
        compiled = _pairs(one for one in read_mo(file) if one.id)
    written = _pairs(messages(language))
    assert compiled == written, f"run `{COMMAND}`"


def _pairs(messages) -> dict:
    def forms(said):
        return [said] if isinstance(said, str) else list(said)

    def place(one) -> str:  # a compiled catalogue gives it as bytes
        return one.context.decode() if isinstance(one.context, bytes) else one.context or ""

    return {(words_of(one), place(one)): forms(one.string) for one in messages}
