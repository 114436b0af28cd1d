"""Where an act comes from: address, session, request. Set once, read by `record` itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

SESSION_HEX = 32
WORKER = "worker"
P, R = ParamSpec("P"), TypeVar("R")


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the trail writes beside every act; a request's are read when they are needed."""

    ip: str = ""
    request_id: str = ""
    role: str = ""

    @property
    def session(self) -> str:
        return ""

    def acting_as(self, actor: Any) -> str:
        """Return the role or roles, comma-separated, in which `actor` acts."""
        return self.role


facts: ContextVar[RequestFacts] = ContextVar("audit_facts", default=RequestFacts())  # noqa: B039


@contextmanager
def acting(now: RequestFacts) -> Iterator[None]:
    """Let `record` write `now` beside every act inside, for instance role "worker"."""
    token = facts.set(now)
    try:
        yield
    finally:
        facts.reset(token)


def as_worker(task: Callable[P, R]) -> Callable[P, R]:
    """Let everything that `task` records say that the background worker did it."""

    @wraps(task)
    def acted(*args: P.args, **kwargs: P.kwargs) -> R:
        with acting(RequestFacts(role=WORKER)):
            return task(*args, **kwargs)

    return acted


def session_hash(session_key: str | None) -> str:
    """Name a session without giving it away: 128 bits of SHA-256, "" for none."""
    if not session_key:
        return ""
    return hashlib.sha256(session_key.encode()).hexdigest()[:SESSION_HEX]
