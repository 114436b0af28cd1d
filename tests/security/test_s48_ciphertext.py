"""S48: no changed ciphertext is accepted, no byte of a bad chunk is sent, and the trail says so."""

from __future__ import annotations

import os
import random

import pytest
from django.db import connection, transaction

from accounts.models import AuditEvent, Blob, Notice
from accounts.roles import AUDITOR
from accounts.vault import damage, keys
from accounts.vault.blob_format import HEADER
from accounts.vault.cipher import VaultError
from accounts.vault.fields import Sealed
from accounts.vault.staging import blob_path
from accounts.vault.storage import blob_open, blob_rekey, blob_write
from imaging.models import Patient
from imaging.ranges import blob_response
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.imaging.factories import PatientFactory

pytestmark = pytest.mark.django_db
MUTATIONS, CHUNK, TAG = 5_000, 256, 16
SIZE = 5 * CHUNK + 100


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


def mutated(file: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """A bit, a cut at an edge, a chunk or a file swapped, a roll-back, a lost last chunk."""
    edges = [HEADER.size + n * (CHUNK + TAG) for n in range(7)]
    kind = dice.randrange(7)
    data = bytearray(file)
    if kind == 0:
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    elif kind == 1:
        del data[max(0, dice.choice(edges) + dice.choice([-1, 0, 1])) :]
    elif kind == 2:
        one, two = dice.sample(range(6), 2)
        a, b = edges[one], edges[two]
        data[a : a + CHUNK + TAG], data[b : b + CHUNK + TAG] = (
            data[b : b + CHUNK + TAG], data[a : a + CHUNK + TAG],
        )  # fmt: skip
    elif kind == 3:
        return dice.choice(others)
    elif kind == 4:
        start = edges[dice.randrange(6)]
        data[start : start + CHUNK + TAG] = dice.choice(others)[start : start + CHUNK + TAG]
    elif kind == 5:
        del data[edges[5] :]
    else:
        data[: HEADER.size] = dice.choice(others)[: HEADER.size]
    return bytes(data)


def test_no_mutation_of_a_file_is_accepted_and_no_bad_byte_is_sent(rf, monkeypatch):
    """Through the door that pages use: a range, or the whole; whatever comes out is the content."""
    noted = []
    monkeypatch.setattr(damage, "damage_note", lambda row, what: noted.append(row.pk))
    monkeypatch.setattr("accounts.vault.reading.damage_note", damage.damage_note)
    organisation, dice, content = OrganisationFactory(), random.Random(48), os.urandom(SIZE)
    blob = written(organisation, content)
    path = blob_path(blob.pk, 1)
    first_version = path.read_bytes()
    blob_rekey(blob, patient_id=None)
    path = blob_path(blob.pk, blob.version)
    file = path.read_bytes()
    neighbour = written(organisation, os.urandom(SIZE))
    others = [first_version, blob_path(neighbour.pk, 1).read_bytes()]
    accepted = tried = 0
    while tried < MUTATIONS:
        changed = mutated(file, others, dice)
        if changed == file:
            continue
        tried += 1
        path.write_bytes(changed)
        accepted += _is_accepted(rf, blob, content, dice)
    assert (tried, accepted) == (MUTATIONS, 0)
    assert set(noted) == {blob.pk}
    assert len(noted) >= MUTATIONS  # each read that met it says so


def _is_accepted(rf, blob: Blob, content: bytes, dice: random.Random) -> bool:
    """Read it all: anything but an error is an acceptance, and what came before is the content."""
    start = dice.randrange(SIZE)
    sent = bytearray()
    try:
        response = blob_response(
            rf.get("/", headers={"range": f"bytes={start}-"}), blob, content_type="x/y"
        )
        for piece in response.streaming_content:
            sent += piece
        blob_open(blob).read()
    except VaultError:
        assert content[start:].startswith(bytes(sent))
        return False
    return True


def test_no_mutation_of_a_value_is_accepted():
    dice, organisation = random.Random(49), OrganisationFactory()
    patient = PatientFactory(organisation=organisation, name="Canary^Eva", record_number="123")
    other = PatientFactory(organisation=organisation, name="Other^One")
    columns = {row["id"]: row for row in _raw()}
    mine, theirs = columns[patient.pk.hex], columns[other.pk.hex]
    row = Patient.objects.get(pk=patient.pk)
    field = Patient._meta.get_field("name")
    good, accepted, tried = mine["name"], 0, 0
    while tried < MUTATIONS:
        text = _mutated_text(good, [theirs["name"], mine["record_number"]], dice)
        if text == good:
            continue
        tried += 1
        try:
            field.unseal(row, Sealed(text))
            accepted += 1
        except VaultError:
            continue
    assert (tried, accepted) == (MUTATIONS, 0)


def _raw() -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name, record_number FROM imaging_patient")
        return [
            {"id": str(pk).replace("-", ""), "name": name, "record_number": number}
            for pk, name, number in cursor.fetchall()
        ]


def _mutated_text(text: str, others: list[str], dice: random.Random) -> str:
    kind = dice.randrange(5)
    place = dice.randrange(len(text))
    if kind == 0:
        return text[:place] + dice.choice("ABCabc019_-.=é ") + text[place + 1 :]
    if kind == 1:
        return text[:place]
    if kind == 2:
        return dice.choice(others)
    parts, other = text.split("."), dice.choice(others).split(".")
    part = dice.randrange(4)
    parts[part] = other[part] if kind == 3 else parts[part] + dice.choice("Aa-")
    return ".".join(parts)


# --- what is told


@pytest.mark.django_db(transaction=True)
def test_a_damaged_file_is_one_line_of_the_trail_and_one_notice():
    organisation = OrganisationFactory()
    auditor = UserFactory(organisation=organisation, role=AUDITOR)
    blob = written(organisation, b"x" * 1000)
    _flip(blob)
    for _ in range(3):
        with pytest.raises(VaultError):
            blob_open(blob)
    events = AuditEvent.objects.filter(action="vault.damage")
    assert {event.target for event in events} == {f"blob:{blob.pk}"}
    assert (len(events), events[0].organisation, events[0].reason) == (3, organisation, "file")
    assert [notice.to for notice in Notice.objects.all()] == [auditor]


@pytest.mark.django_db(transaction=True)
def test_damage_met_in_a_transaction_is_told_after_its_rollback():
    blob = written(OrganisationFactory(), b"x" * 1000)
    _flip(blob)
    with pytest.raises(VaultError), transaction.atomic():
        blob_open(blob)
    assert not AuditEvent.objects.filter(action="vault.damage").exists()
    damage.damages_tell()
    assert AuditEvent.objects.filter(action="vault.damage").count() == 1
    damage.damages_tell()
    assert AuditEvent.objects.filter(action="vault.damage").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_moved_value_is_told_with_its_row():
    one = PatientFactory(name="Canary^Eva")
    two = PatientFactory(organisation=one.organisation, name="Other")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE imaging_patient SET name ="
            " (SELECT name FROM imaging_patient WHERE id = %s) WHERE id = %s",
            [_id(two), _id(one)],
        )
    with pytest.raises(VaultError):
        Patient.objects.get(pk=one.pk).name  # noqa: B018  reading it is the test
    event = AuditEvent.objects.get(action="vault.damage")
    assert (event.target, event.reason) == (f"patient:{one.pk}", "value")


@pytest.mark.django_db(transaction=True)
def test_what_was_erased_is_no_damage():
    patient = PatientFactory(name="Canary^Eva")
    keys.patient_key_destroy(patient.organisation_id, patient.pk)
    with pytest.raises(keys.KeyDestroyed):
        Patient.objects.get(pk=patient.pk).name  # noqa: B018  reading it is the test
    assert not AuditEvent.objects.filter(action="vault.damage").exists()


def written(organisation, content: bytes) -> Blob:
    return blob_write(organisation=organisation, chunks=[content], kind="test", chunk_size=CHUNK)


def _flip(blob: Blob) -> None:
    path = blob_path(blob.pk, blob.version)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _id(row) -> str:
    return row.pk.hex if connection.vendor == "sqlite" else str(row.pk)
