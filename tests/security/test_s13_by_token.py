"""S13 by token: whoever is disabled, or whose rights changed, is refused at the next request."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import Membership, TokenFamily, User
from accounts.services.revocation import auth_version_raise
from tests.accounts.api.calls import me, pair_of, refresh
from tests.accounts.factories import PASSWORD, UserFactory, verify

pytestmark = pytest.mark.django_db


def refused(client, pair: dict) -> None:
    assert me(client, pair["access"]).json()["code"] == "token_revoked"
    assert refresh(client, pair["refresh"]).json()["code"] == "token_revoked"


def test_a_disabled_person(client):
    user = UserFactory()
    pair = pair_of(client, user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    refused(client, pair)
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert me(client, pair["access"]).status_code == 200  # a look at each request, no more


def test_a_changed_password(client):
    user = UserFactory()
    pair = pair_of(client, user)
    new = "teal window forest lamp"
    answer = verify(client, user).post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    assert answer.status_code == 302
    client.logout()
    refused(client, pair)


def test_raised_rights_end_every_family_and_a_new_sign_in_is_good(client):
    user = UserFactory()
    pairs = [pair_of(client, user) for _ in range(2)]
    auth_version_raise(user=user)
    for pair in pairs:
        refused(client, pair)
    assert me(client, pair_of(client, user)["access"]).status_code == 200
    assert TokenFamily.objects.filter(revoked_at=None).count() == 3  # refused, not reused


def test_a_role_that_was_taken_is_gone_from_the_next_answer(client):
    user = UserFactory()
    pair = pair_of(client, user)
    assert len(me(client, pair["access"]).json()["organisations"]) == 1
    Membership.objects.filter(user=user).delete()
    assert me(client, pair["access"]).json()["organisations"] == []
