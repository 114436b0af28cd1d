"""S50: twenty clients read while keys rotate and the rotation is killed twenty times."""

from __future__ import annotations

import base64
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter

import pytest
from django.conf import settings as django_settings
from django.db import close_old_connections, connection, connections
from django.utils.timezone import now, timedelta

from accounts.models import Blob, VaultKey
from accounts.services import rotation
from accounts.vault import keys
from accounts.vault.cipher import new_secret
from accounts.vault.keys import KeyDestroyed, key_by_id, organisation_key, purpose_key
from accounts.vault.storage import blob_open
from imaging.models import Image, Patient, UploadItem
from tests.accounts.factories import OrganisationFactory
from tests.imaging.factories import ImageFactory, PatientFactory, UploadItemFactory
from tests.imaging.live import worker_environment

PATIENTS, NEIGHBOURS, CLIENTS, KILLS = 40, 150, 20, 20
PAUSE_S = 0.2  # of each client between two rounds: twenty leave the rotation a processor


@pytest.fixture
def house(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    organisation = OrganisationFactory()
    for number in range(PATIENTS):
        patient = PatientFactory(organisation=organisation, name=f"Name^{number}")
        ImageFactory(organisation=organisation, patient=patient, header=f"header {number}")
        UploadItemFactory(
            upload__organisation=organisation, organisation=organisation, name=f"{number}.png"
        )
    return organisation


class Clients:
    """Threads that read rows, sealed values and files at random, and compare them."""

    def __init__(self) -> None:
        keys.cache.clear()
        self.names = {row.pk: row.name for row in Patient.objects.all()}
        self.headers = {row.pk: row.header for row in Image.objects.all()}
        self.items = {row.pk: row.name for row in UploadItem.objects.all()}
        self.files = {blob.pk: blob_open(blob).read() for blob in Blob.objects.all()}
        self.done, self.failed, self._stop = Counter(), [], threading.Event()
        self._threads = [threading.Thread(target=self._read, args=[n]) for n in range(CLIENTS)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _read(self, number: int) -> None:
        dice = random.Random(number)
        while not self._stop.is_set():
            try:
                self._read_once(dice)
                self.done[number] += 1
            except Exception as error:
                self.failed.append(repr(error))
            time.sleep(PAUSE_S)
        close_old_connections()
        connections.close_all()

    def _read_once(self, dice: random.Random) -> None:
        if dice.random() < 0.1:
            keys.cache.clear()  # as another process, which remembers nothing
        for model, name, known in (
            (Patient, "name", self.names),
            (Image, "header", self.headers),
            (UploadItem, "name", self.items),
        ):
            pk = dice.choice(list(known))
            assert getattr(model.objects.get(pk=pk), name) == known[pk]
        pk = dice.choice(list(self.files))
        blob = Blob.objects.get(pk=pk)
        time.sleep(dice.random() * 0.01)  # between the row and its file a rotation may pass
        assert blob_open(blob).read() == self.files[pk]


def marks() -> set:
    """What a rotation changes, as it lies in the database: keys, ciphertexts, files."""
    found = set(VaultKey.objects.values_list("pk", "wrapped_by", "retired_at"))
    found |= set(Blob.objects.values_list())
    with connection.cursor() as cursor:
        for model, column in ((Patient, "name"), (Image, "header"), (UploadItem, "name")):
            cursor.execute(f"SELECT id, {column} FROM {model._meta.db_table}")
            found |= set(cursor.fetchall())
    return found


def rotate(*arguments: str, kill_after: int = 0, **variables: str) -> int:
    """Run the command; kill it once `kill_after` things in the database are not as before.

    Returns its exit code; what it said is shown where it failed by itself.
    """
    before = marks()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "rotate_keys", "--skip-checks", *arguments],
            cwd=django_settings.BASE_DIR, env=worker_environment(**variables),
            stdout=said, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while process.poll() is None:
            if kill_after and len(marks() - before) >= kill_after:
                process.send_signal(signal.SIGKILL)
                return process.wait()
            time.sleep(0.01)
        if process.returncode > 0:
            said.seek(0)
            print(said.read().decode())
        return process.returncode


@pytest.mark.slow_security
@pytest.mark.django_db(transaction=True)
def test_no_read_fails_while_keys_rotate_and_the_rotation_is_killed(house, capsys):
    old = set(VaultKey.objects.filter(organisation=house).values_list("pk", flat=True))
    dice, killed, began = random.Random(50), 0, time.monotonic()
    with Clients() as clients:
        while killed < KILLS:
            code = rotate("--org", str(house.pk), "--fields", kill_after=dice.randint(1, PATIENTS))
            killed += code == -signal.SIGKILL
            assert code in (0, -signal.SIGKILL)
            if code == 0:  # what was left was less than that: give it something to do again
                _retire(house)
        assert rotate("--org", str(house.pk), "--fields") == 0
        assert rotate("--org", str(house.pk), "--verify") == 0
        _retire(house)
    with capsys.disabled():
        print(
            f"\nS50 {connection.vendor}: {killed} kills within the work,"
            f" {sum(clients.done.values())} rounds of reads, {len(clients.failed)} failed,"
            f" {time.monotonic() - began:.0f} s"
        )
    assert clients.failed == []
    assert len(clients.done) == CLIENTS
    assert sum(clients.done.values()) > 10 * CLIENTS
    gone = VaultKey.objects.filter(pk__in=old, destroyed_at__isnull=False)
    assert gone.count() == len(old) == 1 + PATIENTS
    keys.cache.clear()
    with pytest.raises(KeyDestroyed):
        key_by_id(gone[0].pk)
    Clients()._read_once(dice)


@pytest.mark.slow_security
@pytest.mark.django_db(transaction=True)
def test_no_read_fails_while_the_kek_rotates_and_is_killed(house, settings, capsys):
    for name in keys.PURPOSES:
        purpose_key(name)
    for _ in range(NEIGHBOURS):
        organisation_key(OrganisationFactory().pk)
    old, dice, killed = settings.VAULT_KEK, random.Random(51), 0
    with Clients() as clients:
        for _ in range(3):
            settings.VAULT_KEK_ALSO = settings.VAULT_KEK
            settings.VAULT_KEK = new_secret()
            both = {"VAULT_KEK_ALSO": base64.b64encode(settings.VAULT_KEK_ALSO).decode()}
            for _ in range(2):
                killed += rotate("--kek", kill_after=dice.randint(1, 20), **both) < 0
            assert rotate("--kek", **both) == 0
            assert rotate("--kek", "--verify") == 0
            settings.VAULT_KEK_ALSO = b""
    with capsys.disabled():
        print(f"\nS50 {connection.vendor}: the KEK changed 3 times, {killed} kills")
    assert clients.failed == []
    assert killed >= 3
    assert old != settings.VAULT_KEK


def _retire(house) -> None:
    VaultKey.objects.exclude(retired_at=None).update(retired_at=now() - timedelta(hours=2))
    rotation.keys_retire(organisation=house)


@pytest.mark.django_db(transaction=True)
def test_a_new_secret_key_loses_no_job(settings, monkeypatch):
    """What the queue holds does not open any more; the rows ring again."""
    from django_q.models import OrmQ

    from imaging import queue
    from imaging.models import Job
    from imaging.services.doorbells import RUN_JOB, STALE, doorbells_mend
    from tests.imaging.factories import JobFactory

    jobs = [JobFactory() for _ in range(5)]
    doorbells_mend()
    rung = {str(job.pk) for job in jobs}
    assert queue.waiting(RUN_JOB) <= rung
    assert OrmQ.objects.count() >= 2  # a user's share of doorbells; the others wait as rows
    monkeypatch.setattr("django_q.conf.Conf.SECRET_KEY", "another " * 8)
    settings.SECRET_KEY = "another " * 8
    assert queue.waiting(RUN_JOB) == set()
    Job.objects.update(rung_at=now() - 2 * STALE)
    assert doorbells_mend() == len(jobs)
    assert queue.waiting(RUN_JOB) == rung
