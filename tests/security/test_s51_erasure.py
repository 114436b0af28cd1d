"""S51: an erased patient is unreadable, in an older backup too, and the trail still verifies."""

from __future__ import annotations

import json
import shutil

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.urls import reverse

from accounts.models import AuditEvent, Blob, VaultKey
from accounts.roles import ADMINISTRATOR
from accounts.vault import keys, ledger
from accounts.vault.cipher import DamagedBlob, VaultError, new_secret
from accounts.vault.fields import blind_index
from accounts.vault.keys import KeyDestroyed, patient_key
from accounts.vault.ledger import Erased, LedgerBroken, ledger_append, ledger_entries
from accounts.vault.purposes import purpose_verify
from accounts.vault.staging import blobs_dir
from accounts.vault.storage import blob_open
from imaging.models import (
    Erasure,
    Image,
    Job,
    Patient,
    Result,
    Run,
    SourceFile,
    Study,
    UploadItem,
)
from imaging.services.erasure import (
    erasure_approve,
    erasure_request,
    erasure_withdraw,
    erasures_missing,
    erasures_replay,
)
from imaging.services.refusals import NotPossible
from reports.models import Export, ExportItem
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.imaging.factories import (
    ImageFactory,
    JobFactory,
    PatientFactory,
    ResultFactory,
    RunFactory,
    UploadItemFactory,
    stored,
)

pytestmark = pytest.mark.django_db(transaction=True)
CLINICAL = (Patient, Study, Image, SourceFile, UploadItem, Job, Run, Result, Export, ExportItem)


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    settings.ERASURE_LEDGER = str(tmp_path / "elsewhere" / "erasures.jsonl")
    return settings.DATA_DIR


def case(organisation, number: str) -> Patient:
    """A patient with all that hangs on one: image, receipt, run, result with maps, export."""
    patient = PatientFactory(
        organisation=organisation, name=f"Canary^{number}", record_number=number,
        mrn_index=blind_index(organisation, "record_number", number),
    )  # fmt: skip
    image = ImageFactory(organisation=organisation, patient=patient, study__patient=patient)
    UploadItemFactory(
        upload__organisation=organisation, organisation=organisation, image=image,
        name=f"canary-{number}.png", status="accepted", blob=None,
    )  # fmt: skip
    run = RunFactory(organisation=organisation)
    result = ResultFactory(job=JobFactory(run=run, image=image, organisation=organisation))
    export = Export.objects.create(
        organisation=organisation, user=run.requested_by, kind="csv", status="succeeded",
        blob=stored(organisation, b"canary", "export"),
    )  # fmt: skip
    ExportItem.objects.create(
        organisation=organisation, export=export, result=result, position=1, state="done"
    )
    return patient


@pytest.fixture
def house():
    organisation = OrganisationFactory()
    admins = [UserFactory(organisation=organisation, role=ADMINISTRATOR) for _ in range(2)]
    return organisation, admins, case(organisation, "111"), case(organisation, "222")


def erase(patient, admins) -> Erasure:
    asked = erasure_request(user=admins[0], patient=patient, reason="asked")
    return erasure_approve(user=admins[1], erasure=asked)


def counts() -> dict:
    return {model.__name__: model.objects.count() for model in CLINICAL}


def nothing_is_left_of(patient, organisation) -> None:
    keys.cache.clear()
    with pytest.raises(KeyDestroyed):
        patient_key(organisation.pk, patient.pk)
    assert not Patient.objects.filter(pk=patient.pk).exists()
    assert not Blob.objects.filter(patient_id=patient.pk).exists()
    index = blind_index(organisation, "record_number", patient.record_number)
    assert not Patient.objects.filter(mrn_index=index).exists()
    named = {str(pk) for pk in Blob.objects.values_list("pk", flat=True)}
    assert {path.name.split(".")[0] for path in blobs_dir().glob("*/*")} == named
    assert all("111" not in item.name for item in UploadItem.objects.all())


def backup(tmp_path) -> dict:
    """Copy every row and every file, as a backup of an evening would."""
    shutil.copytree(blobs_dir(), tmp_path / "backup")
    tables = [name for name in connection.introspection.table_names() if name != "cache"]
    rows = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows[table] = ([column[0] for column in cursor.description], cursor.fetchall())
    return rows


def restore(tmp_path, rows: dict) -> None:
    """Bring back every row that is gone, every key as it was, every file."""
    shutil.rmtree(blobs_dir())
    shutil.copytree(tmp_path / "backup", blobs_dir())
    keys.cache.clear()
    with transaction.atomic(), connection.cursor() as cursor:
        for table in ("accounts_vaultkey", "imaging_erasure"):
            cursor.execute(f'DELETE FROM "{table}"')
        for table, (columns, values) in rows.items():
            if table.startswith(("imaging_", "reports_")) or table in (
                "accounts_blob", "accounts_vaultkey",
            ):  # fmt: skip
                names = ", ".join(f'"{name}"' for name in columns)
                marks = ", ".join(["%s"] * len(columns))
                for row in values:
                    cursor.execute(
                        f'INSERT INTO "{table}" ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING',
                        [json.dumps(v) if isinstance(v, dict | list) else v for v in row],
                    )


def test_an_erasure_leaves_nothing_of_one_patient_and_all_of_the_other(house):
    organisation, admins, gone, kept = house
    before = counts()
    erase(gone, admins)
    assert counts() == {name: number // 2 for name, number in before.items()}
    nothing_is_left_of(gone, organisation)
    assert Patient.objects.get(pk=kept.pk).name == "Canary^222"
    for blob in Blob.objects.all():
        assert blob_open(blob).read()


def test_an_older_backup_forgets_before_it_serves(house, tmp_path):
    organisation, admins, gone, kept = house
    rows = backup(tmp_path)
    before = counts()
    erase(gone, admins)
    restore(tmp_path, rows)
    assert counts() == before
    assert Patient.objects.get(pk=gone.pk).name == "Canary^111"  # the backup does bring it home
    assert len(erasures_missing()) == 1
    call_command("replay_erasures")
    nothing_is_left_of(gone, organisation)
    assert Patient.objects.get(pk=kept.pk).name == "Canary^222"
    assert erasures_replay() == 0
    assert AuditEvent.objects.filter(action="ledger.replay").count() == 1


def test_a_file_of_an_old_backup_does_not_open_without_the_key(house, tmp_path):
    _organisation, admins, gone, _kept = house
    image = Image.objects.get(patient=gone)
    blob = Blob.objects.get(pk=image.pixels_id)
    shutil.copytree(blobs_dir(), tmp_path / "backup")
    erase(gone, admins)
    shutil.rmtree(blobs_dir())
    shutil.copytree(tmp_path / "backup", blobs_dir())
    keys.cache.clear()
    with pytest.raises((KeyDestroyed, DamagedBlob)):
        blob_open(blob)


def test_every_line_of_the_trail_still_verifies(house):
    _organisation, admins, gone, _kept = house
    erase(gone, admins)
    events = AuditEvent.objects.filter(patient=gone.pk)
    assert {"patient.erase_ask", "patient.erase"} <= set(events.values_list("action", flat=True))
    from accounts.audit.rows import canonical

    for event in AuditEvent.objects.all():
        assert purpose_verify(
            "audit", canonical(event.as_text()), event.kid, bytes.fromhex(event.hmac)
        )


def test_the_wrapped_key_leaves_the_database_file(house, settings):
    _organisation, admins, gone, _kept = house
    if connection.vendor != "sqlite":
        pytest.skip("reads SQLite's own file")
    wrapped = bytes(VaultKey.objects.get(patient_id=gone.pk).wrapped)
    erase(gone, admins)
    from pathlib import Path

    path = Path(connection.settings_dict["NAME"])
    for file in (path, path.with_name(path.name + "-wal")):
        assert not file.exists() or wrapped not in file.read_bytes()


# --- two people


def test_nobody_approves_their_own_request(house):
    _organisation, admins, gone, _kept = house
    asked = erasure_request(user=admins[0], patient=gone, reason="asked")
    with pytest.raises(NotPossible, match="Nobody approves their own"):
        erasure_approve(user=admins[0], erasure=asked)
    assert Patient.objects.filter(pk=gone.pk).exists()
    assert ledger_entries() == []


def test_others_than_administrators_of_the_house_neither_ask_nor_approve(house):
    organisation, admins, gone, _kept = house
    doctor = UserFactory(organisation=organisation)
    stranger = UserFactory(role=ADMINISTRATOR)
    for person in (doctor, stranger):
        with pytest.raises(NotPossible, match="two administrators"):
            erasure_request(user=person, patient=gone, reason="asked")
    asked = erasure_request(user=admins[0], patient=gone, reason="asked")
    for person in (doctor, stranger):
        with pytest.raises(NotPossible, match="two administrators"):
            erasure_approve(user=person, erasure=asked)
    admins[0].memberships.all().delete()
    with pytest.raises(NotPossible, match="two administrators"):
        erasure_approve(user=admins[1], erasure=asked)
    assert Patient.objects.filter(pk=gone.pk).exists()


def test_a_request_is_made_once_and_may_be_withdrawn(house):
    _organisation, admins, gone, _kept = house
    asked = erasure_request(user=admins[0], patient=gone, reason="asked")
    with pytest.raises(NotPossible, match="asked for already"):
        erasure_request(user=admins[1], patient=gone, reason="asked")
    erasure_withdraw(user=admins[1], erasure=asked)
    with pytest.raises(NotPossible, match="no longer open"):
        erasure_approve(user=admins[1], erasure=asked)
    erase(gone, admins)


def test_without_a_ledger_nothing_is_erased(house, settings, tmp_path):
    organisation, admins, gone, _kept = house
    (tmp_path / "file").touch()
    settings.ERASURE_LEDGER = str(tmp_path / "file" / "ledger")
    with pytest.raises(LedgerBroken, match="ERASURE_LEDGER"):
        erase(gone, admins)
    keys.cache.clear()
    assert Patient.objects.get(pk=gone.pk).name == "Canary^111"
    assert patient_key(organisation.pk, gone.pk)


def test_the_pages_take_two_administrators(house, client, verified_client):
    organisation, admins, gone, _kept = house
    page = reverse("imaging:erasure-list")
    verified_client(admins[0])
    wrong = client.post(page, {"number": "999", "reason": "asked"})
    assert (wrong.status_code, b"There is no record" in wrong.content) == (422, True)
    client.post(page, {"number": " 111", "reason": "asked"})
    asked = Erasure.objects.get()
    approve = reverse("imaging:erasure-approve", args=[asked.pk])
    assert approve not in client.get(page).content.decode()
    client.post(approve)
    assert Patient.objects.filter(pk=gone.pk).exists()
    verified_client(admins[1])
    assert approve in client.get(page).content.decode()
    client.post(approve)
    nothing_is_left_of(gone, organisation)
    assert str(gone.pk)[:8] in client.get(page).content.decode()
    verified_client(UserFactory(role=ADMINISTRATOR))
    assert client.post(approve).status_code == 404


# --- the ledger


def test_the_ledger_opens_after_the_kek_was_rotated(house, settings):
    _organisation, admins, gone, kept = house
    erase(gone, admins)
    settings.VAULT_KEK, settings.VAULT_KEK_ALSO = new_secret(), settings.VAULT_KEK
    call_command("rotate_keys", "--kek")
    settings.VAULT_KEK_ALSO = b""
    keys.cache.clear()
    erase(kept, admins)
    assert [entry.patient_id for entry in ledger_entries()] == [gone.pk, kept.pk]


@pytest.mark.parametrize("change", ["swap", "drop", "edit", "foreign", "garbage"])
def test_a_changed_ledger_is_refused(house, change):
    organisation, _admins, gone, kept = house
    for patient in (gone, kept, gone):
        ledger_append(Erased(organisation.pk, patient.pk))
    path = ledger.ledger_path()
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif change == "drop":
        del lines[1]
    elif change == "edit":
        lines[2] = lines[2].replace(str(kept.pk).encode(), str(gone.pk).encode())
    elif change == "foreign":
        lines.append(lines[1])
    else:
        lines.append(b"{}\n")
    path.write_bytes(b"".join(lines))
    with pytest.raises(VaultError):
        ledger_entries()
    with pytest.raises(CommandError, match="Bring the ledger back"):
        call_command("replay_erasures")


def test_a_torn_last_line_was_never_promised(house):
    organisation, _admins, gone, kept = house
    ledger_append(Erased(organisation.pk, gone.pk))
    path = ledger.ledger_path()
    with path.open("ab") as file:
        file.write(b'{"organisation": "')
    assert [entry.patient_id for entry in ledger_entries()] == [gone.pk]
    ledger_append(Erased(organisation.pk, kept.pk))
    assert [entry.patient_id for entry in ledger_entries()] == [gone.pk, kept.pk]
    assert path.stat().st_mode & 0o777 == 0o600
