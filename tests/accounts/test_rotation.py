"""Keys rotate: everything is readable before, meanwhile and after, and the old key can go."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.utils.timezone import now

from accounts.models import AuditEvent, Blob, VaultKey
from accounts.services import rotation
from accounts.vault import keys
from accounts.vault.cipher import DamagedKey, VaultError, new_secret
from accounts.vault.fields import blind_index
from accounts.vault.kek import current_kek
from accounts.vault.keys import KeyDestroyed, key_by_id, organisation_key, purpose_key
from accounts.vault.purposes import purpose_seal, purpose_unseal
from accounts.vault.storage import blob_open
from imaging.models import Image, Patient, SourceFile, UploadItem
from tests.accounts.factories import OrganisationFactory
from tests.imaging.factories import ImageFactory, PatientFactory, UploadItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture
def house():
    """An organisation with a patient, an image of theirs, and a receipt under its own key."""
    organisation = OrganisationFactory()
    patient = PatientFactory(organisation=organisation, name="Rosenstein^Eva", record_number="77")
    image = ImageFactory(organisation=organisation, patient=patient)
    UploadItemFactory(upload__organisation=organisation, organisation=organisation, name="eva.png")
    return organisation, image


def everything() -> list:
    """All that was sealed, in clear."""
    keys.cache.clear()
    texts = [(one.name, one.record_number) for one in Patient.objects.order_by("pk")]
    texts += [one.header for one in Image.objects.order_by("pk")]
    rows = [*SourceFile.objects.order_by("pk"), *UploadItem.objects.order_by("pk")]
    texts += [one.name for one in rows]
    return texts + [blob_open(blob).read() for blob in Blob.objects.order_by("pk")]


def age_old_keys() -> None:
    VaultKey.objects.exclude(retired_at=None).update(retired_at=now() - timedelta(hours=2))


def ask(*arguments: str, capsys) -> tuple[int, str]:
    """Run the command; return its exit code and what it said."""
    try:
        call_command("rotate_keys", *arguments)
    except SystemExit as end:
        return end.code, capsys.readouterr().out
    return 0, capsys.readouterr().out


# --- the KEK


def test_the_kek_rotates_and_the_old_one_can_go(house, settings, capsys):
    before, sealed = everything(), purpose_seal("mfa", "seed")
    old = settings.VAULT_KEK
    settings.VAULT_KEK, settings.VAULT_KEK_ALSO = new_secret(), old
    assert everything() == before  # both open before anything is wrapped anew
    assert ask("--kek", capsys=capsys)[0] == 0
    settings.VAULT_KEK_ALSO = b""
    assert everything() == before
    assert purpose_unseal("mfa", sealed) == "seed"
    assert ask("--kek", "--verify", capsys=capsys)[0] == 0
    settings.VAULT_KEK = old
    with pytest.raises(DamagedKey, match="VAULT_KEK_ALSO"):
        everything()


def test_a_kek_rotation_that_stops_in_the_middle_goes_on(house, settings, monkeypatch):
    before, purposes = everything(), [purpose_key(name).kid for name in keys.PURPOSES]
    settings.VAULT_KEK, settings.VAULT_KEK_ALSO = new_secret(), settings.VAULT_KEK
    told = []

    def stop_after_three(what, count):
        told.append(what)
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.kek_rotate(tell=stop_after_three)
    assert everything() == before
    left = rotation.kek_rotate()
    assert left == len(purposes) + 1 - 3
    assert rotation.kek_rotate() == 0
    settings.VAULT_KEK_ALSO = b""
    assert everything() == before


def test_a_dry_run_changes_nothing_and_a_verify_says_what_is_left(house, settings, capsys):
    settings.VAULT_KEK, settings.VAULT_KEK_ALSO = new_secret(), settings.VAULT_KEK
    wrapped = set(VaultKey.objects.values_list("pk", "wrapped_by"))
    code, said = ask("--kek", "--dry-run", capsys=capsys)
    assert (code, "keys are wrapped under another one" in said) == (0, True)
    assert ask("--kek", "--verify", capsys=capsys)[0] == 1
    assert set(VaultKey.objects.values_list("pk", "wrapped_by")) == wrapped


def test_a_second_kek_of_another_length_is_refused(house, settings):
    settings.VAULT_KEK_ALSO = b"short"
    keys.cache.clear()
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEK_ALSO must be 32 bytes"):
        key_by_id(VaultKey.objects.filter(kind="organisation")[0].pk)


# --- an organisation


@pytest.mark.parametrize("fields", [False, True])
def test_an_organisations_keys_rotate_and_the_old_ones_can_go(house, fields, capsys):
    organisation, _image = house
    before, index = everything(), blind_index(organisation, "record_number", "77")
    old = set(VaultKey.objects.filter(organisation=organisation).values_list("pk", flat=True))
    options = ["--org", str(organisation.pk), *(["--fields"] if fields else [])]
    assert ask(*options, capsys=capsys)[0] == 0
    assert everything() == before
    assert blind_index(organisation, "record_number", "77") == index
    assert ask("--org", str(organisation.pk), "--verify", capsys=capsys)[0] == 0

    age_old_keys()
    assert ask("--org", str(organisation.pk), "--retire", capsys=capsys)[0] == 0
    gone = VaultKey.objects.filter(pk__in=old, destroyed_at__isnull=False)
    patients = Patient.objects.filter(organisation=organisation).count()
    assert gone.count() == 1 + (patients if fields else 0)
    assert everything() == before
    with pytest.raises(KeyDestroyed):
        key_by_id(gone[0].pk)
    actions = AuditEvent.objects.filter(organisation=organisation).values_list("action", flat=True)
    assert {"key.rotate", "key.retire"} <= set(actions)


def test_both_keys_open_while_half_is_done(house, monkeypatch):
    organisation, _image = house
    before = everything()
    told = []

    def stop_at_values(what, count):
        told.append(what)
        if what == "values":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotation.organisation_rotate(organisation=organisation, fields=True, tell=stop_at_values)
    assert everything() == before
    assert +rotation.rotation_pending(organisation)
    current = organisation_key(organisation.pk).kid
    rotation.organisation_rotate(organisation=organisation, fields=True)
    keys.cache.clear()
    assert organisation_key(organisation.pk).kid == current  # carried on, not begun again
    assert not +rotation.rotation_pending(organisation)
    assert everything() == before


def test_another_organisation_is_left_alone(house):
    other = OrganisationFactory()
    PatientFactory(organisation=other, name="Other")
    kids = set(VaultKey.objects.filter(organisation=other).values_list("pk", "wrapped"))
    rotation.organisation_rotate(organisation=house[0], fields=True)
    assert set(VaultKey.objects.filter(organisation=other).values_list("pk", "wrapped")) == kids


def test_what_is_still_needed_is_never_destroyed(house, capsys):
    organisation, _image = house
    rotation.organisation_rotate(organisation=organisation)
    age_old_keys()
    text = UploadItem.objects.values_list("name", flat=True)[0]
    item = UploadItem.objects.get()
    old = rotation.keys_replaced(organisation).get()
    stale = keys._unwrapped(old)
    from accounts.vault.cipher import seal_text
    from accounts.vault.fields import Sealed

    place = UploadItem._meta.get_field("name")._place(item)
    UploadItem.objects.filter(pk=item.pk).update(name=Sealed(seal_text(stale, "late", place)))
    assert text is not None
    with pytest.raises(VaultError, match="1 values are still under an old key"):
        rotation.keys_retire(organisation=organisation)
    code, said = ask("--org", str(organisation.pk), "--retire", capsys=capsys)
    assert (code, "Run the rotation again" in said) == (1, True)
    rotation.organisation_rotate(organisation=organisation)
    assert rotation.keys_retire(organisation=organisation) == 1
    assert UploadItem.objects.get().name == "late"


def test_a_key_that_a_process_may_still_hold_is_kept_for_an_hour(house, capsys):
    organisation, _image = house
    rotation.organisation_rotate(organisation=organisation)
    code, said = ask("--org", str(organisation.pk), "--retire", capsys=capsys)
    assert code == 1
    assert "0 old keys destroyed, 1 kept" in said


def test_a_damaged_value_is_named_and_left_as_it_is(house, capsys):
    organisation, image = house
    path = next((p for p in _files() if str(image.pixels_id) in p.name), None)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    code, said = ask("--org", str(organisation.pk), "--fields", capsys=capsys)
    assert (code, "1 FAILED" in said) == (1, True)
    code, said = ask("--org", str(organisation.pk), "--verify", capsys=capsys)
    assert (code, f"blob:{image.pixels_id} does not open" in said) == (1, True)


def test_an_erased_patient_stays_erased(house):
    organisation, image = house
    keys.patient_key_destroy(organisation.pk, image.patient_id)
    rotation.organisation_rotate(organisation=organisation, fields=True)
    with pytest.raises(KeyDestroyed):
        Patient.objects.get(pk=image.patient_id).name  # noqa: B018  reading it is the test


@pytest.mark.django_db(transaction=True)
def test_a_row_read_before_a_rotation_still_opens(house):
    organisation, image = house
    stale = Blob.objects.get(pk=image.pixels_id)
    content = blob_open(stale).read()
    for _ in range(3):
        rotation.organisation_rotate(organisation=organisation, fields=True)
        age_old_keys()
        rotation.keys_retire(organisation=organisation)
    stale.version = 1
    assert blob_open(stale).read() == content


@pytest.mark.parametrize("wrong", [[], ["--org", "nobody"], ["--kek", "--verify", "--retire"]])
def test_a_wrong_call_is_said(wrong, db):
    with pytest.raises(CommandError) as refused:
        call_command("rotate_keys", *wrong)
    assert refused.value.returncode == 2


def test_a_machine_is_told_the_same(house, capsys):
    code, said = ask("--org", str(house[0].pk), "--fields", "--json", capsys=capsys)
    told = json.loads(said)
    assert (code, told["clean"]) == (0, True)
    (step,) = told["steps"]
    assert (step["step"], step["organisation"]) == ("rotate", str(house[0].pk))
    assert step["keys"] > 0
    code, said = ask("--verify", "--json", capsys=capsys)
    told = json.loads(said)
    kek, *verified = told["steps"]
    assert (kek["step"], kek["left"]) == ("kek-left", 0)
    assert str(house[0].pk) in {one["organisation"] for one in verified}
    assert not any(one["broken"] for one in verified)
    assert (code, told["clean"]) == (0, True)
    code, said = ask("--org", str(house[0].pk), "--retire", "--json", capsys=capsys)
    told = json.loads(said)
    assert (code, told["clean"], told["steps"][0]["kept"] > 0) == (1, False, True)


def test_the_name_of_the_key_that_is_needed_is_told(house, capsys):
    assert current_kek().name in ask("--kek", capsys=capsys)[1]


def _files():
    from accounts.vault.staging import blobs_dir

    return [path for path in blobs_dir().glob("*/*") if path.is_file()]


@pytest.mark.django_db(transaction=True)
def test_others_may_write_between_any_two_keys(house):
    """More patients than a database hands over at once, and somebody at work all the while."""
    organisation, _image = house
    made = [uuid4() for _ in range(2_200)]
    for start in range(0, len(made), 500):
        VaultKey.objects.bulk_create(
            VaultKey(id=one, kind=scope.kind, organisation_id=organisation.pk,
                     patient_id=scope.patient_id, **keys.key_wrap(one, scope, new_secret()))
            for one in made[start : start + 500]
            for scope in [keys.Scope(VaultKey.Kind.PATIENT, "", organisation.pk, uuid4())]
        )  # fmt: skip
    told = Counter()

    def tell(what: str, count: int) -> None:
        told[what] += count
        if told["keys"] == 100:
            thread = threading.Thread(target=_write_something)
            thread.start()
            thread.join()

    rotation.organisation_rotate(organisation=organisation, tell=tell)
    assert told["keys"] == len(made) + 1
    assert not +rotation.rotation_pending(organisation)


def _write_something() -> None:
    OrganisationFactory()
    connections.close_all()
