"""Keys, fields and indexes: what opens, and all that must not."""

from __future__ import annotations

import random
import string
from uuid import UUID

import pytest

from accounts.vault.cipher import (
    DamagedField,
    DamagedKey,
    Key,
    bound,
    derive,
    fingerprint,
    index_of,
    new_secret,
    seal_text,
    sealed_kid,
    unseal_text,
    unwrap_key,
    wrap_key,
)

SECRET = bytes(range(32))
KID = UUID("01234567-89ab-cdef-0123-456789abcdef")
KEY = Key.derived_from(KID, SECRET)
AAD = bound("patient", "name", KID)
BASE64URL = string.ascii_letters + string.digits + "-_"


@pytest.mark.parametrize(
    "text",
    ["Jane Doe", "x", "Ærøskøbing 病院 🩻", "a" * 100_000, "\x00", "name\udcff.dcm", "v1.a.b.c"],
)
def test_what_was_sealed_comes_back(text):
    assert unseal_text(KEY, seal_text(KEY, text, AAD), AAD) == text


def test_a_sealed_value_names_its_key_and_hides_its_text():
    sealed = seal_text(KEY, "Jane Doe", AAD)
    assert sealed.startswith("v1.")
    assert sealed_kid(sealed) == KID
    assert "Jane" not in sealed


def test_the_same_text_is_never_sealed_twice_alike():
    sealed = {seal_text(KEY, "Jane Doe", AAD) for _ in range(20_000)}
    assert len({value.split(".")[2] for value in sealed}) == 20_000


@pytest.mark.parametrize(
    ("key", "aad"),
    [
        (KEY, bound("patient", "birth_date", KID)),
        (KEY, bound("study", "name", KID)),
        (KEY, bound("patient", "name", UUID(int=1))),
        (Key.derived_from(KID, new_secret()), AAD),
        (Key.derived_from(UUID(int=2), SECRET), AAD),
    ],
    ids=["column", "table", "row", "secret", "kid"],
)
def test_a_moved_value_does_not_open(key, aad):
    sealed = seal_text(KEY, "Jane Doe", AAD)
    with pytest.raises(DamagedField):
        unseal_text(key, sealed, aad)


def test_no_mutation_of_a_sealed_value_is_accepted():
    dice = random.Random(1)
    sealed = seal_text(KEY, "Jane Doe", AAD)
    accepted = 0
    for _ in range(2_000):
        mutated = _mutated(sealed, dice)
        if mutated == sealed:
            continue
        try:
            unseal_text(KEY, mutated, AAD)
        except DamagedField:
            continue
        accepted += 1
    assert accepted == 0


def test_every_single_other_character_is_refused():
    """The spare bits at the end of base64 too: one value has one spelling."""
    sealed = seal_text(KEY, "Jane", AAD)
    for place, character in enumerate(sealed):
        for other in BASE64URL + ".=+/\n":
            if other != character:
                with pytest.raises(DamagedField):
                    unseal_text(KEY, sealed[:place] + other + sealed[place + 1 :], AAD)


@pytest.mark.parametrize("sealed", ["", "v1", "v1...", "v2.a.b.c", "plain text", "v1.é.é.é"])
def test_what_has_no_such_form_is_refused(sealed):
    with pytest.raises(DamagedField):
        unseal_text(KEY, sealed, AAD)


def test_bound_parts_cannot_be_shifted_into_each_other():
    assert bound("ab", "c") != bound("a", "bc")
    assert bound("ab") != bound("ab", "")


def test_a_wrapped_key_opens_only_where_it_belongs():
    secret = new_secret()
    wrapped = wrap_key(KEY.wrapping, secret, AAD)
    assert len(wrapped) == 60
    assert unwrap_key(KEY.wrapping, wrapped, AAD) == secret
    for wrapping, text, aad in [
        (KEY.fields, wrapped, AAD),
        (KEY.wrapping, wrapped, b"another row"),
        (KEY.wrapping, wrapped[:-1], AAD),
        (KEY.wrapping, bytes([wrapped[0] ^ 1]) + wrapped[1:], AAD),
        (KEY.wrapping, b"", AAD),
    ]:
        with pytest.raises(DamagedKey):
            unwrap_key(wrapping, text, aad)


def test_each_use_has_a_key_of_its_own():
    assert len({KEY.fields, KEY.index, KEY.wrapping, KEY.signing, SECRET}) == 5
    assert fingerprint(SECRET) == fingerprint(SECRET) != fingerprint(new_secret())


def test_a_key_never_shows_its_bytes():
    assert KEY.fields.hex() not in repr(KEY)
    assert repr(KEY) == f"Key(kid={KID!r})"


def test_a_secret_of_another_length_is_refused():
    with pytest.raises(ValueError, match="32 bytes, not 16"):
        derive(bytes(16), "fields")


def test_hkdf_is_the_one_of_rfc_5869():
    """Worked by hand: T(1) = HMAC(HMAC(zeros, secret), info ‖ 01)."""
    import hashlib
    import hmac

    pseudorandom = hmac.new(bytes(32), SECRET, hashlib.sha256).digest()
    info = b"mediscan vault v1 index\x01"
    assert hmac.new(pseudorandom, info, hashlib.sha256).digest() == KEY.index


@pytest.mark.parametrize(
    "same", ["MRN-42", "mrn-42", " MRN-42 ", "ＭＲＮ-42", "𝐌RN-42", "MRN-42\n"]
)
def test_an_index_ignores_case_form_and_padding(same):
    assert index_of(KEY.index, "record_number", same) == index_of(
        KEY.index, "record_number", "mrn-42"
    )


def test_an_index_is_128_bits_that_differ_by_value_column_and_key():
    one = index_of(KEY.index, "record_number", "42")
    assert len(one) == 32
    assert len({one, index_of(KEY.index, "record_number", "43"),
                index_of(KEY.index, "accession", "42"),
                index_of(KEY.fields, "record_number", "42")}) == 4  # fmt: skip


def test_a_blank_value_has_no_index():
    assert index_of(KEY.index, "record_number", "  ") == ""


def _mutated(sealed: str, dice: random.Random) -> str:
    parts = sealed.split(".")
    place = dice.randrange(len(sealed))
    match dice.randrange(5):
        case 0:
            other = chr(ord(sealed[place]) ^ (1 << dice.randrange(7)))
            return sealed[:place] + other + sealed[place + 1 :]
        case 1:
            return sealed[:place]
        case 2:
            other = seal_text(KEY, "John Roe", AAD).split(".")
            part = dice.choice([2, 3])
            return ".".join(other[i] if i == part else parts[i] for i in range(4))
        case 3:
            return sealed[:place] + dice.choice(BASE64URL) + sealed[place:]
        case _:
            first, second = sorted(dice.sample(range(3, len(sealed)), 2))
            return (sealed[:first] + sealed[second] + sealed[first + 1 : second]
                    + sealed[first] + sealed[second + 1 :])  # fmt: skip
