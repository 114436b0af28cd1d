"""PURE: which of the report's fonts holds a letter; one that none holds becomes a mark."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile

FONTS = Path(__file__).parent / "fonts"
FILES = {  # by class in the report's style sheet, the first that holds a letter takes it
    "": "NotoSans-Regular.ttf",
    "arab": "NotoSansArabic-Regular.ttf",
    "cjk": "DroidSansFallback.ttf",
}
BOLD = {"arab": "NotoSansArabic-Bold.ttf", "cjk": "CjkBold.ttf"}  # of those, as far as it goes
MARK = "\N{REPLACEMENT CHARACTER}"


def runs(text: str) -> list[tuple[str, str]]:
    """Split `text` into (class, part), without what is invisible: controls, marks of direction."""
    found: list[tuple[str, str]] = []
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cf") and not letter.isspace():
            continue
        script = _script(letter)
        if script is None:
            script, letter = "", MARK
        if found and (found[-1][0] == script or (letter.isspace() and found[-1][0])):
            found[-1] = (found[-1][0], found[-1][1] + letter)
        else:
            found.append((script, letter))
    return found


def has_bold(script: str, text: str) -> bool:
    """Say whether the bold font of `script` has all of `text`: half a name is not bold."""
    return all(ord(one) in _letters_of(BOLD[script]) for one in text if not one.isspace())


def reads_leftwards(text: str) -> bool:
    """Say whether the first letter that has a direction is one that is read from the right."""
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind for kind in kinds if kind in ("L", "R", "AL")), "L") != "L"


def _script(letter: str) -> str | None:
    """Return the class of the first font that holds `letter`; white space is in every one."""
    if letter.isspace():
        return ""
    return next((script for script in FILES if ord(letter) in _letters_of(FILES[script])), None)


@cache
def _letters_of(file: str) -> frozenset[int]:
    return frozenset(TTFontFile(str(FONTS / file)).charToGlyph)
