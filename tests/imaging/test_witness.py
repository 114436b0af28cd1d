"""The auditor's page of erasures: who asked, who approved, what the ledger says; no patient."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from accounts.vault.fields import blind_index
from accounts.vault.ledger import Erased, ledger_append, ledger_path
from imaging.services.erasure import erasure_approve, erasure_request, erasure_withdraw
from tests.accounts.factories import MembershipFactory, OrganisationFactory
from tests.imaging.factories import ImageFactory, PatientFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ledger(settings, tmp_path):
    settings.ERASURE_LEDGER = str(tmp_path / "elsewhere" / "erasures.jsonl")


@pytest.fixture
def house():
    return OrganisationFactory()


def member(house, role):
    return MembershipFactory(organisation=house, role=role).user


@pytest.fixture
def chiefs(house):
    return member(house, ADMINISTRATOR), member(house, ADMINISTRATOR)


@pytest.fixture
def auditor(client, house):
    user = member(house, AUDITOR)
    client.force_login(user)
    return user


def patient_of(house, number="MRN-7"):
    return PatientFactory(
        organisation=house, name="Canary^Ann", record_number=number,
        mrn_index=blind_index(house, "record_number", number),
    )  # fmt: skip


def erased(house, chiefs, number="MRN-7"):
    patient = patient_of(house, number)
    ImageFactory(study__organisation=house, study__patient=patient)
    asked = erasure_request(user=chiefs[0], patient=patient, reason="asked")
    return erasure_approve(user=chiefs[1], erasure=asked)


def page_of(client) -> str:
    answer = client.get(reverse("imaging:erasure-witness"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_nothing_was_asked_for(client, auditor):
    page = page_of(client)
    assert "No erasure was asked for" in page
    assert "0 erasures of your organisations" in page


def test_each_step_with_its_entry_and_no_patient(client, house, chiefs, auditor):
    done = erased(house, chiefs)
    open_ = erasure_request(user=chiefs[0], patient=patient_of(house, "MRN-8"), reason="ordered")
    back = erasure_request(user=chiefs[1], patient=patient_of(house, "MRN-9"), reason="mistake")
    erasure_withdraw(user=chiefs[0], erasure=back)
    page = page_of(client)
    assert "Entry 1<" in page.replace("</span>", "<")
    assert "1 erasure of your organisations, and nothing of them is left" in page
    for text in (str(chiefs[0]), str(chiefs[1]), "Withdrawn", "Waiting", "Erased",
                 done.patient_id.hex[:8], open_.patient_id.hex[:8]):  # fmt: skip
        assert text in page
    assert [one for one in ("Canary", "MRN-") if one in page] == []
    assert AuditEvent.objects.filter(action="audit.view", reason="erasures").count() == 1


def test_another_house_is_not_witnessed(client, auditor):
    other = OrganisationFactory()
    erased(other, (member(other, ADMINISTRATOR), member(other, ADMINISTRATOR)))
    page = page_of(client)
    assert "No erasure was asked for" in page
    assert "0 erasures of your organisations" in page


def test_a_changed_ledger_is_told(client, house, chiefs, auditor):
    erased(house, chiefs)
    erased(house, chiefs, "MRN-8")
    lines = ledger_path().read_bytes().splitlines(keepends=True)
    ledger_path().write_bytes(b"".join([lines[0], *lines[2:]]))
    page = page_of(client)
    assert "The ledger does not verify" in page
    assert "Cannot be read" in page
    assert str(ledger_path().parent) not in page


def test_an_entry_that_is_missing_is_told(client, house, chiefs, auditor):
    erased(house, chiefs)
    ledger_path().unlink()
    page = page_of(client)
    assert "Not in the ledger" in page


def test_who_came_back_with_an_old_backup_is_told(client, house, chiefs, auditor):
    patient = patient_of(house)
    ImageFactory(study__organisation=house, study__patient=patient)
    ledger_append(Erased(house.pk, patient.pk))
    page = page_of(client)
    assert "1 erased patient is back in this database" in page


def test_a_request_that_an_older_database_forgot_is_counted(client, house, chiefs, auditor):
    done = erased(house, chiefs)
    done.delete()
    page = page_of(client)
    assert "1 of them is known to the ledger alone" in page


def test_auditors_alone(client, house, chiefs):
    door = reverse("imaging:erasure-witness")
    for role in (ADMINISTRATOR, RADIOLOGIST):
        client.force_login(member(house, role))
        assert client.get(door).status_code == 403
    client.logout()
    assert client.get(door).status_code == 302


def test_the_audit_page_leads_there(client, auditor):
    trail = client.get(reverse("trail:list")).content.decode()
    assert reverse("imaging:erasure-witness") in trail
    assert reverse("trail:keys") in trail


def test_many_cost_no_more_statements(
    client, house, chiefs, auditor, django_assert_max_num_queries
):
    for number in range(4):
        erased(house, chiefs, f"MRN-{number}")
    page_of(client)
    with django_assert_max_num_queries(18):
        page_of(client)
