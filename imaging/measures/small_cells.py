"""Figures of so few that they would be about persons."""

from __future__ import annotations

LEAST = 5  # a count, a share, a median or a mean of fewer is about persons, not about work


def count_told(n: int) -> str:
    """Write a count, but not one from 1 to 4."""
    return str(n) if n == 0 or n >= LEAST else f"<{LEAST}"
