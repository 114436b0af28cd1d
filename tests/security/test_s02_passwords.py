"""S2: guessable passwords are refused with the reason; nothing else is asked of a password."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import override_settings
from django.urls import reverse

from accounts.models import User
from accounts.passwords.building import common
from accounts.passwords.refusing import reasons
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory

UNICODE = "".join(map(chr, range(0x4E00, 0x4E00 + 100)))
WORDS = "teal window forest slow lantern under quiet bridges of marble du"[:64]


@pytest.mark.parametrize("password", ["Summer2026!", "mediscan123456", "Kim Novak 12"])
@pytest.mark.django_db
def test_what_everybody_tries_is_refused_on_the_page_with_a_reason(client, password):
    form = {"email": "kim@example.org", "name": "Kim Novak"}
    form |= {"password1": password, "password2": password}
    answer = client.post(reverse("account_signup"), form)
    assert answer.status_code == 422
    assert "It is made of" in answer.content.decode()
    assert not User.objects.exists()


def test_three_thousand_common_ones_are_refused_also_when_made_longer():
    for word in common()[:3000]:
        for ending in ("", "2026!"):
            assert reasons(word + ending), word + ending


def test_the_long_ones_of_the_whole_list_are_refused():
    assert [word for word in common() if len(word) >= 12 and not reasons(word)] == []


@pytest.mark.django_db
def test_the_name_of_ones_organisation_is_refused():
    organisation = OrganisationFactory(name="Lakeside Infirmary")
    user = UserFactory(organisation=organisation)
    with pytest.raises(ValidationError, match="organisation"):
        validate_password("lakesideinfirmary1", user)
    validate_password("teal window forest", user)
    MembershipFactory(user=user, organisation=OrganisationFactory(name="Zephyrhill"))
    with pytest.raises(ValidationError, match="organisation"):
        validate_password("zephyrhill2024", user)


@pytest.mark.parametrize("password", [WORDS, UNICODE, "teal window forest", " " * 3 + WORDS])
def test_length_is_all_that_a_hard_password_needs(password):
    validate_password(password)


def test_128_are_taken_and_129_are_not():
    password = (UNICODE + UNICODE[::-1])[:128]
    validate_password(password)
    with pytest.raises(ValidationError, match="At most 128"):
        validate_password(password + "a")


@pytest.mark.django_db
def test_a_password_never_runs_out(client):
    user = UserFactory()
    assert not [field.name for field in User._meta.fields if "expire" in field.name]
    assert user.check_password("correct horse battery staple")


@override_settings(PASSWORD_HASHERS=["accounts.hashers.Argon2"])
def test_the_hash_is_argon2id_with_the_floor_of_owasp():
    assert make_password("teal window forest").startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
