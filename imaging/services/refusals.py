"""The refusal that a person reads."""

from __future__ import annotations

from django.core.exceptions import ValidationError


class NotPossible(ValidationError, ValueError):
    """Something asked for cannot be done; `str(error)` says why, and the remedy."""

    def __str__(self) -> str:
        return " ".join(self.messages)
