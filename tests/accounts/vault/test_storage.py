"""Blobs: file and row come, change and go together."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.models import Blob
from accounts.vault import staging
from accounts.vault.cipher import DamagedBlob
from accounts.vault.keys import KeyDestroyed, patient_key_destroy
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import (
    blob_delete,
    blob_keep,
    blob_open,
    blob_rekey,
    blob_write,
    blobs_keep,
    blobs_sweep,
)

from .conftest import make_organisation

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 1000  # 256,000 bytes: four chunks of 64 KiB


def written(organisation, content: bytes = CONTENT, **options) -> Blob:
    pieces = [content[i : i + 10_000] for i in range(0, len(content), 10_000)]
    return blob_write(organisation=organisation, chunks=pieces, kind="test", **options)


def damage(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_was_written_is_read(organisation):
    blob = Blob.objects.get(pk=written(organisation).pk)
    assert (blob.size, blob.version, blob.kind) == (len(CONTENT), 1, "test")
    assert str(blob) == f"test blob {blob.pk}"
    assert blob.sha256 == hashlib.sha256(CONTENT).hexdigest()
    with blob_open(blob) as reader:
        assert reader.size == len(CONTENT)
        assert reader.read() == CONTENT
        assert reader.read_range(65_530, 131_080) == CONTENT[65_530:131_080]
        assert reader.read_range(255_990, 10**9) == CONTENT[255_990:]
        assert reader.read_range(10**9, 10**9 + 1) == b""
        assert b"".join(reader.chunks()) == CONTENT
        assert b"".join(reader.chunks(100, 200_000)) == CONTENT[100:200_000]
        with pytest.raises(ValueError, match="from the start"):
            reader.read_range(-5, 10)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:65536], CONTENT[:131072]])
def test_any_size_and_any_key(organisation, content):
    for patient_id in (None, uuid4()):
        blob = written(organisation, content, patient_id=patient_id)
        with blob_open(blob) as reader:
            assert reader.read() == b"".join(reader.chunks()) == content


def test_the_file_is_private_encrypted_and_alone(organisation, files, data_dir):
    canary = b"Jane Doe, born 1970 " * 5_000
    blob = written(organisation, canary)
    [path] = files()
    assert path == data_dir / "blobs" / blob.pk.hex[:2] / f"{blob.pk}.1"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert b"Jane" not in path.read_bytes()


def test_threads_may_share_a_reader(organisation):
    with blob_open(written(organisation)) as reader:
        bad = []

        def read(start: int) -> None:
            for _ in range(20):
                if reader.read_range(start, start + 70_000) != CONTENT[start : start + 70_000]:
                    bad.append(start)

        threads = [threading.Thread(target=read, args=(n * 20_000,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert bad == []


def test_a_reader_that_is_dropped_closes_its_file(organisation):
    blob = written(organisation)
    reader = blob_open(blob)
    handle = reader._file.fileno()
    del reader
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handle)


# --- damage


def test_a_damaged_file_is_refused_and_logged_by_id_alone(organisation, files, caplog):
    blob = written(organisation)
    damage(files()[0])
    with pytest.raises(DamagedBlob), blob_open(blob) as reader:
        reader.read()
    assert str(blob.pk) in caplog.text


def test_damage_at_the_start_is_found_before_an_answer_begins(organisation, files):
    blob = written(organisation)
    path = files()[0]
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with blob_open(blob) as reader:
        with pytest.raises(DamagedBlob):
            reader.chunks()
        assert reader.read_range(70_000, 80_000) == CONTENT[70_000:80_000]


@pytest.mark.parametrize("change", ["cut", "missing", "swapped", "row"])
def test_file_and_row_must_agree(organisation, files, change):
    blob, other = written(organisation), written(organisation)
    path, their = (staging.blob_path(one.pk, 1) for one in (blob, other))
    if change == "cut":
        os.truncate(path, path.stat().st_size - 65_552)
    elif change == "missing":
        path.unlink()
    elif change == "swapped":
        their.replace(path)
    else:
        blob.size += 1
    with pytest.raises(DamagedBlob):
        blob_open(blob)


def test_a_blob_of_an_erased_patient_does_not_open(organisation):
    patient = uuid4()
    blob = written(organisation, patient_id=patient)
    patient_key_destroy(organisation.pk, patient)
    with pytest.raises(KeyDestroyed):
        blob_open(blob)


# --- transactions


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_no_file(files):
    organisation = make_organisation("North")
    started = time.monotonic()
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        written(organisation)
        written(organisation)
        assert len(files()) == 2
        raise RuntimeError
    assert files() == []
    assert not Blob.objects.exists()
    assert time.monotonic() - started < 10


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_savepoint_leaves_the_others(files):
    organisation = make_organisation("North")
    with transaction.atomic():
        kept = written(organisation)
        with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
            written(organisation)
            raise RuntimeError
        assert [path.name for path in files()] == [f"{kept.pk}.1"]
    assert [path.name for path in files()] == [f"{kept.pk}.1"]


@pytest.mark.django_db(transaction=True)
def test_a_commit_keeps_the_file_even_when_another_hook_fails(files):
    """Django then drops the hooks that follow; the row says that the file is needed."""
    organisation = make_organisation("North")

    def fails() -> None:
        raise RuntimeError("the queue is away")

    with pytest.raises(RuntimeError, match="queue"), transaction.atomic():  # noqa: PT012
        transaction.on_commit(fails)
        blob = written(organisation)
    assert len(files()) == 1
    with blob_open(blob) as reader:
        assert reader.read() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_in_doubt_the_file_is_left_to_the_sweep(files, monkeypatch, caplog):
    class Away:
        closed = False

        def cursor(self) -> None:
            raise OperationalError("the database is away")

        def close(self) -> None:
            Away.closed = True

    organisation = make_organisation("North")
    monkeypatch.setattr(connections, "create_connection", lambda alias: Away())
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        written(organisation)
        raise RuntimeError
    assert len(files()) == 1
    assert "left to the sweep" in caplog.text
    assert Away.closed
    assert blobs_sweep(older_than=-timedelta(seconds=1)) == 1
    assert files() == []


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_the_blob_is_simply_kept(files, monkeypatch):
    asked = []
    monkeypatch.setattr(connections, "create_connection", asked.append)
    blob = written(make_organisation("North"))
    assert asked == []  # a commit leaves no doubt to clear up
    assert [path.name for path in files()] == [f"{blob.pk}.1"]
    assert Blob.objects.count() == 1


def test_a_source_that_breaks_leaves_nothing(organisation, files):
    def breaks():
        yield CONTENT
        raise OSError("the browser is gone")

    with pytest.raises(OSError, match="browser"):
        blob_write(organisation=organisation, chunks=breaks(), kind="test")
    assert files() == []
    assert not Blob.objects.exists()


@pytest.mark.parametrize("where", ["close", "write"])
def test_a_full_disk_leaves_nothing(organisation, files, monkeypatch, where):
    def full(*args) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(staging, "uuid4", lambda: UUID(int=0))
    staging.blob_path(UUID(int=0), 1).parent.mkdir(parents=True)
    if where == "close":
        monkeypatch.setattr(staging.os, "fsync", full)
    else:
        monkeypatch.setattr(staging.StagedBlob, "write", full)
    with pytest.raises(OSError, match="No space left"):
        written(organisation)
    with (
        pytest.raises(OSError, match="No space left"),
        StagedBlob(organisation=organisation, kind="test") as staged,
    ):
        staged.write(b"x")
    assert files() == []
    assert not Blob.objects.exists()


def test_a_folder_that_cannot_be_made_durable_leaves_nothing(organisation, files, monkeypatch):
    """The file has its name already when this fails."""
    real = staging.folder_sync

    def full(folder) -> None:
        if any(path.suffix == ".1" for path in folder.iterdir()):
            raise OSError(5, "Input/output error")
        real(folder)

    monkeypatch.setattr(staging, "folder_sync", full)
    with pytest.raises(OSError, match="Input/output"):
        written(organisation)
    assert files() == []
    assert not Blob.objects.exists()


def test_a_row_that_is_refused_leaves_no_file(organisation, files, monkeypatch):
    def refuse(rows) -> None:
        raise RuntimeError("refused")

    monkeypatch.setattr(Blob.objects, "bulk_create", refuse)
    with pytest.raises(RuntimeError):
        written(organisation)
    assert files() == []


def test_the_order_is_write_fsync_row_rename_fsync(organisation, monkeypatch):
    steps = []
    fsync, rename, create = os.fsync, os.rename, Blob.objects.bulk_create

    def watched(name, real):
        def call(*args, **kwargs):
            steps.append(name)
            return real(*args, **kwargs)

        return call

    staging.blob_path(UUID(int=0), 1).parent.mkdir(parents=True)
    monkeypatch.setattr(staging, "uuid4", lambda: UUID(int=0))
    monkeypatch.setattr(staging.os, "fsync", watched("fsync", fsync))
    monkeypatch.setattr(staging.os, "rename", watched("rename", rename))
    monkeypatch.setattr(Blob.objects, "bulk_create", watched("row", create))
    written(organisation)
    assert steps == ["fsync", "row", "rename", "fsync"]


def test_several_files_are_kept_all_or_none(organisation, files, monkeypatch):
    def staged():
        blobs = [StagedBlob(organisation=organisation, kind="map") for _ in range(3)]
        for number, blob in enumerate(blobs):
            blob.write(b"%d" % number)
        return blobs

    kept = blobs_keep(staged())
    assert [b"".join(blob_open(blob).chunks()) for blob in kept] == [b"0", b"1", b"2"]
    before, late = sorted(files()), staged()
    monkeypatch.setattr(staging, "folder_sync", fails_when_full)
    with pytest.raises(OSError, match="full"), transaction.atomic():
        blobs_keep(late)
    assert (Blob.objects.count(), sorted(files())) == (3, before)


def fails_when_full(folder) -> None:
    raise OSError("the disk is full")


# --- staged


def test_a_staged_file_is_kept_later(organisation, files):
    with StagedBlob(organisation=organisation, kind="source") as staged:
        staged.write(b"first ")
        staged.write(b"second")
    assert not Blob.objects.exists()
    assert files()[0].name.endswith(".tmp")
    blob = blob_keep(staged)
    with blob_open(blob) as reader:
        assert reader.read() == b"first second"


def test_a_staged_file_is_discarded(organisation, files):
    with StagedBlob(organisation=organisation, kind="source") as staged:
        staged.write(b"content")
    staged.discard()
    assert files() == []


@pytest.mark.django_db(transaction=True)
def test_trouble_after_the_commit_does_not_take_the_file(files):
    organisation = make_organisation("North")
    with (  # noqa: PT012
        pytest.raises(RuntimeError),
        StagedBlob(organisation=organisation, kind="source") as staged,
    ):
        staged.write(CONTENT)
        blob_keep(staged)
        raise RuntimeError
    with blob_open(Blob.objects.get()) as reader:
        assert reader.read() == CONTENT


# --- delete, rekey, sweep


@pytest.mark.django_db(transaction=True)
def test_delete_takes_the_row_now_and_the_file_on_commit(files):
    blob = written(make_organisation("North"))
    with transaction.atomic():
        blob_delete(blob)
        assert not Blob.objects.exists()
        assert len(files()) == 1
    assert files() == []


@pytest.mark.django_db(transaction=True)
def test_a_delete_that_is_rolled_back_keeps_both(files):
    blob = written(make_organisation("North"))
    again = Blob.objects.get()
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        blob_delete(blob)
        raise RuntimeError
    with blob_open(again) as reader:
        assert reader.read() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_rekey_moves_the_content_under_the_patients_key(files):
    organisation, patient = make_organisation("North"), uuid4()
    blob = written(organisation)
    blob_rekey(blob, patient_id=patient)
    stored = Blob.objects.get()
    assert (stored.patient_id, stored.version) == (blob.patient_id, blob.version) == (patient, 2)
    assert [path.name for path in files()] == [f"{blob.pk}.2"]
    with blob_open(stored) as reader:
        assert reader.read() == CONTENT
    patient_key_destroy(organisation.pk, patient)
    with pytest.raises(KeyDestroyed):
        blob_open(stored)


@pytest.mark.django_db(transaction=True)
def test_a_rekey_that_is_rolled_back_leaves_the_old_file(files):
    blob = written(make_organisation("North"))
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        blob_rekey(Blob.objects.get(), patient_id=uuid4())
        raise RuntimeError
    assert [path.name for path in files()] == [f"{blob.pk}.1"]
    with blob_open(Blob.objects.get()) as reader:
        assert reader.read() == CONTENT


def test_a_rekey_through_a_stale_row_moves_what_is_there_now(organisation):
    blob, patient = written(organisation), uuid4()
    stale = Blob.objects.get()
    blob_rekey(blob, patient_id=uuid4())
    blob_rekey(stale, patient_id=patient)
    assert (stale.version, stale.patient_id) == (3, patient)
    with blob_open(Blob.objects.get()) as reader:
        assert reader.read() == CONTENT


@pytest.mark.django_db(transaction=True)
def test_rekeys_at_once_lose_nothing(files):
    blob = written(make_organisation("North"))
    barrier, errors = threading.Barrier(4), []

    def rekey() -> None:
        try:
            barrier.wait()
            blob_rekey(Blob.objects.get(), patient_id=uuid4())
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=rekey) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [path.name for path in files()] == [f"{blob.pk}.5"]
    with blob_open(Blob.objects.get()) as reader:
        assert reader.read() == CONTENT


def test_a_rekey_of_a_damaged_file_changes_nothing(organisation, files):
    blob = written(organisation)
    damage(files()[0])
    with pytest.raises(DamagedBlob):
        blob_rekey(blob, patient_id=uuid4())
    assert Blob.objects.get().version == blob.version == 1
    assert [path.name for path in files()] == [f"{blob.pk}.1"]


def test_a_rekey_of_another_content_changes_nothing(organisation, files):
    blob = written(organisation)
    Blob.objects.update(sha256="0" * 64)
    with pytest.raises(DamagedBlob, match="not the content"):
        blob_rekey(blob, patient_id=uuid4())
    assert [path.name for path in files()] == [f"{blob.pk}.1"]


def test_a_rekey_passes_by_what_a_crash_left(organisation, files):
    blob = written(organisation)
    staging.blob_path(blob.pk, 2).write_bytes(b"left by a crash")
    blob_rekey(blob, patient_id=uuid4())
    assert blob.version == 3
    with blob_open(blob) as reader:
        assert reader.read() == CONTENT


def test_the_sweep_removes_what_has_no_row(organisation, files):
    blob = written(organisation)
    stale = staging.blob_path(blob.pk, 7)
    orphan = staging.blob_path(uuid4(), 1)
    for path in (stale, orphan):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no row")
    StagedBlob(organisation=organisation, kind="never kept").close()
    assert len(files()) == 4
    assert blobs_sweep() == 0  # too young: their transactions may be open
    assert blobs_sweep(older_than=-timedelta(seconds=1)) == 3
    assert [path.name for path in files()] == [f"{blob.pk}.1"]
    assert blobs_sweep(older_than=-timedelta(seconds=1)) == 0


def test_the_sweep_passes_by_what_vanishes_meanwhile(organisation, files, monkeypatch):
    written(organisation)
    [path] = files()
    monkeypatch.setattr(type(path), "glob", lambda *args: iter([path.with_suffix(".9")]))
    assert blobs_sweep(older_than=-timedelta(seconds=1)) == 0


def test_the_sweep_leaves_alone_what_is_not_its_own(data_dir):
    (data_dir / "blobs" / "ab").mkdir(parents=True)
    note = data_dir / "blobs" / "ab" / "README"
    note.write_text("by a person")
    assert blobs_sweep(older_than=-timedelta(seconds=1)) == 0
    assert note.exists()


def test_a_sweep_of_nothing_is_nothing():
    assert blobs_sweep() == 0


def test_the_connection_is_clean_after_the_rollbacks(organisation):
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        written(organisation)
        raise RuntimeError
    assert not connection.needs_rollback
    assert Blob.objects.count() == 0
