"""Nobody but the owner of the database changes or deletes a row of the trail."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts import audit
from accounts.audit import triggers
from accounts.models import AuditCheckpoint, AuditEvent, AuditPending, AuditSeal
from accounts.services.sealing import checkpoint_now, trail_seal
from tests.accounts.trail import settle_constraints, triggers_lifted

pytestmark = pytest.mark.django_db
KEYS = {AuditEvent: "id", AuditSeal: "seq", AuditCheckpoint: "seq"}


@pytest.fixture
def rows():
    event = audit.record(None, "plan.change")
    trail_seal()
    checkpoint_now()
    settle_constraints()
    return {AuditEvent: event, AuditSeal: AuditSeal.objects.get(),
            AuditCheckpoint: AuditCheckpoint.objects.get()}  # fmt: skip


@pytest.mark.parametrize("model", KEYS)
@pytest.mark.parametrize("verb", ["update", "delete", "replace", "truncate"])
def test_the_database_refuses(rows, model, verb):
    table, key, row = model._meta.db_table, KEYS[model], rows[model]
    other = next(f.column for f in model._meta.concrete_fields if not f.primary_key)
    statements = {
        "update": f"UPDATE {table} SET {other} = {other}",
        "delete": f"DELETE FROM {table}",
        "truncate": f"TRUNCATE {table} CASCADE",
        "replace": (
            f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
            if connection.vendor == "sqlite"
            else f"INSERT INTO {table} SELECT * FROM {table}"
            f" ON CONFLICT ({key}) DO UPDATE SET {other} = EXCLUDED.{other}"
        ),
    }
    if verb == "truncate" and connection.vendor == "sqlite":
        verb = "delete"  # SQLite's DELETE without WHERE is its TRUNCATE
    refused = pytest.raises(DatabaseError, match="append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements[verb])
    assert model.objects.get().pk == row.pk


def test_the_orm_cannot_go_around_them(rows):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.update(action="forged")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.all().delete()


def test_every_migration_leaves_them_in_place():
    assert triggers.missing(connection) == []


def test_a_missing_trigger_is_named():
    with triggers_lifted():
        assert set(triggers.missing(connection)) == triggers.names(connection.vendor)


def test_each_row_waits_for_the_chain_in_the_same_statement(django_assert_num_queries):
    audit.record(None, "plan.change")  # makes the key
    with django_assert_num_queries(1):
        event = audit.record(None, "plan.change")
    assert AuditPending.objects.filter(event_id=event.pk).count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_suite_can_empty_the_trail_and_the_triggers_come_back():
    audit.record(None, "plan.change")


@pytest.mark.django_db(transaction=True)
def test_after_such_a_test_the_triggers_stand():
    assert not AuditEvent.objects.exists()
    assert triggers.missing(connection) == []
