"""The trail in the hands of a superuser: what the house itself can never do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from accounts.audit.triggers import install, remove


@contextmanager
def triggers_lifted() -> Iterator[None]:
    """Drop the triggers, as whoever owns the database can; put them back afterwards."""
    _execute(remove(connection.vendor))
    try:
        yield
    finally:
        _execute(install(connection.vendor))


def _execute(statements: list[str]) -> None:
    settle_constraints()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def settle_constraints() -> None:
    """Check what PostgreSQL put off until the commit: no table changes while a check waits."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
