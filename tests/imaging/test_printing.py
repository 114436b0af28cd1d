"""Printing from the page of a result is written down, whoever may see it and nobody else."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    person = UserFactory()
    client.force_login(person)
    return person


def printed() -> int:
    return AuditEvent.objects.filter(action="result.print").count()


def test_the_page_offers_it_as_a_form_that_works_without_javascript(client, user):
    result = ResultFactory(user=user)
    page = client.get(result.get_absolute_url() + "?t=0.5").content.decode()
    assert (
        f'method="post" action="{reverse("imaging:result-print", args=[result.pk])}?t=0.5' in page
    )
    assert 'id="print"' in page


def test_the_owner_can_a_stranger_finds_nothing_the_anonymous_are_sent_away(client, user):
    result = ResultFactory(user=user)
    address = reverse("imaging:result-print", args=[result.pk])
    assert client.post(address).status_code == 302
    assert printed() == 1
    client.force_login(UserFactory())
    assert client.post(address).status_code == 404
    client.force_login(UserFactory(organisation=result.organisation, role="technician"))
    assert client.post(address).status_code == 403
    client.logout()
    assert reverse("account_login") in client.post(address).url
    assert printed() == 1


def test_what_is_asked_for_stays_in_the_query_of_our_own_address(client, user):
    result = ResultFactory(user=user)
    address = reverse("imaging:result-print", args=[result.pk])
    answer = client.post(address + "?t=0.5&x=//evil.example/%0d%0aSet-Cookie:a=b#y")
    assert answer.url.startswith(result.get_absolute_url() + "?t=0.5&x=")
    assert "\n" not in answer.url
    assert answer.url.endswith("#print")
