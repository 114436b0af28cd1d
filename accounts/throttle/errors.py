"""What is raised when somebody has to wait; the roof turns it into 429."""

from __future__ import annotations


class TooMany(Exception):
    """Wait `retry_after_s` seconds, a whole number of at least one."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"wait {retry_after_s} s")
        self.retry_after_s = retry_after_s


class TooManyAttempts(TooMany):
    """Too many tries at a secret: of this account, on this device or from this address."""


class TooManyRequests(TooMany):
    """Too many requests of one person to one kind of page within a minute."""
