"""The language of a page and a letter: one's own, else the one chosen here, else the browser's."""

from __future__ import annotations

import pytest
from django.core import mail
from django.utils import translation

from accounts.models import AuditEvent, User
from accounts.services.languages import language_choose
from accounts.services.notices import notice_send
from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/language/"
GERMAN, ENGLISH = '<html lang="de" dir="ltr"', '<html lang="en" dir="ltr"'


def page(client, address: str = "/help/", **headers) -> str:
    return client.get(address, **headers).content.decode()


def test_a_browser_is_answered_in_its_language(client):
    assert GERMAN in page(client, headers={"accept-language": "de-CH,en;q=0.5"})
    assert ENGLISH in page(client, headers={"accept-language": "fr"})


def test_the_anonymous_choose_by_a_plain_form_and_stay_where_they_were(client):
    assert '<button type="submit" name="language" value="de" lang="de">Deutsch</button>' in page(
        client
    )
    answer = client.post(PAGE, {"language": "de", "next": "/help/"})
    assert answer.headers["Location"] == "/help/"
    cookie = answer.cookies["language"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert GERMAN in page(client)


@pytest.mark.parametrize("away", ["https://example.org/", "//example.org", "javascript:alert(1)"])
def test_the_way_back_leads_to_no_other_site(client, away):
    assert client.post(PAGE, {"language": "de", "next": away}).headers["Location"] == PAGE


def test_what_is_not_offered_is_refused(client):
    assert client.post(PAGE, {"language": "tlh"}).status_code == 400
    assert client.post(PAGE, {}).status_code == 400


def test_ones_own_language_holds_whatever_the_browser_asks(client):
    user = UserFactory()
    client.force_login(user)
    client.post(PAGE, {"language": "de"})
    assert User.objects.get(pk=user.pk).language == "de"
    assert AuditEvent.objects.filter(action="person.language", actor=user).count() == 1
    assert GERMAN in page(client, headers={"accept-language": "en"})
    client.post(PAGE, {"language": ""})
    assert ENGLISH in page(client, headers={"accept-language": "en"})


def test_the_same_choice_twice_is_one_entry():
    user = UserFactory()
    assert language_choose(user=user, language="de")
    assert not language_choose(user=user, language="de")
    assert AuditEvent.objects.filter(action="person.language").count() == 1


def test_programs_are_answered_in_english(client):
    client.force_login(UserFactory(language="de"))
    answer = client.get("/api/v1/nothing/", headers={"accept-language": "de"})
    assert answer.headers["Content-Language"] == "en"
    assert "There is nothing here" in answer.json()["detail"]


def test_a_language_does_not_stay_on_the_thread(client):
    page(client, headers={"accept-language": "de"})
    assert translation.get_language() == "en"


def test_a_letter_is_in_the_language_of_whom_it_goes_to(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        notice_send(to=UserFactory(language="de"), kind="account_locked")
        notice_send(to=UserFactory(), kind="account_locked")
    assert [one.subject for one in mail.outbox] == [
        "MediScan: Ihr Konto wurde gebremst",
        "MediScan: Your account was slowed down",
    ]


def test_who_signs_up_in_german_is_written_to_in_german(client):
    fields = {"email": "neu@example.org", "name": "Neu", "password1": PASSWORD}
    client.post(
        "/accounts/signup/", fields | {"password2": PASSWORD}, headers={"accept-language": "de"}
    )
    assert User.objects.get().language == "de"
    assert "Ihr" in mail.outbox[0].body
