"""The trail in the admin: read in words, never changed, and led to its verification."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts import audit
from accounts.admin_trail import words_of
from accounts.roles import ADMINISTRATOR, AUDITOR
from tests.accounts.factories import StrangerFactory, UserFactory, verify

pytestmark = pytest.mark.django_db
LIST = "admin:accounts_auditevent_changelist"


def test_an_auditor_verifies_the_trail_from_its_list(client):
    verify(client, UserFactory(role=AUDITOR))
    page = client.get(reverse(LIST)).content.decode()
    assert f'action="{reverse("trail:verify")}"' in page
    assert client.post(reverse("trail:verify")).status_code == 302


@pytest.mark.parametrize("is_operator", [True, False])
def test_whoever_may_not_verify_reads_who_does(client, is_operator):
    operator = {"is_staff": True, "is_superuser": True}
    user = StrangerFactory(**operator) if is_operator else UserFactory(role=ADMINISTRATOR)
    verify(client, user)
    page = client.get(reverse(LIST)).content.decode()
    assert reverse("trail:verify") not in page
    assert "verify_audit" in page


def test_the_last_verification_stands_above_the_list(client):
    audit.record(None, "audit.verify", outcome="failed", reason="entry 7")
    verify(client, StrangerFactory(is_staff=True, is_superuser=True))
    page = client.get(reverse(LIST)).content.decode()
    assert "Last verification of the whole trail:" in page
    assert "Damaged" in page


def test_actions_and_outcomes_are_filtered_by_their_words(client):
    user = StrangerFactory(is_staff=True, is_superuser=True)
    verify(client, user)
    audit.record(user, "run.submit", outcome="refused")
    page = client.get(reverse(LIST)).content.decode()
    assert f">{words_of('run.submit')}</a>" in page
    assert ">Refused</a>" in page
    chosen = client.get(reverse(LIST), {"action": "run.submit"})
    assert [one.action for one in chosen.context["cl"].queryset] == ["run.submit"]


def test_a_code_of_an_older_house_stays_as_it_is():
    assert words_of("gone.away") == "gone.away"
