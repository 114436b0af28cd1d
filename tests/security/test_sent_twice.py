"""The same form sent twice at one instant: one row, and words instead of a fault."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections
from django.test import Client
from django.urls import reverse

from accounts.models import Department, Invitation, Membership, User
from accounts.roles import ADMINISTRATOR, CLINICIAN, RADIOLOGIST
from accounts.services.invitations import invitation_accept, invitation_send
from accounts.services.memberships import department_create, membership_grant
from imaging.models import BreakGlass
from imaging.services.glass import glass_break
from mediscan import views
from tests.accounts.factories import OrganisationFactory, StrangerFactory, UserFactory
from tests.imaging.factories import PatientFactory

AT_ONCE = 6


def at_once(act) -> Counter:
    """Call `act(number)` in as many threads at one instant; count what came of it."""
    barrier, came = threading.Barrier(AT_ONCE), Counter()

    def go(number: int) -> None:
        barrier.wait()
        try:
            came[act(number)] += 1
        except Exception as error:
            came[type(error)] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go, args=[number]) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return came


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def chief(house):
    return UserFactory(organisation=house, role=ADMINISTRATOR)


@pytest.mark.django_db(transaction=True)
def test_a_department(house, chief):
    def act(_number) -> str:
        department_create(by=chief, organisation=house, name="Radiology")
        return "made"

    assert at_once(act) == {"made": 1, ValidationError: AT_ONCE - 1}
    assert Department.objects.filter(organisation=house).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_role_and_an_invitation(house, chief):
    person, newcomer = StrangerFactory(), StrangerFactory()

    def grant(_number) -> str:
        membership_grant(by=chief, user=person, organisation=house, role=RADIOLOGIST)
        return "given"

    def invite(_number) -> str:
        offer = {"organisation": house, "email": newcomer.email, "role": CLINICIAN}
        invitation_send(by=chief, **offer)
        return "sent"

    def accept(_number) -> str:
        invitation_accept(user=newcomer, invitation=invitation)
        return "joined"

    assert at_once(grant) == {"given": AT_ONCE}
    assert at_once(invite) == {"sent": AT_ONCE}
    invitation = Invitation.objects.get()
    assert at_once(accept) == {"joined": 1, ValidationError: AT_ONCE - 1}
    for user in (person, newcomer):
        assert Membership.objects.filter(user=user, organisation=house).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_sign_up():
    password = "violet window forest"
    form = {"email": "twin@example.org", "password1": password, "password2": password}
    came = at_once(lambda _number: Client().post(reverse("account_signup"), form).status_code)
    assert came == {302: AT_ONCE}
    assert User.objects.filter(email="twin@example.org").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_emergency_access_is_one_case(house):
    doctor = UserFactory(organisation=house, role=CLINICIAN)
    patient = PatientFactory(organisation=house)

    def act(_number):
        return glass_break(by=doctor, patient=patient, reason="Unconscious, needs it now").pk

    assert list(at_once(act).values()) == [AT_ONCE]
    assert BreakGlass.objects.count() == 1


def refused(monkeypatch, caplog, words: str, address: str = "/healthz/"):
    """What is answered where the database refused for `words`."""
    from accounts.api.views import TokenView

    def fail(*args, **kwargs):
        raise IntegrityError(words)

    monkeypatch.setattr(views, "JsonResponse", fail)
    monkeypatch.setattr(TokenView, "read", fail)
    client = Client(raise_request_exception=False)
    answer = client.post(address) if "/api/" in address else client.get(address)
    return answer, [record for record in caplog.records if record.name == "mediscan.faults"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "words", ["UNIQUE constraint failed: a.b", "duplicate key value violates unique constraint"]
)
def test_what_nobody_foresaw_is_said_and_kept_in_the_log(monkeypatch, caplog, words):
    answer, kept = refused(monkeypatch, caplog, words)
    assert (answer.status_code, len(kept)) == (409, 1)
    assert "sent twice at one moment" in answer.content.decode()
    assert kept[0].exc_info
    answer, _kept = refused(monkeypatch, caplog, words, reverse("api:token"))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


@pytest.mark.django_db
def test_another_refusal_of_the_database_stays_a_fault(monkeypatch, caplog):
    answer, kept = refused(monkeypatch, caplog, "NOT NULL constraint failed: a.b")
    assert (answer.status_code, kept) == (500, [])
