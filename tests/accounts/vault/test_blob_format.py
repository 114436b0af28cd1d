"""Blob v1: every range equals the content, and no changed file opens."""

from __future__ import annotations

import hashlib
import os
import random
import time
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accounts.vault.blob_format import HEADER, MAX_CHUNK_BYTES, BlobCipher, BlobWriter, Place
from accounts.vault.cipher import DamagedBlob, Key, bound, new_secret, unwrap_key

KEY = Key.derived_from(UUID(int=7), bytes(range(32)))
PLACE = Place(organisation=UUID(int=1), blob=UUID(int=2), version=1)
CHUNK = 64


def encrypted(
    content: bytes, *, place: Place = PLACE, chunk: int = CHUNK, piece: int = 50
) -> bytes:
    writer = BlobWriter(KEY.kid, KEY.wrapping, place, chunk)
    parts = [writer.header]
    parts += [writer.update(content[i : i + piece]) for i in range(0, len(content), piece)]
    return b"".join([*parts, writer.finish()])


def opened(file: bytes, *, place: Place = PLACE, key: Key = KEY) -> BlobCipher:
    return BlobCipher(
        lambda length, offset: file[offset : offset + length],
        len(file),
        place,
        lambda kid: key.wrapping,
    )


def content_of(file: bytes, **options) -> bytes:
    cipher = opened(file, **options)
    return cipher.read(0, cipher.size)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 129, 1000])
@pytest.mark.parametrize("piece", [1, 64, 5000])
def test_content_comes_back_whatever_the_pieces(size, piece):
    content = os.urandom(size)
    file = encrypted(content, piece=piece)
    cipher = opened(file)
    assert cipher.size == size
    assert cipher.read(0, size) == content
    assert b"".join(cipher.chunks(0, size)) == content
    chunks = max(1, -(-size // CHUNK))
    assert len(file) == HEADER.size + size + 16 * chunks


def test_any_range_equals_the_same_range_of_the_content():
    content = os.urandom(1000)
    cipher = opened(encrypted(content))
    dice = random.Random(2)
    ranges = [(0, 0), (0, 1), (64, 64), (63, 65), (64, 128), (999, 1000)]
    ranges += [tuple(sorted((dice.randrange(1001), dice.randrange(1001)))) for _ in range(500)]
    for start, stop in ranges:
        assert cipher.read(start, stop) == content[start:stop]
        assert b"".join(cipher.chunks(start, stop)) == content[start:stop]


def test_a_range_opens_only_the_chunks_it_touches():
    content = os.urandom(1000)
    file = bytearray(encrypted(content))
    file[HEADER.size + 5 * (CHUNK + 16)] ^= 1  # in chunk 5: bytes 320 to 383
    cipher = opened(bytes(file))
    assert cipher.read(0, 320) == content[:320]
    assert cipher.read(384, 1000) == content[384:]
    for start, stop in [(0, 321), (383, 384), (0, 1000)]:
        with pytest.raises(DamagedBlob, match="chunk 5"):
            cipher.read(start, stop)


def test_no_byte_of_a_bad_chunk_is_sent():
    content = os.urandom(1000)
    file = bytearray(encrypted(content))
    file[HEADER.size + 3 * (CHUNK + 16) + CHUNK - 1] ^= 1
    sent = bytearray()
    with pytest.raises(DamagedBlob):  # noqa: PT012  the iteration is what raises
        for piece in opened(bytes(file)).chunks(0, 1000):
            sent += piece
    assert sent == content[: 3 * CHUNK]


def test_no_mutation_of_a_file_is_accepted():
    dice = random.Random(3)
    content = os.urandom(700)
    file, other = encrypted(content), encrypted(content)
    rolled_back = encrypted(content, place=Place(PLACE.organisation, PLACE.blob, 2))
    accepted = tried = 0
    while tried < 2_000:
        mutated = _mutated(file, dice.choice([other, rolled_back]), dice)
        if mutated == file:
            continue
        tried += 1
        try:
            content_of(mutated)
        except DamagedBlob:
            continue
        accepted += 1
    assert accepted == 0


@pytest.mark.parametrize(
    "place",
    [
        Place(UUID(int=9), PLACE.blob, 1),
        Place(PLACE.organisation, UUID(int=9), 1),
        Place(PLACE.organisation, PLACE.blob, 2),
    ],
    ids=["another organisation", "another blob", "another version"],
)
def test_a_file_opens_only_for_its_own_row(place):
    with pytest.raises(DamagedBlob, match="key does not open"):
        opened(encrypted(b"x" * 500), place=place)


def test_another_key_does_not_open():
    with pytest.raises(DamagedBlob, match="key does not open"):
        opened(encrypted(b"x"), key=Key.derived_from(KEY.kid, new_secret()))


@pytest.mark.parametrize("size", [0, 64, 200, 640])
def test_a_file_cut_anywhere_is_refused(size):
    """Also at the edge of a chunk, and without its last one."""
    file = encrypted(os.urandom(size))
    for length in range(len(file)):
        with pytest.raises(DamagedBlob):
            opened(file[:length])


@pytest.mark.parametrize(
    ("offset", "said"),
    [(0, "not a blob"), (4, "not a blob"), (5, "not a blob"), (82, "chunks of"), (90, "chunk")],
    ids=["magic", "version", "algorithm", "chunk size", "prefix"],
)
def test_a_changed_header_is_refused(offset, said):
    file = bytearray(encrypted(b"x" * 500))
    file[offset] ^= 0x80
    with pytest.raises(DamagedBlob, match=said):
        content_of(bytes(file))


def test_the_format_is_the_one_that_is_written_down():
    """Read by hand, byte for byte as SECURITY.md says, without the reader."""
    file = encrypted(b"a" * 64 + b"b")
    magic, rest = file[:6], file[6:93]
    assert magic == b"MSB\x01\x01\x01"
    kid, wrapped, size, prefix = rest[:16], rest[16:76], rest[76:80], rest[80:]
    assert (kid, size) == (KEY.kid.bytes, CHUNK.to_bytes(4, "big"))
    place = PLACE.organisation.bytes + PLACE.blob.bytes + (1).to_bytes(4, "big")
    secret = unwrap_key(KEY.wrapping, wrapped, bound("file key v1", KEY.kid, place))
    aad = hashlib.sha256(file[:93]).digest() + place
    cipher = AESGCM(secret)
    assert cipher.decrypt(prefix + b"\0\0\0\0\0", file[93:173], aad) == b"a" * 64
    assert cipher.decrypt(prefix + b"\0\0\0\1\1", file[173:], aad) == b"b"


def test_an_empty_chunk_at_the_end_is_refused():
    """One content has one form; only the empty content is one empty chunk."""
    writer = BlobWriter(KEY.kid, KEY.wrapping, PLACE, CHUNK)
    file = writer.header + writer._sealed(bytearray(CHUNK), last=False) + writer.finish()
    with pytest.raises(DamagedBlob, match="empty chunk"):
        opened(file)


def test_no_two_files_share_a_key_or_a_nonce_prefix():
    headers = {encrypted(b"")[: HEADER.size] for _ in range(2_000)}
    assert len({header[22:82] for header in headers}) == 2_000
    assert len({header[86:93] for header in headers}) == 2_000


def test_within_a_file_no_nonce_is_used_twice(monkeypatch):
    used = []
    writer = BlobWriter(KEY.kid, KEY.wrapping, PLACE, CHUNK)
    real = writer._cipher

    class Watched:
        def encrypt(self, nonce, data, aad):
            used.append(nonce)
            return real.encrypt(nonce, data, aad)

    writer._cipher = Watched()
    writer.update(os.urandom(CHUNK * 300))
    writer.finish()
    assert len(set(used)) == len(used) == 300
    assert [nonce[-1] for nonce in used] == [0] * 299 + [1]


@pytest.mark.parametrize("chunk", [0, -1, MAX_CHUNK_BYTES + 1])
def test_a_chunk_size_out_of_bounds_is_refused(chunk):
    with pytest.raises(ValueError, match="chunk_size"):
        BlobWriter(KEY.kid, KEY.wrapping, PLACE, chunk)


def test_more_chunks_than_the_counter_holds_are_refused(monkeypatch):
    monkeypatch.setattr("accounts.vault.blob_format.MAX_CHUNKS", 3)
    writer = BlobWriter(KEY.kid, KEY.wrapping, PLACE, CHUNK)
    with pytest.raises(ValueError, match="more than 3 chunks"):
        writer.update(bytes(CHUNK * 5))


def test_ciphertext_does_not_compress():
    import zlib

    file = encrypted(b"the same words again " * 5_000, chunk=65536)
    assert len(zlib.compress(file, 9)) > 0.99 * len(file)


@pytest.mark.parametrize("chunk", [64 * 1024, 2**20])
def test_throughput_is_printed(chunk, capsys):
    """A figure to look at, not a bar: the machine may be busy."""
    content = os.urandom(32 * 2**20)
    start = time.perf_counter()
    file = encrypted(content, chunk=chunk, piece=2**20)
    inward = _rate(start, content)
    start = time.perf_counter()
    assert content_of(file) == content
    with capsys.disabled():
        print(f"\nblob v1, {chunk // 1024} KiB chunks: in {inward}, out {_rate(start, content)}")


def _rate(start: float, content: bytes) -> str:
    return f"{len(content) / 2**20 / (time.perf_counter() - start):.0f} MiB/s"


def _mutated(file: bytes, other: bytes, dice: random.Random) -> bytes:
    sealed = CHUNK + 16
    chunks = [file[i : i + sealed] for i in range(HEADER.size, len(file), sealed)]
    place = dice.randrange(len(file))
    match dice.randrange(7):
        case 0:
            return file[:place] + bytes([file[place] ^ 1 << dice.randrange(8)]) + file[place + 1 :]
        case 1:
            return file[:place]
        case 2:  # cut at an edge, a chunk lost
            del chunks[dice.randrange(len(chunks))]
        case 3:  # reordered
            a, b = dice.sample(range(len(chunks)), 2)
            chunks[a], chunks[b] = chunks[b], chunks[a]
        case 4:  # a chunk of another file, or of an older version, in its own place
            n = dice.randrange(len(chunks))
            chunks[n] = other[HEADER.size + n * sealed : HEADER.size + (n + 1) * sealed]
        case 5:  # another file's body under this header, or the reverse
            halves = [(file, other), (other, file)]
            head, body = dice.choice(halves)
            return head[: HEADER.size] + body[HEADER.size :]
        case _:  # something appended
            return file + dice.randbytes(dice.randrange(1, 200))
    return file[: HEADER.size] + b"".join(chunks)
