"""Sealed fields: plain in Python, ciphertext in the database, at home in one row only."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.apps import apps
from django.core.exceptions import FieldError
from django.core.serializers import serialize
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.db.models.functions import Upper

from accounts.models import VaultKey
from accounts.vault import keys
from accounts.vault.cipher import DamagedField, sealed_kid
from accounts.vault.fields import Sealed, SealedTextField, blind_index
from accounts.vault.keys import KeyDestroyed, organisation_key, patient_key, patient_key_destroy
from imaging.models import Patient, SourceFile

pytestmark = pytest.mark.django_db
NAME = "Ærø^Jane 病院"


@pytest.fixture
def patient(organisation) -> Patient:
    return Patient.objects.create(organisation=organisation, name=NAME, record_number="MRN-42")


def stored(row: models.Model, column: str) -> str:
    """Return what the database really holds."""
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "{column}" FROM "{table}" WHERE id = %s',
            [row._meta.pk.get_db_prep_value(row.pk, connection)],
        )
        return cursor.fetchone()[0]


def overwrite(row: models.Model, column: str, text: str) -> None:
    """Do as an attacker with SQL alone would."""
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s',
            [text, row._meta.pk.get_db_prep_value(row.pk, connection)],
        )


def test_python_reads_plain_text_and_the_database_holds_none(patient):
    assert patient.name == NAME
    again = Patient.objects.get(pk=patient.pk)
    assert isinstance(again.__dict__["name"], Sealed)  # not opened before it is read
    assert (again.name, again.record_number, again.sex) == (NAME, "MRN-42", "")
    assert again.__dict__["name"] == NAME
    assert stored(patient, "name").startswith("v1.")
    assert "Jane" not in stored(patient, "name")


def test_a_patients_fields_are_under_the_patients_key_and_others_under_the_organisations(
    patient, organisation
):
    assert sealed_kid(stored(patient, "name")) == patient_key(organisation.pk, patient.pk).kid
    file = SourceFile(organisation=organisation, name="scan.dcm")
    sealed = SourceFile._meta.get_field("name").pre_save(file, add=True)
    assert sealed_kid(sealed.text) == organisation_key(organisation.pk).kid


def test_blank_is_blank(patient):
    assert stored(patient, "sex") == ""
    patient.name = ""
    patient.save()
    assert stored(patient, "name") == ""
    assert Patient.objects.get(name="") == patient


def test_each_save_seals_anew(patient):
    first = stored(patient, "name")
    Patient.objects.get().save()
    second = stored(patient, "name")
    assert first != second
    assert Patient.objects.get().name == NAME


def test_a_changed_value_is_saved(patient):
    row = Patient.objects.get()
    row.name = "John"
    row.save(update_fields=["name"])
    assert Patient.objects.get().name == "John"
    row.name = "Unsaved"
    row.refresh_from_db()
    assert row.name == "John"
    row.refresh_from_db(fields=["name"])
    assert row.name == "John"


def test_get_or_create_update_or_create_and_bulk_create_work(organisation, patient):
    found, created = Patient.objects.update_or_create(pk=patient.pk, defaults={"name": "New"})
    assert not created
    assert Patient.objects.get().name == found.name == "New"
    Patient.objects.bulk_create(
        Patient(organisation=organisation, name=f"Patient {n}") for n in range(20)
    )
    names = {row.name for row in Patient.objects.all()}
    assert names == {"New"} | {f"Patient {n}" for n in range(20)}


def test_a_deferred_value_is_fetched_when_read(patient, django_assert_num_queries):
    assert Patient.objects.get().name == NAME  # the key is known
    row = Patient.objects.defer("name").get()
    assert "name" in row.get_deferred_fields()
    with django_assert_num_queries(1):
        assert row.name == NAME
    row = Patient.objects.only("pk").get()
    assert row.record_number == "MRN-42"


def test_a_deferred_value_stays_as_it_is_on_save(patient):
    before = stored(patient, "name")
    row = Patient.objects.defer("name").get()
    row.sex = "F"
    row.save()
    assert stored(patient, "name") == before
    assert Patient.objects.get().sex == "F"


def test_a_list_of_rows_costs_the_same_queries_whatever_its_length(
    organisation, django_assert_num_queries
):
    for many in (2, 40):
        Patient.objects.bulk_create(
            Patient(organisation=organisation, name=f"Patient {n}") for n in range(many)
        )
        keys.cache.clear()
        with django_assert_num_queries(3):  # rows, patients' keys, the organisation's key
            assert all(row.name for row in Patient.objects.all())


def test_related_rows_come_with_their_values(patient, organisation):
    from accounts.models import User
    from imaging.models import Study

    user = User.objects.create_user("a@example.org")
    Study.objects.create(
        organisation=organisation, patient=patient, study_instance_uid="1.2", modality="ct",
        title="Thorax", uploaded_by=user,
    )  # fmt: skip
    study = Study.objects.select_related("patient").get()
    assert (study.title, study.patient.name) == ("Thorax", NAME)
    assert sealed_kid(stored(study, "title")) == patient_key(organisation.pk, patient.pk).kid


def test_values_show_nothing(patient):
    assert [str(value) for value in Patient.objects.values_list("name", flat=True)] == ["<sealed>"]
    assert "Jane" not in repr(Patient.objects.values("name").get())


# --- moved or changed


def test_a_value_moved_to_another_row_raises(patient, organisation):
    other = Patient.objects.create(organisation=organisation, name="John")
    overwrite(other, "name", stored(patient, "name"))
    with pytest.raises(DamagedField):
        _ = Patient.objects.get(pk=other.pk).name


def test_a_value_moved_to_another_column_raises(patient):
    overwrite(patient, "record_number", stored(patient, "name"))
    row = Patient.objects.get()
    assert row.name == NAME
    with pytest.raises(DamagedField):
        _ = row.record_number


def test_a_row_moved_to_another_organisation_raises(patient, other_organisation):
    Patient.objects.update(organisation=other_organisation)
    with pytest.raises(DamagedField):
        _ = Patient.objects.get().name


def test_a_damaged_value_does_not_hide_the_list(patient):
    overwrite(patient, "name", "v1.nonsense")
    [row] = Patient.objects.all()
    assert row.record_number == "MRN-42"
    with pytest.raises(DamagedField):
        _ = row.name


def test_an_unread_row_cannot_be_saved_as_another(patient):
    row = Patient.objects.get()
    row.pk = uuid4()
    with pytest.raises(DamagedField):
        row.save(force_insert=True)


def test_a_row_that_was_read_can_be_copied(patient):
    row = Patient.objects.get()
    assert (row.name, row.record_number) == (NAME, "MRN-42")
    row.pk = uuid4()
    row.save(force_insert=True)
    assert Patient.objects.get(pk=row.pk).name == NAME


def test_an_erased_patient_cannot_be_read(patient, organisation):
    patient_key_destroy(organisation.pk, patient.pk)
    with pytest.raises(KeyDestroyed):
        _ = Patient.objects.get().name


# --- refused


@pytest.mark.parametrize(
    "query",
    [
        lambda: Patient.objects.update(name="Jane"),
        lambda: Patient.objects.filter(name="Jane"),
        lambda: Patient.objects.exclude(name="Jane"),
        lambda: Patient.objects.filter(name__icontains="Jane"),
        lambda: Patient.objects.filter(name__in=["Jane"]),
        lambda: Patient.objects.filter(name__startswith="v1."),
        lambda: Patient.objects.filter(name__gt=""),
        lambda: Patient.objects.get_or_create(name="Jane"),
    ],
)
def test_a_query_by_value_is_refused_in_words(patient, query):
    with pytest.raises(TypeError, match=r"imaging\.Patient\.name is encrypted"):
        query()


def test_bulk_update_is_refused(patient):
    patient.name = "Changed"
    with pytest.raises(TypeError, match="is encrypted"):
        Patient.objects.bulk_update([patient], ["name"])


def test_an_expression_is_refused(patient):
    patient.name = Upper(F("name"))
    with pytest.raises(TypeError, match="database expression"):
        patient.save()


def test_sql_refuses_plain_text_whoever_writes_it(patient):
    with pytest.raises(IntegrityError), transaction.atomic():
        overwrite(patient, "name", "Jane Doe")
    with pytest.raises(IntegrityError), transaction.atomic():
        Patient.objects.update(name=Upper(models.Value("jane")))


def test_a_dump_is_refused(patient):
    with pytest.raises(TypeError, match="in clear"):
        serialize("json", Patient.objects.all())


def test_lookups_that_do_not_exist_still_say_so(patient):
    with pytest.raises((FieldError, TypeError)):
        Patient.objects.filter(name__nonsense="x")


# --- the field itself


def test_the_migration_is_a_plain_line():
    _, path, args, kwargs = SealedTextField(blank=True, default="").deconstruct()
    assert (path, args, kwargs) == (
        "accounts.vault.fields.SealedTextField", [], {"blank": True, "default": ""}
    )  # fmt: skip


def test_the_checks_name_what_a_model_lacks(patient):
    class Loose(models.Model):
        note = SealedTextField(unique=True)

        class Meta:
            app_label = "loose"

        def __str__(self) -> str:
            return "loose"

    found = {message.id for message in Loose._meta.get_field("note").check()}
    assert found == {"vault.E001", "vault.E002"}
    assert Patient._meta.get_field("name").check() == []


def test_every_sealed_field_of_the_house_passes_its_checks():
    fields = [field for model in apps.get_models() for field in model._meta.local_fields]
    sealed = [field for field in fields if isinstance(field, SealedTextField)]
    assert len(sealed) >= 10
    assert [error for field in sealed for error in field.check()] == []


def test_the_class_shows_its_attribute():
    assert Patient.name.field.name == "name"


def test_forms_see_a_text(patient):
    field = Patient._meta.get_field("name")
    assert field.formfield().clean(" Jane ") == "Jane"
    assert field.value_from_object(Patient.objects.get()) == NAME
    Patient.objects.get().full_clean()


# --- the blind index


def test_an_index_finds_by_equality_within_one_organisation(organisation, other_organisation):
    one = blind_index(organisation, "record_number", "MRN-42")
    assert one == blind_index(organisation.pk, "record_number", "mrn-42 ")
    assert len(one) == 32
    assert one != blind_index(other_organisation, "record_number", "MRN-42")
    assert one != blind_index(organisation, "accession_number", "MRN-42")
    assert blind_index(organisation, "record_number", "") == ""


def test_an_index_stays_the_same_in_another_process(organisation):
    one = blind_index(organisation, "record_number", "MRN-42")
    keys.cache.clear()
    assert blind_index(organisation, "record_number", "MRN-42") == one
    assert VaultKey.objects.count() == 1
