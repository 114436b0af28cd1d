"""The pages of one's own sessions and factors: the owner can, a stranger finds nothing."""

from __future__ import annotations

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, TokenFamily
from accounts.services.tokens import tokens_issue
from tests.accounts.factories import PASSWORD, UserFactory, enrol, recovery_codes, verify

pytestmark = pytest.mark.django_db
LIST, OTHERS = "signin:session-list", "signin:session-end-others"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"


@pytest.fixture
def user():
    return UserFactory()


def signed_in(user, **facts) -> Client:
    client = Client(**facts)
    client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD})
    return client


def session_of(client) -> UserSession:
    return UserSession.objects.get(session_key=client.session.session_key)


def test_each_session_says_where_and_when_and_which_is_this(user):
    here = signed_in(user, REMOTE_ADDR="192.0.2.7")
    signed_in(user, REMOTE_ADDR="198.51.100.9", HTTP_USER_AGENT=FIREFOX)
    signed_in(UserFactory(), REMOTE_ADDR="203.0.113.5")
    page = here.get(reverse(LIST)).content.decode()
    assert "Firefox on Linux" in page
    assert page.count("This one") == 1
    assert page.index("192.0.2.7") < page.index("198.51.100.9")
    assert "203.0.113.5" not in page
    assert "Gecko" not in page


def test_the_list_costs_the_same_however_long(user, django_assert_max_num_queries):
    here = signed_in(user)
    address = reverse(LIST)
    here.get(address)
    with django_assert_max_num_queries(6) as short:
        here.get(address)
        count = len(short)
    for _ in range(3):
        signed_in(user)
    with django_assert_max_num_queries(count):
        here.get(address)


def test_one_session_is_ended_and_the_trail_says_so(user):
    here, there = signed_in(user), signed_in(user)
    answer = here.post(reverse("signin:session-end", args=[session_of(there).pk]))
    assert answer.url == reverse(LIST)
    assert there.get(reverse(LIST)).status_code == 302
    assert here.get(reverse(LIST)).status_code == 200
    assert AuditEvent.objects.get(action="session.revoke").actor == user


def test_all_others_are_ended_at_once(user):
    here, others = signed_in(user), [signed_in(user) for _ in range(2)]
    here.post(reverse(OTHERS))
    assert [one.get(reverse(LIST)).status_code for one in others] == [302, 302]
    assert Session.objects.filter(pk=here.session.session_key).exists()


def test_a_strangers_session_is_not_found(user):
    here, theirs = signed_in(user), signed_in(UserFactory())
    pk = session_of(theirs).pk
    assert here.post(reverse("signin:session-end", args=[pk])).status_code == 404
    assert theirs.get(reverse(LIST)).status_code == 200


def test_the_anonymous_are_sent_away(client):
    for name, args in ((LIST, []), (OTHERS, []), ("signin:session-end", [1])):
        assert client.post(reverse(name, args=args)).url.startswith(reverse("account_login"))


def test_recovery_codes_are_shown_once_and_handed_out_for_five_minutes(client, user):
    enrol(user, recovery=True)
    download = reverse("mfa_download_recovery_codes")
    with time_machine.travel("2026-11-26T08:00:00Z", tick=False) as clock:
        verify(client, user)
        assert client.get(download).status_code == 404
        code = recovery_codes(user)[0]
        grouped = f"{code[:4]} {code[4:]}"
        page = reverse("mfa_view_recovery_codes")
        assert grouped in client.get(page).content.decode()
        assert grouped not in client.get(page).content.decode()
        answer = client.get(download)
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert grouped in answer.content.decode()
        clock.shift(301)
        verify(client, user)
        assert client.get(download).status_code == 404


def test_an_operator_removes_a_lost_factor_after_a_step_up(client, user):
    enrol(user, recovery=True)
    there = signed_in(user)
    operator = UserFactory(is_staff=True, is_superuser=True)
    verify(client, operator)
    address = reverse("admin:accounts_user_changelist")
    form = {"action": "remove_factors", "_selected_action": [user.pk, operator.pk]}
    answer = client.post(address, form, follow=True)
    assert "Second factor removed for 1 of 2." in answer.content.decode()
    assert not Authenticator.objects.filter(user=user).exists()
    assert Authenticator.objects.filter(user=operator).exists()
    assert there.get(reverse(LIST)).status_code == 302
    event = AuditEvent.objects.get(action="factor.remove")
    assert (event.actor, event.target) == (operator, f"user:{user.pk}")


def test_programs_are_listed_and_ended(user):
    here = verify(Client(), user)
    pair = tokens_issue(user=user, second_factor=True)
    family = TokenFamily.objects.get()
    tokens_issue(user=UserFactory(), second_factor=False)
    page = here.get(reverse(LIST)).content.decode()
    assert page.count("program-end") == 0
    assert page.count(f"/account/programs/{family.pk}/end/") == 1
    assert page.count("/account/programs/") == 1
    api = Client(headers={"authorization": f"Bearer {pair.access}"})
    assert api.get("/api/v1/me/").status_code == 200
    answer = here.post(reverse("signin:program-end", args=[family.pk]))
    assert answer.status_code == 302
    assert api.get("/api/v1/me/").status_code == 401
    assert "/account/programs/" not in here.get(reverse(LIST)).content.decode()
    assert AuditEvent.objects.get(action="token.revoke").actor == user


def test_anothers_program_is_not_found(user):
    tokens_issue(user=UserFactory(), second_factor=False)
    here = verify(Client(), user)
    theirs = reverse("signin:program-end", args=[TokenFamily.objects.get().pk])
    assert here.post(theirs).status_code == 404
    assert TokenFamily.objects.get().revoked_at is None
