"""A patient is corrected: sealed, found by the new number; what was signed keeps its own."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, VaultKey
from accounts.roles import ADMINISTRATOR, CLINICIAN, RADIOLOGIST, TECHNICIAN
from accounts.vault.cipher import sealed_kid
from accounts.vault.fields import blind_index
from accounts.vault.purposes import purpose_unseal
from imaging.models import Correction, Patient, Review
from imaging.services.identities import Overtaken, patient_change
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_save, review_sign
from imaging.services.shredding import patient_shred
from imaging.services.signing import signature_holds
from reports.gather import report_content
from tests.accounts.factories import DepartmentFactory, MembershipFactory, OrganisationFactory
from tests.imaging.factories import (
    ImageFactory,
    JobFactory,
    PatientFactory,
    ResultFactory,
    RunFactory,
    sealed,
)

pytestmark = pytest.mark.django_db
OLD = {"name": "Sample^Ann", "record_number": "A-1", "birth_date": "19700131", "sex": "F"}
NEW = {"name": "Sample^Anna", "record_number": "A-2", "birth_date": "19710131", "sex": "F"}
SENT = NEW | {"birth_date": "1971-01-31", "seen": "1"}


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def chest(house):
    return DepartmentFactory(organisation=house, name="Chest")


def member(house, role=RADIOLOGIST, department=None):
    return MembershipFactory(organisation=house, department=department, role=role).user


def known(house, **identity) -> Patient:
    index = blind_index(house, "record_number", identity.get("record_number", ""))
    return PatientFactory(organisation=house, mrn_index=index or None, **identity)


@pytest.fixture
def patient(house):
    return known(house, **OLD)


@pytest.fixture
def image(house, chest, patient):
    return ImageFactory(
        study__organisation=house, study__patient=patient, study__department=chest,
        study__uploaded_by=member(house),
    )  # fmt: skip


@pytest.fixture
def reader(house, chest):
    return member(house, department=chest)


def door(patient) -> str:
    return reverse("imaging:patient-change", args=[patient.pk])


def stored(patient) -> Patient:
    return Patient.objects.get(pk=patient.pk)


def words(patient) -> dict[str, str]:
    return {name: getattr(stored(patient), name) for name in OLD}


def test_it_is_corrected_on_the_page_and_found_by_the_new_number(client, house, reader, image):
    patient = image.patient
    client.force_login(reader)
    page = client.get(patient.get_absolute_url()).content.decode()
    assert door(patient) in page
    form = client.get(door(patient)).content.decode()
    assert 'value="Sample^Ann"' in form
    assert 'value="1970-01-31"' in form
    assert client.post(door(patient), SENT).url == patient.get_absolute_url()
    assert words(patient) == NEW
    search = reverse("imaging:record-search")
    assert client.post(search, {"q": "A-2"}).url == image.study.get_absolute_url()
    assert client.post(search, {"q": "A-1"}).url == reverse("imaging:study-list")
    page = client.get(patient.get_absolute_url()).content.decode()
    assert "Sample, Anna" in page
    assert "Sample, Ann<" in page  # what it was, with who corrected it
    assert str(reader) in page


def test_nothing_of_it_stands_in_clear(reader, patient):
    patient_change(by=reader, patient=patient, seen=1, identity=NEW)
    with connection.cursor() as cursor:
        for table in ("imaging_patient", "imaging_correction", "accounts_auditevent"):
            cursor.execute(f"SELECT * FROM {table}")
            held = repr(cursor.fetchall())
            assert not [one for one in ("Sample", "A-1", "A-2", "19700131") if one in held], table


def test_the_trail_has_both_states_and_an_erasure_takes_them_too(reader, patient):
    patient_change(by=reader, patient=patient, seen=1, identity=NEW)
    event = AuditEvent.objects.get(action="patient.change")
    assert (event.actor, event.target, event.patient) == (
        reader, f"patient:{patient.pk}", patient.pk
    )  # fmt: skip
    assert event.reason == "name, record_number, birth_date"
    assert event.before != event.after
    states = json.loads(purpose_unseal("audit", event.sealed, event.pk.hex))
    kids = {sealed_kid(one) for state in states.values() for one in state.values()}
    [key] = VaultKey.objects.filter(patient_id=patient.pk)
    assert kids == {key.pk}
    patient_shred(patient.organisation_id, patient.pk)
    key.refresh_from_db()
    assert key.destroyed_at is not None
    assert not Correction.objects.exists()


def test_only_those_whose_patient_it_is(client, house, chest, image):
    patient = image.patient
    head = DepartmentFactory(organisation=house, name="Head")
    for user in (member(house, department=head), member(OrganisationFactory(), TECHNICIAN)):
        client.force_login(user)
        assert client.get(door(patient)).status_code == 404
        assert client.post(door(patient), SENT).status_code == 404
    for role in (CLINICIAN, ADMINISTRATOR):
        client.force_login(member(house, role))
        assert client.post(door(patient), SENT).status_code == 403
    client.logout()
    assert client.post(door(patient), SENT).status_code == 302
    assert words(patient) == OLD
    client.force_login(member(house, TECHNICIAN, chest))
    assert client.post(door(patient), SENT).status_code == 302
    assert words(patient) == NEW


def test_two_at_once_see_both(client, house, reader, image):
    patient = image.patient
    patient_change(by=member(house), patient=patient, seen=1, identity=OLD | {"name": "Other^Ann"})
    client.force_login(reader)
    answer = client.post(door(patient), SENT)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Other^Ann" in page
    assert 'value="Sample^Anna"' in page
    assert 'name="seen" value="2"' in page
    assert words(patient)["name"] == "Other^Ann"
    assert client.post(door(patient), SENT | {"seen": "2"}).status_code == 302
    assert words(patient) == NEW
    assert [one.number for one in Correction.objects.filter(patient=patient)] == [2, 1]


def test_sent_twice_it_is_one_correction(reader, patient):
    assert patient_change(by=reader, patient=patient, seen=1, identity=NEW)
    assert not patient_change(by=reader, patient=patient, seen=1, identity=NEW)
    assert Correction.objects.count() == 1
    with pytest.raises(Overtaken):
        patient_change(by=reader, patient=patient, seen=1, identity=OLD)


def test_a_number_of_another_patient_is_refused_and_nothing_is_joined(client, house, reader, image):
    other = known(house, name="Someone^Else", record_number="a-2")
    client.force_login(reader)
    answer = client.post(door(image.patient), SENT)
    assert answer.status_code == 422
    assert "Another patient of this organisation has this record number" in answer.content.decode()
    assert words(image.patient) == OLD
    assert Patient.objects.count() == 2
    assert not Correction.objects.exists()
    assert not AuditEvent.objects.filter(action="patient.change").exists()
    assert other.studies.count() == 0


def test_another_organisation_may_have_the_same_number(reader, patient):
    known(OrganisationFactory(), record_number="A-2")
    assert patient_change(by=reader, patient=patient, seen=1, identity=NEW)


def test_a_picture_without_a_number_gets_one_and_loses_it(reader, house):
    patient = known(house)
    assert patient_change(by=reader, patient=patient, seen=1, identity=NEW)
    assert stored(patient).mrn_index == blind_index(house, "record_number", "A-2")
    without = NEW | {"record_number": ""}
    assert patient_change(by=reader, patient=patient, seen=2, identity=without)
    assert stored(patient).mrn_index is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("birth_date", "2999-01-01"), ("birth_date", "1849-12-31"), ("birth_date", "31.1."),
     ("sex", "X"), ("record_number", "1" * 65), ("seen", "")],
)  # fmt: skip
def test_what_is_nonsense_is_refused(client, reader, image, field, value):
    client.force_login(reader)
    assert client.post(door(image.patient), SENT | {field: value}).status_code == 422
    assert words(image.patient) == OLD


def test_a_date_that_is_none_is_not_lost(client, house, chest, reader):
    patient = known(house, **OLD | {"birth_date": "1970", "sex": "W"})
    ImageFactory(study__organisation=house, study__patient=patient, study__department=chest)
    client.force_login(reader)
    sent = {"name": "New^Name", "record_number": "A-1", "birth_date": "", "sex": "W", "seen": "1"}
    client.post(door(patient), sent)
    assert words(patient) == OLD | {"name": "New^Name", "birth_date": "1970", "sex": "W"}


# --- what was signed


@pytest.fixture
def signed(house, image, reader) -> Review:
    run = RunFactory(requested_by=reader, organisation=house)
    result = sealed(ResultFactory(job=JobFactory(run=run, image=image, succeeded=True)))
    review = review_save(by=reader, result=result, seen=0, decision="accepted")
    return review_sign(by=reader, review=review, meaning="reviewed")


def told(review: Review) -> tuple[list[str], str]:
    content = report_content(Review.objects.get(pk=review.pk).result, made_at=now())
    return [line.value for line in content.patient[:3]], content.superseded


def test_a_signed_report_keeps_who_it_was_signed_for_and_says_who_it_is_now(reader, image, signed):
    assert told(signed) == (["Sample^Ann", "A-1", "19700131"], "")
    patient_change(by=reader, patient=image.patient, seen=1, identity=NEW)
    twice = NEW | {"name": "Sample^Hannah"}
    patient_change(by=reader, patient=image.patient, seen=2, identity=twice)
    lines, said = told(signed)
    assert lines == ["Sample^Ann", "A-1", "19700131"]
    assert "was corrected" in said
    assert str(reader) in said
    assert "The record says now: Sample^Hannah, record number A-2, born 19710131 F" in said
    assert signature_holds(Review.objects.get(pk=signed.pk))


def test_what_is_signed_after_the_correction_says_who_it_is(reader, image, signed):
    patient_change(by=reader, patient=image.patient, seen=1, identity=NEW)
    amended = review_save(
        by=reader, result=signed.result, seen=1, decision="accepted",
        amendment="The name was corrected.",
    )  # fmt: skip
    assert told(signed)[0] == ["Sample^Anna", "A-2", "19710131"]  # a draft is of today
    review_sign(by=reader, review=amended, meaning="reviewed")
    Review.objects.filter(pk=amended.pk).update(signed_at=now() + timedelta(seconds=1))
    assert told(signed) == (["Sample^Anna", "A-2", "19710131"], "")


def test_refused_in_words_by_the_service_too(reader, house, patient):
    known(house, record_number="A-2")
    with pytest.raises(NotPossible, match="never joined"):
        patient_change(by=reader, patient=patient, seen=1, identity=NEW)
