"""The database as one file: a moment's copy of it, and a new database from such a copy."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from mediscan.env import environment_with

PROGRAMS = Path("/usr/lib/postgresql")


class NoSuchProgram(Exception):
    """pg_dump or pg_restore is not installed, or is too old; the text gives the remedy."""


def snapshot_write(path: Path) -> None:
    """Copy the database as it is at one moment; people go on working. Raises NoSuchProgram."""
    if connection.vendor == "sqlite":
        _copied(_sqlite_path(), path)
        return
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}", _name())


def snapshot_load(path: Path) -> None:
    """Make the database from a copy: wholly or not at all. It must be empty."""
    connection.close()
    if connection.vendor == "sqlite":
        _copied(path, _sqlite_path())
        return
    _run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner",
         "--no-privileges", f"--dbname={_name()}", str(path))  # fmt: skip


def is_empty() -> bool:
    """Say whether the database has no table at all."""
    return not connection.introspection.table_names()


def steps_done() -> list[str]:
    """Return the migrations that the database has, app.name."""
    return sorted(f"{app}.{name}" for app, name in MigrationLoader(connection).applied_migrations)


def steps_known() -> list[str]:
    """Return the migrations that this version of the code has."""
    loader = MigrationLoader(None)
    return sorted(f"{app}.{name}" for app, name in loader.disk_migrations)


def _copied(source: Path, target: Path) -> None:
    """By SQLite's own backup, in one step: writers wait for no more than that."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")


def _sqlite_path() -> Path:
    return Path(_name())


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _run(program: str, *arguments: str) -> None:
    found = _program(program)
    done = subprocess.run(
        [found, *arguments], env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NoSuchProgram(f"{found}: {said[-1] if said else f'ended with {done.returncode}'}")


def _program(name: str) -> str:
    """The newest that Debian keeps aside, else what lies on the path."""
    kept = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = str(kept[-1]) if kept else shutil.which(name)
    if found is None:
        raise NoSuchProgram(f"{name} is missing. Install it: apt install postgresql-client")
    return found


def _environment() -> dict[str, str]:
    """Say where the server is as its own programs read it; a password is on no command line."""
    given = connection.settings_dict
    said = {"PGHOST": given["HOST"], "PGPORT": given["PORT"], "PGUSER": given["USER"],
            "PGPASSWORD": given["PASSWORD"]}  # fmt: skip
    options = {f"PG{name.upper()}": value for name, value in given.get("OPTIONS", {}).items()
               if name in ("host", "sslmode", "sslrootcert")}  # fmt: skip
    said |= options
    return environment_with({name: str(value) for name, value in said.items() if value})
