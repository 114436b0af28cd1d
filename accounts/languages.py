"""The languages of the house, and whose is whose."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation


def is_offered(code: str) -> bool:
    return code in dict(settings.LANGUAGES)


def language_of(user) -> str:
    """Return what `user` chose, else the language in which we are asked."""
    own = getattr(user, "language", "")
    return own if is_offered(own) else translation.get_language() or settings.LANGUAGE_CODE


def in_language_of(user) -> AbstractContextManager[None]:
    """Write in the language of `user`: letters to them, whoever or whatever sends them."""
    return translation.override(language_of(user))
