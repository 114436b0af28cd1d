"""Django's door to the rules: every form that sets a password asks here."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.passwords.breached import is_breached
from accounts.passwords.refusing import reasons
from accounts.passwords.words import EASY, HINT, REASONS, REMEDY
from accounts.selectors import organisations_of


class HardToGuess:
    """Refuse what is short, common, stolen, or made of what is known about its owner."""

    def validate(self, password: str, user=None) -> None:
        found = reasons(password, about(user))
        path = settings.PASSWORD_BREACHED_FILE
        if path and is_breached(password, path):
            found.append("breached")
        errors = [ValidationError(REASONS[code], code=code) for code in found]
        if EASY.intersection(found):
            errors.append(ValidationError(REMEDY, code="remedy"))
        if errors:
            raise ValidationError(errors)

    def get_help_text(self) -> str:
        return str(HINT)


def about(user) -> list[str]:
    """Return what is known about `user`, perhaps one who is only just joining."""
    if user is None:
        return []
    known = [user.name, user.email]
    if not user._state.adding:
        known += organisations_of(user).values_list("name", flat=True)
    return known
