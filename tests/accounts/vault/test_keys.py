"""The key ring: made once, found again, never kept from a rolled-back transaction."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction

from accounts.models import VaultKey
from accounts.vault import key_cache, keys
from accounts.vault.cipher import DamagedKey, Key, fingerprint, new_secret
from accounts.vault.key_cache import LIFETIME_S, KeyCache
from accounts.vault.keys import (
    KeyDestroyed,
    KeyUnknown,
    key_by_id,
    organisation_key,
    owner_key,
    patient_key,
    patient_key_destroy,
    purpose_key,
)

from .conftest import make_organisation

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_a_key_is_made_once_and_found_again():
    organisation = make_organisation("North")
    first = organisation_key(organisation.pk)
    keys.cache.clear()
    assert organisation_key(organisation.pk) == first == key_by_id(first.kid)
    assert VaultKey.objects.count() == 1


def test_everybody_has_a_key_of_their_own(organisation, other_organisation):
    patient = uuid4()
    ring = [
        organisation_key(organisation.pk),
        organisation_key(other_organisation.pk),
        patient_key(organisation.pk, patient),
        patient_key(other_organisation.pk, patient),
        patient_key(organisation.pk, uuid4()),
        purpose_key("sessions"),
        purpose_key("mfa"),
    ]
    assert len({key.fields for key in ring}) == len(ring)
    assert owner_key(organisation.pk, None) == ring[0]
    assert owner_key(organisation.pk, patient) == ring[2]


def test_an_unknown_purpose_is_refused():
    with pytest.raises(ValueError, match="'cookies' is not one of audit"):
        purpose_key("cookies")


def test_the_rows_hold_no_key(organisation, settings):
    key = patient_key(organisation.pk, uuid4())
    for row in VaultKey.objects.all():
        assert len(row.wrapped) == 60
        for secret in (key.fields, key.wrapping, settings.VAULT_KEK):
            assert secret not in bytes(row.wrapped)


def test_the_chain_is_kek_organisation_patient(organisation, settings):
    patient = patient_key(organisation.pk, uuid4())
    top = VaultKey.objects.get(kind="organisation")
    assert top.wrapped_by == fingerprint(settings.VAULT_KEK)
    assert VaultKey.objects.get(pk=patient.kid).wrapped_by == top.pk.hex


def test_another_kek_opens_nothing_and_says_which_is_needed(organisation, settings):
    key = organisation_key(organisation.pk)
    needed = fingerprint(settings.VAULT_KEK)
    keys.cache.clear()
    settings.VAULT_KEK = bytes(32)
    with pytest.raises(DamagedKey, match=f"wrapped under KEK {needed}"):
        key_by_id(key.kid)


@pytest.mark.parametrize("kek", [b"", b"short", bytes(33), "c2hvcnQ=", "not base64!", None])
def test_no_key_without_a_kek_of_32_bytes(organisation, settings, kek):
    settings.VAULT_KEK = kek
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEK must be 32 bytes"):
        organisation_key(organisation.pk)


def test_a_row_passed_off_as_anothers_does_not_open(organisation, other_organisation):
    mine, theirs = organisation_key(organisation.pk), organisation_key(other_organisation.pk)
    stolen = VaultKey.objects.get(pk=theirs.kid).wrapped
    VaultKey.objects.filter(pk=mine.kid).update(wrapped=stolen)
    keys.cache.clear()
    with pytest.raises(DamagedKey):
        key_by_id(mine.kid)


def test_a_key_under_another_id_does_not_open(organisation):
    key, other = organisation_key(organisation.pk), uuid4()
    VaultKey.objects.filter(pk=key.kid).update(id=other)
    with pytest.raises(DamagedKey):
        key_by_id(other)


def test_a_damaged_key_fails_alone(organisation):
    good, bad = patient_key(organisation.pk, uuid4()), patient_key(organisation.pk, uuid4())
    VaultKey.objects.filter(pk=bad.kid).update(wrapped=bytes(60))
    keys.cache.clear()
    keys.expect(bad.kid)
    assert key_by_id(good.kid) == good
    with pytest.raises(DamagedKey):
        key_by_id(bad.kid)


def test_an_unknown_id_is_said_to_be_unknown():
    with pytest.raises(KeyUnknown):
        key_by_id(uuid4())


def test_a_page_of_keys_costs_two_queries(organisation, django_assert_num_queries):
    made = [patient_key(organisation.pk, uuid4()) for _ in range(30)]
    keys.cache.clear()
    for key in made:
        keys.expect(key.kid)
    with django_assert_num_queries(2):  # the patients' keys, and their organisation's
        assert [key_by_id(key.kid) for key in made] == made


def test_many_keys_are_fetched_in_batches(organisation, monkeypatch, django_assert_num_queries):
    made = [patient_key(organisation.pk, uuid4()) for _ in range(50)]
    monkeypatch.setattr(keys, "BATCH", 20)
    keys.cache.clear()
    for key in made:
        keys.expect(key.kid)
    with django_assert_num_queries(3):  # 20, 20 with the organisation's, 10
        assert [key_by_id(key.kid) for key in made] == made


def test_what_is_held_is_not_fetched_again(organisation, django_assert_num_queries):
    first, second = (patient_key(organisation.pk, uuid4()) for _ in range(2))
    keys.cache.clear()
    key_by_id(first.kid)
    for key in (first, second):
        keys.expect(key.kid)
    with django_assert_num_queries(1) as captured:
        key_by_id(second.kid)
    assert first.kid.hex not in captured[0]["sql"].replace("-", "")


def test_the_expected_are_forgotten_when_nobody_asks(monkeypatch):
    monkeypatch.setattr(keys, "MOST", 100)
    kids = [uuid4() for _ in range(300)]
    for kid in kids:
        keys.expect(kid)
    assert list(keys._expected()) == kids[-100:]


# --- transactions


@pytest.mark.django_db(transaction=True)
def test_a_key_of_a_rolled_back_transaction_is_never_used_again():
    """Sealing under it would lose the data: its row does not exist."""
    organisation = make_organisation("North")
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        lost = organisation_key(organisation.pk)
        assert organisation_key(organisation.pk) == lost
        raise RuntimeError
    kept = organisation_key(organisation.pk)
    assert kept != lost
    assert VaultKey.objects.get().pk == kept.kid


def test_a_key_of_a_rolled_back_savepoint_is_never_used_again(organisation):
    with pytest.raises(RuntimeError), transaction.atomic():  # noqa: PT012
        lost = patient_key(organisation.pk, organisation.pk)
        raise RuntimeError
    assert patient_key(organisation.pk, organisation.pk) != lost


@pytest.mark.django_db(transaction=True)
def test_within_its_transaction_a_new_key_is_found_without_a_query(django_assert_num_queries):
    organisation = make_organisation("North")
    with transaction.atomic():
        key = organisation_key(organisation.pk)
        with django_assert_num_queries(0):
            assert organisation_key(organisation.pk) == key
    with django_assert_num_queries(0):
        assert organisation_key(organisation.pk) == key == key_by_id(key.kid)


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_make_one_key():
    organisation, patient = make_organisation("North"), uuid4()
    barrier, found, errors = threading.Barrier(10), [], []

    def ask() -> None:
        try:
            barrier.wait()
            found.append(patient_key(organisation.pk, patient))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len({key.fields for key in found}) == 1
    assert len(found) == 10
    assert sorted(VaultKey.objects.values_list("kind", flat=True)) == ["organisation", "patient"]


def test_who_loses_the_race_returns_the_winners_key(organisation, monkeypatch):
    winner = organisation_key(organisation.pk)
    keys.cache.clear()
    scope = keys.Scope(VaultKey.Kind.ORGANISATION, organisation_id=organisation.pk)
    assert keys.key_make(scope) == winner


@pytest.mark.django_db(transaction=True)
def test_an_organisation_that_does_not_exist_gets_no_key():
    with pytest.raises(IntegrityError):
        organisation_key(uuid4())
    assert not VaultKey.objects.exists()


# --- destruction


def test_a_destroyed_key_opens_and_seals_nothing(organisation):
    patient = uuid4()
    key = patient_key(organisation.pk, patient)
    neighbour = patient_key(organisation.pk, uuid4())
    assert key_by_id(key.kid) == key
    assert patient_key_destroy(organisation.pk, patient) == 1
    row = VaultKey.objects.get(pk=key.kid)
    assert row.wrapped is None
    assert str(row) == f"patient key {key.kid}"
    assert row.destroyed_at is not None
    with pytest.raises(KeyDestroyed):
        key_by_id(key.kid)
    with pytest.raises(KeyDestroyed):
        patient_key(organisation.pk, patient)
    assert key_by_id(neighbour.kid) == neighbour
    assert patient_key_destroy(organisation.pk, patient) == 0


@pytest.mark.django_db(transaction=True)
def test_a_key_destroyed_in_the_transaction_that_made_it_is_gone():
    organisation, patient = make_organisation("North"), uuid4()
    with transaction.atomic():
        key = patient_key(organisation.pk, patient)
        patient_key_destroy(organisation.pk, patient)
        with pytest.raises(KeyDestroyed):
            patient_key(organisation.pk, patient)
    with pytest.raises(KeyDestroyed):
        patient_key(organisation.pk, patient)
    with pytest.raises(KeyDestroyed):
        key_by_id(key.kid)


# --- what SQL refuses


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "purpose"},
        {"kind": "purpose", "purpose": "mfa", "patient_id": uuid4()},
        {"kind": "organisation"},
        {"kind": "patient", "patient_id": uuid4()},
        {"kind": "other", "purpose": "mfa"},
        {"kind": "purpose", "purpose": "mfa", "wrapped": None},
    ],
)
def test_sql_refuses_a_key_of_nobody(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        VaultKey.objects.create(**{"wrapped": b"x", "wrapped_by": "x"} | wrong)


def test_sql_refuses_a_second_current_key(organisation):
    key = VaultKey.objects.get(pk=organisation_key(organisation.pk).kid)
    key.pk = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        key.save(force_insert=True)


# --- the cache


def test_the_cache_forgets_after_its_time():
    moment = [0.0]
    cache = KeyCache(clock=lambda: moment[0])
    key = _key()
    cache.put(key, "scope")
    moment[0] = LIFETIME_S
    assert cache.by_id(key.kid) == cache.of_scope("scope") == key
    moment[0] = LIFETIME_S + 0.1
    assert cache.by_id(key.kid) is None
    assert cache.of_scope("scope") is None


def test_what_is_past_its_time_does_not_stay_in_memory():
    moment = [0.0]
    cache = KeyCache(clock=lambda: moment[0])
    cache.put(_key())
    moment[0] = 2 * LIFETIME_S
    cache.put(_key())
    assert len(cache._held) == 1


def test_the_cache_drops_the_oldest(monkeypatch):
    monkeypatch.setattr(key_cache, "MOST", 10)
    cache = KeyCache()
    first = _key()
    cache.put(first)
    for _ in range(10):
        cache.put(_key())
    assert cache.by_id(first.kid) is None
    assert len(cache._held) == 10


def _key():
    return Key.derived_from(uuid4(), new_secret())
