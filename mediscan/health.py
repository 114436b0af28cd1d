"""Is the house fit to serve: each part answers with a word."""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from imaging.engine.isolation import confinement, in_words
from imaging.services.workers import worker_is_alive

OK = "ok"


def readiness() -> dict[str, str]:
    """Return the state of each part; all but the worker must be "ok" to serve pages."""
    database = _database()
    if database != OK:
        return {"database": database, "migrations": "unknown", "worker": "unknown"}
    migrations = _migrations()
    worker = _worker() if migrations == OK else "unknown"
    return {"database": database, "migrations": migrations, "worker": worker}


def engine_words() -> str:
    """What holds the engine child on this machine; for staff, found out once a process."""
    return in_words(confinement())


def is_ready(parts: dict[str, str]) -> bool:
    """Say whether pages can be served; a silent worker delays runs, it closes nothing."""
    return parts["database"] == OK and parts["migrations"] == OK


def _database() -> str:
    try:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return "unreachable"
    return OK


def _migrations() -> str:
    executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return OK if not missing else f"{len(missing)} not applied"


def _worker() -> str:
    return OK if worker_is_alive() else "no sign of life"
