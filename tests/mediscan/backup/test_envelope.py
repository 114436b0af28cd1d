"""A sealed backup opens with one key, whole, or not at all."""

from __future__ import annotations

import random
from pathlib import Path
from uuid import uuid4

import pytest

from accounts.vault.cipher import DamagedBlob
from mediscan.backup.envelope import (
    CHUNK_BYTES,
    NotOurs,
    Opened,
    Sealing,
    head_of,
    key_pair,
    private_key,
    public_key,
)

CONTENT = random.Random(1).randbytes(2 * CHUNK_BYTES + 17)


@pytest.fixture
def keys(tmp_path) -> tuple[Path, Path]:
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    key_pair(private, public)
    return private, public


@pytest.fixture
def sealed(tmp_path, keys) -> Path:
    path = tmp_path / "backup"
    with path.open("wb") as file:
        sealing = Sealing(file, public_key(keys[1]), uuid4(), {"made": "now"})
        for at in range(0, len(CONTENT), 100_003):
            sealing.write(CONTENT[at : at + 100_003])
        sealing.finish()
    return path


def opened(path: Path, key: Path) -> bytes:
    with path.open("rb") as file:
        return Opened(file, private_key(key)).readall()


def test_what_was_sealed_comes_back(sealed, keys):
    assert opened(sealed, keys[0]) == CONTENT
    assert CONTENT[:64] not in sealed.read_bytes()


def test_what_it_says_of_itself_needs_no_key(sealed):
    with sealed.open("rb") as file:
        assert head_of(file)["made"] == "now"


def test_the_private_half_is_its_owners_alone(keys):
    assert keys[0].stat().st_mode & 0o777 == 0o400
    with pytest.raises(FileExistsError):
        key_pair(*keys)


def test_another_key_is_named(sealed, tmp_path):
    key_pair(tmp_path / "other.pem", tmp_path / "other-public.pem")
    with pytest.raises(NotOurs, match="sealed to the key"):
        opened(sealed, tmp_path / "other.pem")


def test_a_file_that_is_something_else_is_no_backup(tmp_path, keys):
    for content in (b"", b"PK\x03\x04", b"MSBK\x01\xff\xff\xff\xff", b"MSBK\x01\0\0\0\x02{}"):
        (tmp_path / "odd").write_bytes(content)
        with pytest.raises(NotOurs, match="no backup"):
            opened(tmp_path / "odd", keys[0])


def test_a_key_of_another_kind_is_named(sealed, keys, tmp_path):
    with pytest.raises(NotOurs, match="no private key"):
        opened(sealed, keys[1])
    with pytest.raises(NotOurs, match="no public key"):
        public_key(keys[0])


def test_no_changed_or_cut_file_opens(sealed, keys):
    """Every cut at an edge, and 200 flipped bits: none is taken for the original."""
    whole, chance = sealed.read_bytes(), random.Random(2)
    cuts = [len(whole) - 1, len(whole) - 33, len(whole) - CHUNK_BYTES - 16, len(whole) // 2, 300]
    changed = [whole[:at] for at in cuts] + [whole + b"\0"]
    for _ in range(200):
        at = chance.choice([chance.randrange(400), chance.randrange(len(whole))])
        changed.append(whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :])
    for one in changed:
        sealed.write_bytes(one)
        with pytest.raises((DamagedBlob, NotOurs)):
            opened(sealed, keys[0])
