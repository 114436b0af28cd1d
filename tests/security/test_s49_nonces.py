"""S49: a million encryptions never use a nonce twice; equal values look different."""

from __future__ import annotations

import os
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.ciphers import aead

from accounts.vault import blob_format, cipher
from accounts.vault.blob_format import BlobWriter, Place
from accounts.vault.cipher import Key, new_secret, seal_text
from accounts.vault.fields import blind_index
from imaging.models import Patient
from tests.accounts.factories import OrganisationFactory
from tests.imaging.factories import PatientFactory

VALUES, FILES, CHUNKS = 700_000, 1_000, 300


class Counting:
    """Stands where AES-GCM stands, notes each (key, nonce) and encrypts nothing."""

    seen: set[bytes] = set()
    calls = 0

    def __init__(self, key: bytes) -> None:
        self._key = bytes(key)

    def encrypt(self, nonce: bytes, data, aad) -> bytes:
        Counting.calls += 1
        Counting.seen.add(self._key[:8] + bytes(nonce))
        return bytes(len(data) + 16)


@pytest.fixture
def counting(monkeypatch):
    Counting.seen, Counting.calls = set(), 0
    monkeypatch.setattr(cipher, "AESGCM", Counting)
    monkeypatch.setattr(blob_format, "AESGCM", Counting)
    yield Counting
    Counting.seen = set()


@pytest.mark.slow_security
def test_a_million_encryptions_never_meet(counting):
    """Fields under one key, files of many chunks under their own: through the vault's own code."""
    key = Key.derived_from(uuid4(), new_secret())
    for _ in range(VALUES):
        seal_text(key, "", b"")
    place = Place(UUID(int=1), UUID(int=2), 1)
    for _ in range(FILES):
        writer = BlobWriter(key.kid, key.wrapping, place, 1)
        writer.update(bytes(CHUNKS))
        writer.finish()
    assert counting.calls == VALUES + FILES * (CHUNKS + 1)
    assert counting.calls >= 1_000_000
    assert len(counting.seen) == counting.calls


def test_the_counter_counts(counting):
    """Break the line: with a nonce that stays, the first test would fail."""
    place = Place(UUID(int=1), UUID(int=2), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blob_format, "_nonce", lambda *args, **kwargs: bytes(12))
        writer = BlobWriter(UUID(int=3), bytes(32), place, 1)
        writer.update(bytes(10))
    assert len(counting.seen) < counting.calls


def test_nonces_come_from_the_system(monkeypatch):
    """96 random bits from the kernel for each value, 56 for each file beside a key of its own."""
    asked = []
    real = os.urandom
    monkeypatch.setattr(os, "urandom", lambda count: asked.append(count) or real(count))
    seal_text(Key.derived_from(UUID(int=7), bytes(range(32))), "x", b"")
    assert asked == [12]
    asked.clear()
    BlobWriter(UUID(int=3), bytes(32), Place(UUID(int=1), UUID(int=2), 1), 1)
    assert sorted(asked) == [7, 12, 32]
    assert aead.AESGCM is cipher.AESGCM


@pytest.mark.django_db
def test_the_same_number_looks_different_and_is_found():
    here, there = OrganisationFactory(), OrganisationFactory()
    rows = [
        PatientFactory(organisation=place, record_number="4711") for place in (here, here, there)
    ]
    sealed = [Patient.objects.get(pk=row.pk).__dict__["record_number"].text for row in rows]
    assert len(set(sealed)) == 3
    index = [blind_index(place, "record_number", "4711") for place in (here, here, there)]
    assert index[0] == index[1] != index[2]
