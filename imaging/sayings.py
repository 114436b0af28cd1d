"""Sentences that a worker stored in English, said in the language of whoever reads them now.

The record keeps what was said when it was said; here each stored sentence is recognised by the
table that it was made from, and said again in another language with its own names and numbers.
What no table holds is shown as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from django.utils.formats import get_format
from django.utils.translation import get_language, gettext

from imaging.sayings_files import FILES
from imaging.sayings_results import RESULTS

NUMBER = re.compile(r"-?\d+\.\d+(?: %)?")
_HOLE = re.compile(r"%\((\w+)\)s")
_NEXT = re.compile(r"(?<=[.]) (?=[A-Z“])")
DEEPEST = 4  # a sentence within a sentence


def said(text: str) -> str:
    """Return the stored `text` in the language that is active now."""
    language = get_language() or "en"
    if not text or language.startswith("en"):
        return text
    return _said(text, language, 0)


def rows_said(rows: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Return rows of a threshold table with their words in the language of the reader."""
    if (get_language() or "en").startswith("en"):
        return rows
    words = ("area_text", "denominator", "severity_reason")
    return [
        {**row, **{name: said(row.get(name, "")) for name in words},
         "reasons": {name: said(why) for name, why in row.get("reasons", {}).items()}}
        for row in rows
    ]  # fmt: skip


@lru_cache(maxsize=4096)
def _said(text: str, language: str, depth: int) -> str:
    """`language` is the active one; it is here for the cache alone."""
    if NUMBER.fullmatch(text):
        return text.replace(".", get_format("DECIMAL_SEPARATOR", language))
    if depth > DEEPEST:
        return text
    for template, pattern in _patterns():
        if found := pattern.fullmatch(text):
            parts = {name: _said(part, language, depth + 1)
                     for name, part in found.groupdict().items()}  # fmt: skip
            return gettext(template) % parts if "%" in template else gettext(template)
    pieces = _NEXT.split(text) if depth == 0 else [text]
    if len(pieces) > 1:  # several, one after another
        return " ".join(_said(piece, language, 1) for piece in pieces)
    return text if depth else gettext(text)  # a worker may have said what a page says too


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    """The tables as patterns, those with the most words of their own first."""
    templates = sorted(dict.fromkeys((*RESULTS, *FILES)), key=lambda one: -len(_HOLE.sub("", one)))
    return [(one, pattern_of(one)) for one in templates]


def pattern_of(template: str) -> re.Pattern[str]:
    """Return what matches the sentences made of `template`; each of its names holds something."""
    if "%" not in template:
        return re.compile(re.escape(template))
    pieces, seen = [], set()
    for at, piece in enumerate(_HOLE.split(template)):
        if at % 2 == 0:
            pieces.append(re.escape(piece.replace("%%", "%")))
        else:
            pieces.append(f"(?P={piece})" if piece in seen else f"(?P<{piece}>.+?)")
            seen.add(piece)
    return re.compile("".join(pieces), re.DOTALL)
