"""S66: a house is destroyed and comes back from its backup, equal; every wrong way is refused."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection, connections

from accounts import audit
from accounts.models import AuditEvent
from accounts.services.sealing import checkpoint_now, trail_seal
from accounts.vault.ledger import Erased, ledger_append
from accounts.vault.storage import blob_delete
from accounts.vault.tables import Blob
from mediscan.backup import house
from mediscan.backup.envelope import key_pair
from mediscan.backup.house import BLOBS, Unsteady, backup_make
from mediscan.backup.restoring import backup_check
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, ResultFactory
from tests.imaging.live import worker_environment

pytestmark = pytest.mark.django_db(transaction=True)
LOOK = """
import hashlib, json
from django.apps import apps
from accounts.vault.storage import blob_open
from accounts.vault.tables import Blob
from imaging.models import Patient
counts = {m._meta.label: m._default_manager.count() for m in apps.get_models() if m._meta.managed}
for blob in Blob.objects.all():
    with blob_open(blob) as reader:
        assert hashlib.sha256(b"".join(reader.chunks())).hexdigest() == blob.sha256
numbers = sorted(patient.record_number for patient in Patient.objects.all())
print(json.dumps({"counts": counts, "numbers": numbers}))
"""


@pytest.fixture
def keys(tmp_path) -> tuple[Path, Path]:
    key_pair(tmp_path / "private.pem", tmp_path / "public.pem")
    return tmp_path / "private.pem", tmp_path / "public.pem"


@pytest.fixture
def lived_in(settings, tmp_path):
    """A house with people, patients, results, a model on disk, and a trail."""
    settings.ERASURE_LEDGER = str(tmp_path / "erasures.jsonl")
    user = UserFactory()
    for number in range(5):
        result = ResultFactory(user=user)
        patient = result.image.study.patient
        patient.record_number = f"MRN {number}"
        patient.save()
    store = Path(settings.MODEL_STORE) / "lungs" / "1"
    store.mkdir(parents=True, exist_ok=True)
    (store / "weights.safetensors").write_bytes(b"weights")
    for number in range(50):
        audit.record(user, "plan.change", reason=str(number))
    trail_seal()
    checkpoint_now()
    yield user
    (store / "weights.safetensors").unlink()


@pytest.fixture
def elsewhere(tmp_path, lived_in):
    """Settings of an empty machine with the same KEK and ledger."""
    url, drop = another_database(tmp_path)
    yield worker_environment(
        DATABASE_URL=url,
        MEDISCAN_DATA_DIR=str(tmp_path / "new"),
        ERASURE_LEDGER=str(tmp_path / "erasures.jsonl"),
    )
    drop()


def another_database(tmp_path):
    if connection.vendor == "sqlite":
        return f"sqlite:///{tmp_path / 'new.sqlite3'}", lambda: None
    name, url = f"restored_{uuid4().hex[:8]}", worker_environment()["DATABASE_URL"]
    _on_server(f"CREATE DATABASE {name}")
    mine = str(connection.settings_dict["NAME"])
    return url.replace(f"/{mine}?", f"/{name}?"), lambda: _on_server(f"DROP DATABASE {name}")


def _on_server(sql: str) -> None:
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute(sql)


def manage(environment, *arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)], cwd=settings.BASE_DIR,
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def look(environment) -> dict:
    done = manage(environment, "shell", "--no-imports", "-c", LOOK)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_a_house_comes_back_equal(lived_in, elsewhere, keys, tmp_path):
    here = worker_environment(ERASURE_LEDGER=settings.ERASURE_LEDGER)
    file = tmp_path / "house.backup"
    before = look(here)
    made = manage(here, "backup", "make", file, "--to", keys[1], "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["files"] >= 5
    assert AuditEvent.objects.filter(action="backup.create").count() == 1

    ImageFactory(user=lived_in)  # what came later is not in it
    restored = manage(elsewhere, "restore", file, "--key", keys[0])
    assert restored.returncode == 0, restored.stderr
    after = look(elsewhere)
    extra = {"accounts.AuditEvent": 1, "accounts.AuditPending": 1}  # that it was restored
    for name, count in after["counts"].items():
        assert count - before["counts"][name] in (0, extra.get(name, 0)), name
    assert after["numbers"] == before["numbers"] == [f"MRN {number}" for number in range(5)]
    assert (tmp_path / "new/models/lungs/1/weights.safetensors").read_bytes() == b"weights"
    verified = manage(elsewhere, "verify_audit")
    assert verified.returncode == 0, verified.stdout
    assert "The trail is whole" in verified.stdout
    assert manage(elsewhere, "restore", file, "--key", keys[0]).returncode == 1  # not empty now


def test_each_wrong_way_is_refused_and_leaves_nothing(lived_in, elsewhere, keys, tmp_path):
    file, cut = tmp_path / "house.backup", tmp_path / "cut.backup"
    ledger_append(Erased(uuid4(), uuid4()))
    backup_make(file, keys[1])
    cut.write_bytes(file.read_bytes()[:-1000])
    key_pair(tmp_path / "other.pem", tmp_path / "other-public.pem")
    bare = elsewhere | {"ERASURE_LEDGER": str(tmp_path / "none.jsonl")}
    another = bare | {"VAULT_KEK": base64.b64encode(os.urandom(32)).decode()}
    ways = [
        ("sealed to the key", elsewhere, file, tmp_path / "other.pem"),
        ("was changed or moved", elsewhere, cut, keys[0]),
        ("no backup of MediScan", elsewhere, keys[1], keys[0]),
        ("There is no file or folder", elsewhere, tmp_path / "nothing", keys[0]),
        ("Give the KEK of that house", another, file, keys[0]),
        ("erasure ledger of that house had 1", bare, file, keys[0]),
    ]
    for said, environment, path, key in ways:
        done = manage(environment, "restore", path, "--key", key)
        assert done.returncode == (1 if path.exists() else 2), (said, done.stdout)
        assert said in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert not [one for one in (tmp_path / "new").glob("**/*") if one.is_file()]


def test_another_version_and_a_full_house_are_refused(lived_in, keys, tmp_path):
    file = tmp_path / "house.backup"
    backup_make(file, keys[1])
    here = worker_environment(ERASURE_LEDGER=settings.ERASURE_LEDGER)
    done = manage(here, "restore", file, "--key", keys[0])
    assert done.returncode == 1
    assert "This house is not empty: the database" in done.stderr
    assert Blob.objects.count() >= 5


def test_a_file_that_got_another_key_meanwhile_is_waited_for(lived_in, keys, tmp_path, monkeypatch):
    """As rotate_keys does between the snapshot and the files."""
    blob = Blob.objects.first()

    def moved(path):
        path.write_bytes(b"rows")
        house.blob_path(blob.pk, blob.version).rename(house.blob_path(blob.pk, blob.version + 1))

    monkeypatch.setattr(house.database, "snapshot_write", moved)
    with pytest.raises(Unsteady, match="1 files are missing"):
        backup_make(tmp_path / "house.backup", keys[1])
    assert not list(tmp_path.glob("house.backup*"))
    house.blob_path(blob.pk, blob.version + 1).rename(house.blob_path(blob.pk, blob.version))


def test_a_file_that_was_deleted_meanwhile_is_counted(lived_in, keys, tmp_path, monkeypatch):
    gone = Blob.objects.create(
        id=uuid4(), organisation=lived_in.memberships.get().organisation, kind="export",
        version=1, size=1, sha256="0" * 64,
    )  # fmt: skip
    monkeypatch.setattr(
        house.database,
        "snapshot_write",
        lambda path: (path.write_bytes(b"rows"), blob_delete(gone)),
    )
    assert backup_make(tmp_path / "house.backup", keys[1]).gone == 1


def test_no_key_is_in_a_backup_and_no_file_in_the_open(lived_in, keys, tmp_path):
    file = tmp_path / "house.backup"
    backup_make(file, keys[1])
    sealed = file.read_bytes()
    for word in (settings.VAULT_KEK, settings.SECRET_KEY.encode(), b"SQLite format", b"MRN 1"):
        assert word not in sealed
    names = [one["name"] for one in backup_check(file, keys[0])["members"]]
    assert "database" in names
    assert any(name.startswith(f"{BLOBS}/") for name in names)
    assert not [name for name in names if "erasures" in name]
    assert file.stat().st_mode & 0o777 == 0o600
    connections.close_all()
