"""The triggers that keep the trail append-only, and that queue each row for the chain.

SQL by vendor, used by the migration, by the check at start, and by nobody else:
there is no switch that turns them off.
"""

from __future__ import annotations

from typing import Any

SEALED = {  # table: the column that SQLite's INSERT OR REPLACE would replace by
    "accounts_auditevent": ("id",),
    "accounts_auditseal": ("seq", "event_id"),
    "accounts_auditcheckpoint": ("seq",),
}
EVENTS, PENDING = "accounts_auditevent", "accounts_auditpending"
REFUSAL = "the audit trail is append-only"


def names(vendor: str) -> set[str]:
    """Return the names of the triggers that must be there."""
    kinds = ("update", "delete", "replace") if vendor == "sqlite" else ("change", "truncate")
    return {f"{table}_no_{kind}" for table in SEALED for kind in kinds} | {f"{EVENTS}_queue"}


def install(vendor: str) -> list[str]:
    """Return the statements that make them."""
    return _sqlite() if vendor == "sqlite" else _postgresql()


def remove(vendor: str) -> list[str]:
    """Return the statements that drop them: for going back to before they were."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in sorted(names(vendor))]
    drops = [
        f"DROP TRIGGER IF EXISTS {name} ON {_table_of(name)}" for name in sorted(names(vendor))
    ]
    return [
        *drops,
        "DROP FUNCTION IF EXISTS accounts_audit_refuse()",
        "DROP FUNCTION IF EXISTS accounts_audit_queue()",
    ]


def missing(connection: Any) -> list[str]:
    """Return which triggers are not there, or were disabled; none when all is well."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if connection.vendor == "sqlite"
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = {name for (name,) in cursor.fetchall()}
    return sorted(names(connection.vendor) - found)


def _table_of(name: str) -> str:
    return name.rsplit("_no_", 1)[0].removesuffix("_queue")


def _sqlite() -> list[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    made = []
    for table, keys in SEALED.items():
        same = " OR ".join(f"{key} = NEW.{key}" for key in keys)
        made += [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
            # INSERT OR REPLACE deletes the old row without asking a DELETE trigger
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"  # nosec B608
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {refuse}",
        ]
    queue = f"INSERT INTO {PENDING} (event_id) VALUES (NEW.id)"  # nosec B608  names of ours
    return [
        *made,
        f"CREATE TRIGGER {EVENTS}_queue AFTER INSERT ON {EVENTS} BEGIN {queue}; END",
    ]


def _postgresql() -> list[str]:
    made = [
        "CREATE OR REPLACE FUNCTION accounts_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE OR REPLACE FUNCTION accounts_audit_queue() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN INSERT INTO {PENDING} (event_id) VALUES (NEW.id); RETURN NULL; END $$",  # nosec B608
        f"CREATE TRIGGER {EVENTS}_queue AFTER INSERT ON {EVENTS}"
        " FOR EACH ROW EXECUTE FUNCTION accounts_audit_queue()",
    ]
    for table in SEALED:
        made += [
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION accounts_audit_refuse()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_refuse()",
        ]
    return made
