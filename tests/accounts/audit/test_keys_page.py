"""The auditor's page of keys: ids, ages and counts of their own house, no byte of a key."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent, VaultKey
from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from accounts.selectors_keys import counted_under, house_keys, key_lines
from accounts.services.rotation import keys_retire, organisation_rotate
from accounts.vault.keys import organisation_key, patient_key, purpose_key
from tests.accounts.factories import MembershipFactory, OrganisationFactory
from tests.imaging.factories import ImageFactory, PatientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory(name="St. Own")


@pytest.fixture
def auditor(client, house):
    user = MembershipFactory(organisation=house, role=AUDITOR).user
    client.force_login(user)
    return user


def page_of(client, query: str = "") -> str:
    answer = client.get(reverse("trail:keys") + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_key_with_its_purpose_and_age_and_no_bytes(client, house, auditor):
    with time_machine.travel(now() - timedelta(days=400), tick=False):
        old = organisation_key(house.pk).kid
    patient = PatientFactory(organisation=house, name="Canary^Ann")
    page = page_of(client)
    assert old.hex[:8] in page
    assert patient_key(house.pk, patient.pk).kid.hex[:8] in page
    assert "400 days old" in page
    assert page.count("A new one is advised") == 2  # of the organisation, and the heading below
    assert "audit" in page
    assert "Canary" not in page
    assert "not counted" in page
    for row in VaultKey.objects.all():
        wrapped = bytes(row.wrapped)
        assert wrapped.hex() not in page
        assert repr(wrapped) not in page
    assert AuditEvent.objects.filter(action="audit.view", reason="state of keys").exists()


def test_what_lies_under_a_key_is_counted_when_asked(client, house, auditor):
    patient = PatientFactory(organisation=house, name="A^B", record_number="7")
    kid = patient_key(house.pk, patient.pk).kid
    assert counted_under(auditor)[kid] == 2
    page_of(client)
    page = page_of(client, "?count=yes")
    assert "not counted" not in page
    signed = purpose_key("audit").kid
    mine = AuditEvent.objects.filter(organisation=house).count()
    assert counted_under(auditor)[signed] == mine


def test_another_house_moves_no_number(client, house, auditor):
    PatientFactory(organisation=house, name="A^B")
    before, page = counted_under(auditor), page_of(client)
    other = OrganisationFactory(name="St. Other")
    image = ImageFactory(study__organisation=other, study__patient__organisation=other)
    assert counted_under(auditor)[purpose_key("audit").kid] >= before[purpose_key("audit").kid]
    after = page_of(client)
    assert "St. Other" not in after
    assert patient_key(other.pk, image.patient_id).kid.hex[:8] not in after
    assert organisation_key(other.pk).kid.hex[:8] not in after
    assert after.count("<tr>") == page.count("<tr>")


def test_a_rotation_is_seen_step_by_step(house, auditor):
    PatientFactory(organisation=house, name="A^B")
    first = organisation_key(house.pk).kid
    organisation_rotate(organisation=house, fields=True)
    lines = {one.row.pk: one for one in key_lines(house_keys(auditor), counted_under(auditor))}
    assert lines[first].state == "replaced"
    assert lines[first].under == 0
    assert lines[organisation_key(house.pk).kid].state == "active"
    keys_retire(organisation=house, after=timedelta(0))
    lines = {one.row.pk: one for one in key_lines(house_keys(auditor), None)}
    assert lines[first].state == "destroyed"
    assert lines[first].under is None


def test_the_advice_is_a_setting(settings, house, auditor):
    with time_machine.travel(now() - timedelta(days=3), tick=False):
        organisation_key(house.pk)
    settings.KEY_ADVISED_DAYS = 2
    due = [one.row.kind for one in key_lines(house_keys(auditor), None) if one.is_due]
    assert due == ["organisation"]


def test_auditors_alone(client, house):
    door = reverse("trail:keys")
    for role in (ADMINISTRATOR, RADIOLOGIST):
        client.force_login(MembershipFactory(organisation=house, role=role).user)
        assert client.get(door).status_code == 403
    client.logout()
    assert client.get(door).status_code == 302


def test_fifty_patients_cost_no_more_statements(
    client, house, auditor, django_assert_max_num_queries
):
    for patient in PatientFactory.create_batch(5, organisation=house):
        patient_key(house.pk, patient.pk)
    page_of(client)
    with django_assert_max_num_queries(18):
        page_of(client)
