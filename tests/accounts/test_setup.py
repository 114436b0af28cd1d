"""The first administrator by a code of the console: once, for a while, and written down."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.services import setup
from accounts.services.setup import LIVES, SetupError, setup_administrator, setup_code
from tests.accounts.factories import StrangerFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("accounts:setup")
PASSWORD = "gravel-lantern-orbit-93"
FIELDS = {
    "organisation": "St. Elsewhere", "name": "Ada Byron", "email": "Ada@example.org",
    "password1": PASSWORD, "password2": PASSWORD,
}  # fmt: skip


def test_the_command_prints_page_and_code_and_the_code_makes_the_administrator(client):
    out = io.StringIO()
    call_command("setup_code", stdout=out)
    assert PAGE in out.getvalue()
    code = re.search(r"code  (\S+)", out.getvalue())[1]
    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, FIELDS | {"code": f" {code} "}).url == reverse("account_login")
    user = User.objects.get()
    assert (user.email, user.is_superuser, user.must_change_password) == (
        "ada@example.org", True, False,
    )  # fmt: skip
    assert user.check_password(PASSWORD)
    assert user.memberships.count() == 2
    assert AuditEvent.objects.filter(action="system.setup", actor=user).count() == 1
    assert client.get(PAGE).status_code == 404
    assert client.post(PAGE, FIELDS | {"code": code, "email": "b@example.org"}).status_code == 404
    with pytest.raises(CommandError, match="already"):
        call_command("setup_code")


def test_a_wrong_code_says_nothing_else_is_kept_and_has_to_wait(client):
    answers = [client.post(PAGE, {"code": "x" * n, "email": "no"}) for n in range(1, 12)]
    assert answers[0].status_code == 422
    text = answers[0].content.decode()
    assert "wrong or too old" in text
    assert "valid email" not in text
    assert answers[-1].status_code == 429
    assert AuditEvent.objects.filter(action="system.setup_refuse").count() >= 5
    assert not User.objects.exists()


def test_a_code_gets_old(client, monkeypatch):
    code = setup_code()
    monkeypatch.setattr(setup, "LIVES", -LIVES)
    assert client.post(PAGE, FIELDS | {"code": code}).status_code == 422
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"password2": "another"}, "differ"), ({"password1": "short", "password2": "short"}, ""),
     ({"email": "taken@example.org"}, "There is an account"), ({"name": ""}, "required")],
    ids=lambda one: str(one)[:20],
)  # fmt: skip
def test_a_wrong_form_is_said_and_makes_nobody(client, wrong, words):
    StrangerFactory(email="taken@example.org")
    answer = client.post(PAGE, FIELDS | {"code": setup_code()} | wrong)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not User.objects.filter(is_superuser=True).exists()


def test_who_comes_second_finds_it_done():
    given = {"name": "A", "password": PASSWORD, "organisation_name": "H"}
    setup_administrator(email="a@example.org", **given)
    with pytest.raises(SetupError, match="by now"):
        setup_administrator(email="b@example.org", **given)


def test_an_account_without_rights_closes_nothing(client):
    StrangerFactory()
    assert client.get(PAGE).status_code == 200
