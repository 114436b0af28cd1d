"""What production refuses to start with: each setting by name, with its remedy (docs/operators)."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor

from accounts.audit import triggers
from mediscan.env import PRODUCTION, secret_files

SHORTEST_SECRET = 50
FEWEST_DIFFERENT = 8  # characters of SECRET_KEY, bytes of VAULT_KEK: fewer were never random
PER_PROCESS_CACHES = ("LocMemCache", "DummyCache")
TERMINAL_MAIL = ("console", "dummy", "locmem")
Problem = tuple[str, str]  # what is wrong, beginning with the setting; the remedy


def guard(number: int, tag: str = "boot", *, everywhere: bool = False) -> Callable:
    """Register a generator of problems as a deployment check.

    It speaks in production alone, unless it is to speak `everywhere`.
    """

    def decorate(find: Callable[[], Iterator[Problem]]) -> Callable:
        def check(**kwargs: Any) -> list[CheckMessage]:
            if settings.ENVIRONMENT != PRODUCTION and not everywhere:
                return []
            return [Error(text, hint=remedy, id=f"mediscan.G{number:03}")
                    for text, remedy in find()]  # fmt: skip

        register(check, tag, deploy=True)
        return find

    return decorate


@guard(1)
def debug_page() -> Iterator[Problem]:
    if settings.DEBUG:
        yield "DEBUG is true: error pages would show data and settings.", "Set DEBUG=false."


@guard(2)
def secret_key() -> Iterator[Problem]:
    remedy = "Make one: openssl rand -base64 48"
    secret = settings.SECRET_KEY
    if len(secret) < SHORTEST_SECRET:
        yield f"SECRET_KEY has fewer than {SHORTEST_SECRET} characters.", remedy
    elif secret.startswith(("django-insecure", "only-for-tests")) or not _is_varied(secret):
        yield "SECRET_KEY is not a random one.", remedy
    if _as_key(secret) == settings.VAULT_KEK:
        yield "SECRET_KEY is also VAULT_KEK: one leak would open both.", remedy


@guard(3)
def vault_kek() -> Iterator[Problem]:
    if settings.VAULT_KEK and not _is_varied(settings.VAULT_KEK):
        yield "VAULT_KEK is not a random one.", "Make one: openssl rand -base64 32"


@guard(4)
def secret_files_are_private() -> Iterator[Problem]:
    for name, path in secret_files().items():
        if _is_readable_by_others(path):
            yield f"{name}: {path} can be read by others than its owner.", f"chmod 0400 {path}"


@guard(5)
def allowed_hosts() -> Iterator[Problem]:
    remedy = "Write the names by which browsers reach the site: ALLOWED_HOSTS=scan.example.org"
    if not settings.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS is empty.", remedy
    elif any("*" in host for host in settings.ALLOWED_HOSTS):
        yield "ALLOWED_HOSTS holds a *: any name would be taken for ours.", remedy


@guard(6)
def public_address() -> Iterator[Problem]:
    parts = urlsplit(settings.PUBLIC_BASE_URL)
    if parts.scheme != "https" or not parts.hostname:
        yield (
            "PUBLIC_BASE_URL is no https:// address.",
            "Put a proxy with TLS in front and write its address:"
            " PUBLIC_BASE_URL=https://scan.example.org",
        )


@guard(7)
def cookies() -> Iterator[Problem]:
    wanted = {"SECURE": True, "HTTPONLY": True, "DOMAIN": None, "PATH": "/"}
    for cookie in ("SESSION_COOKIE", "CSRF_COOKIE"):
        for end, value in wanted.items():
            if getattr(settings, f"{cookie}_{end}") != value:
                yield f"{cookie}_{end} must be {value!r}.", "Leave it as mediscan/settings has it."
        if getattr(settings, f"{cookie}_SAMESITE") not in ("Lax", "Strict"):
            yield f"{cookie}_SAMESITE must be 'Lax' or 'Strict'.", "Leave it as it was."
        if not getattr(settings, f"{cookie}_NAME").startswith("__Host-"):
            yield f"{cookie}_NAME must begin with __Host-.", "Leave it as it was."


@guard(8)
def second_factor() -> Iterator[Problem]:
    if settings.SECOND_FACTOR != "always":
        yield (
            f"SECOND_FACTOR is {settings.SECOND_FACTOR!r}: a password alone would open the house.",
            "Remove the line, or write SECOND_FACTOR=always.",
        )
    if getattr(settings, "MFA_TOTP_INSECURE_BYPASS_CODE", None):
        yield "MFA_TOTP_INSECURE_BYPASS_CODE is set: one code would open all.", "Remove it."
    if getattr(settings, "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN", False):
        yield "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN is set.", "Remove it."


@guard(9)
def shared_cache() -> Iterator[Problem]:
    backend = settings.CACHES["default"]["BACKEND"]
    if settings.WEB_WORKERS > 1 and backend.endswith(PER_PROCESS_CACHES):
        yield (
            "CACHES keeps a cache in each process, and WEB_WORKERS is more than 1:"
            " limits would be counted apart.",
            "Set CACHE_URL=redis://…, or leave it out: then it is a table of the database.",
        )


@guard(10)
def database_server() -> Iterator[Problem]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") and not settings.ALLOW_SQLITE:
        yield (
            "DATABASE_URL names SQLite, which serves one machine and few writers.",
            "Set DATABASE_URL=postgres://…, or ALLOW_SQLITE=true if that is what you want.",
        )


@guard(11)
def mail() -> Iterator[Problem]:
    if settings.EMAIL_BACKEND.split(".")[-2] in TERMINAL_MAIL:
        yield (
            "EMAIL_URL is not set: codes for sign-up and reset would stand on the terminal.",
            "Set EMAIL_URL=smtp+tls://user:password@host:587, or EMAIL_FILE_DIR.",
        )


@guard(12)
def erasure_ledger() -> Iterator[Problem]:
    remedy = "Name a file elsewhere: ERASURE_LEDGER=/srv/mediscan-ledger/erasures.jsonl"
    if not settings.ERASURE_LEDGER:
        yield "ERASURE_LEDGER is not set: a restored backup would bring the erased home.", remedy
    elif Path(settings.ERASURE_LEDGER).resolve().is_relative_to(Path(settings.DATA_DIR).resolve()):
        yield "ERASURE_LEDGER lies in the data folder, whose backup would restore it too.", remedy


@guard(15, tag="boot_plain", everywhere=True)
def no_proxy_in_front() -> Iterator[Problem]:
    """Asked where our own server speaks without TLS; one that speaks it needs no proxy."""
    if settings.SECURE_SSL_REDIRECT and settings.SECURE_PROXY_SSL_HEADER is None:
        yield (
            "TRUSTED_PROXIES is 0, and PUBLIC_BASE_URL is https://: this server speaks no TLS, so"
            " every page would be redirected to itself for ever.",
            "Put a proxy with TLS in front that sets X-Forwarded-Proto and adds to X-Forwarded-For,"
            " and count it: TRUSTED_PROXIES=1 (docs/operators/production.md).",
        )


@guard(13, tag="boot_database")
def migrations() -> Iterator[Problem]:
    try:
        executor = MigrationExecutor(connections[DEFAULT_DB_ALIAS])
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        yield "DATABASE_URL: the database does not answer.", "Is it running, is the address right?"
        return
    if missing:
        yield (
            f"DATABASE_URL: {len(missing)} migrations are not applied.",
            "Make a backup, then run: python manage.py migrate",
        )


@guard(14, tag="boot_database")
def cache_table() -> Iterator[Problem]:
    """Without it every sign-in would be a fault: the limits are counted there."""
    cache = settings.CACHES["default"]
    if not cache["BACKEND"].endswith("db.DatabaseCache"):
        return
    try:
        tables = connections[DEFAULT_DB_ALIAS].introspection.table_names()
    except DatabaseError:
        return  # `migrations` says so
    if cache["LOCATION"] not in tables:
        yield (
            f"DATABASE_URL: the cache's table “{cache['LOCATION']}” is missing.",
            "Run: python manage.py createcachetable",
        )


@guard(20, tag="boot_database")
def audit_triggers() -> Iterator[Problem]:
    try:
        gone = triggers.missing(connections[DEFAULT_DB_ALIAS])
    except DatabaseError:
        return  # `migrations` says so
    if gone:
        yield (
            f"DATABASE_URL: the audit trail is not append-only, {', '.join(gone)} is missing.",
            "Find out who removed it, then: python manage.py verify_audit",
        )


def _is_varied(secret: str | bytes) -> bool:
    return len(set(secret)) >= FEWEST_DIFFERENT


def _is_readable_by_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & 0o077)
    except OSError:  # it was read at start and is gone since: nobody reads it
        return False


def _as_key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, altchars=b"-_", validate=True)
    except ValueError:
        return secret.encode()
