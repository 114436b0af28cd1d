"""Languages that only tests know: each translated word in brackets; one runs right to left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.test import override_settings
from django.utils.translation import trans_real

BRACKETS, RIGHT_TO_LEFT = "en-xa", "ar-xb"
CONTEXT = "\x04"


class Pseudo:
    """A catalogue in which each message is itself, between ⟦ and ⟧."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._catalog: dict = {}

    def gettext(self, message: str) -> str:
        return f"⟦{message.split(CONTEXT)[-1]}⟧"

    def ngettext(self, singular: str, plural: str, number) -> str:
        return self.gettext(singular if number == 1 else plural)

    def to_language(self) -> str:
        return self._language

    language = to_language


@contextmanager
def spoken(language: str) -> Iterator[None]:
    """Let a person choose `language`, in this test alone."""
    with override_settings(LANGUAGES=[*settings.LANGUAGES, (language, f"⟦{language}⟧")]):
        trans_real._translations[language] = Pseudo(language)
        try:
            yield
        finally:
            trans_real._translations.pop(language, None)
