"""Who has to wait: told once, shown to the administrators of their organisation, lifted by them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AttemptCounter, AuditEvent, Notice
from accounts.roles import ADMINISTRATOR, AUDITOR, RADIOLOGIST
from accounts.services.locks import attempts_sweep, lock_lift, locks_tell
from accounts.throttle import attempt_failed
from tests.accounts.factories import OrganisationFactory, UserFactory, verify

pytestmark = pytest.mark.django_db
LIST = reverse("locks:list")


def locked(user, kind: str = "password"):
    for number in range(5):
        request = RequestFactory().post("/", REMOTE_ADDR=f"192.0.2.{number}")
        attempt_failed(request, kind=kind, account=user)
    return user


@pytest.fixture
def house():
    return OrganisationFactory()


@pytest.fixture
def administrator(client, house):
    user = UserFactory(organisation=house, role=ADMINISTRATOR)
    verify(client, user)
    return user


def lift(client, user):
    return client.post(reverse("locks:lift", args=[user.pk]))


def test_an_administrator_sees_who_waits_and_lifts_it(client, house, administrator):
    user = locked(UserFactory(organisation=house))
    page = client.get(LIST).content.decode()
    assert user.email in page
    assert "Password" in page
    assert lift(client, user).url == LIST
    assert not AttemptCounter.objects.filter(user=user).exists()
    event = AuditEvent.objects.get(action="lock.lift")
    assert (event.actor, event.organisation) == (administrator, house)
    assert event.target == f"user:{user.pk}"
    assert "Nobody has to wait" in client.get(LIST).content.decode()


def test_a_stranger_is_not_seen_and_not_lifted(client, administrator):
    stranger = locked(UserFactory())
    assert stranger.email not in client.get(LIST).content.decode()
    assert lift(client, stranger).status_code == 404
    assert AttemptCounter.objects.filter(user=stranger).exists()


def test_nobody_lifts_their_own(client, administrator):
    assert lift(client, locked(administrator)).status_code == 403
    assert AttemptCounter.objects.filter(user=administrator).exists()


def test_an_auditor_reads_and_does_not_lift(client, house):
    verify(client, UserFactory(organisation=house, role=AUDITOR))
    user = locked(UserFactory(organisation=house))
    page = client.get(LIST).content.decode()
    assert user.email in page
    assert "/lift/" not in page
    assert lift(client, user).status_code == 403


def test_others_are_told_which_role_it_needs_and_the_anonymous_to_sign_in(client, house):
    assert client.get(LIST).status_code == 302
    client.force_login(UserFactory(organisation=house, role=RADIOLOGIST))
    answer = client.get(LIST)
    assert answer.status_code == 403
    assert "Administrator" in answer.content.decode()


def test_lifting_asks_who_it_is(client, house):
    user = locked(UserFactory(organisation=house))
    client.force_login(UserFactory(organisation=house, role=ADMINISTRATOR))
    assert reverse("account_reauthenticate") in lift(client, user).url
    assert AttemptCounter.objects.filter(user=user).exists()


def test_lifting_twice_is_one_line(house, administrator):
    user = locked(UserFactory(organisation=house))
    assert lock_lift(user=user, organisation=house, by=administrator) == 1
    assert lock_lift(user=user, organisation=house, by=administrator) == 0
    assert AuditEvent.objects.filter(action="lock.lift").count() == 1


def test_the_list_costs_the_same_for_one_and_for_ten(
    client, house, administrator, django_assert_num_queries
):
    locked(UserFactory(organisation=house))
    client.get(LIST)
    with CaptureQueriesContext(connection) as one:
        client.get(LIST)
    for _ in range(9):
        locked(UserFactory(organisation=house))
    with django_assert_num_queries(len(one)):
        client.get(LIST)


def test_the_owner_is_told_once(mailoutbox, django_capture_on_commit_callbacks):
    user = locked(locked(UserFactory()), kind="code")
    locked(UserFactory(is_active=False))
    with django_capture_on_commit_callbacks(execute=True):
        assert [locks_tell(), locks_tell()] == [1, 0]
    assert [notice.kind for notice in Notice.objects.filter(to=user)] == ["account_locked"]
    assert [one.to for one in mailoutbox] == [[user.email]]


def test_nobody_is_told_before_five_tries_or_about_an_unknown_address():
    for number in range(4):
        request = RequestFactory().post("/", REMOTE_ADDR=f"192.0.2.{number}")
        attempt_failed(request, kind="password", account=UserFactory())
    locked("nobody@example.org")
    assert locks_tell() == 0


def test_what_nobody_touched_for_a_day_is_swept():
    user = locked(UserFactory())
    assert attempts_sweep() == 0
    AttemptCounter.objects.filter(user=user).update(last_at=now() - timedelta(days=2))
    assert attempts_sweep() == 1
