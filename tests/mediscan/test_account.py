"""The page of one's own account: what it says, what it keeps, and for whom."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.roles import ADMINISTRATOR, CLINICIAN
from imaging.display import query_of
from tests.accounts.factories import UserFactory, enrol, verify

pytestmark = pytest.mark.django_db
PAGE, ONE = reverse("account"), reverse("account-preference")
CALM = {"theme": "system", "palette": "redgreen", "shortcuts": "on"}
CHOSEN = {"theme": "dark", "palette": "magma", "shortcuts": "on", "mails_runs": "on"}


def kept(user) -> dict:
    row = User.objects.get(pk=user.pk)
    return {name: getattr(row, name) for name in ("name", *CHOSEN)}


def test_it_says_the_state_of_everything_in_words(client):
    user = UserFactory()
    verify(client, user)
    text = client.get(PAGE).content.decode()
    assert user.email in text
    for words in ("Verified", "Authenticator app", "Second factor", "0 programs", "Read first"):
        assert words in text
    assert reverse("accounts:api-key-list") not in text


def test_recovery_codes_that_run_out_are_warned_about(client):
    user = UserFactory()
    device = enrol(user, recovery=True)
    client.force_login(user)
    assert "10 left" in client.get(PAGE).content.decode()
    codes = device.authenticator.__class__.objects.get(user=user, type="recovery_codes")
    codes.data["used_mask"] = 0b1111111
    codes.save()
    assert '<span class="chip mod">' in client.get(PAGE).content.decode()


def test_api_keys_are_counted_for_whoever_may_make_them(client):
    client.force_login(UserFactory(role=ADMINISTRATOR))
    assert "0 active" in client.get(PAGE).content.decode()
    client.force_login(UserFactory(role=CLINICIAN))
    assert "0 active" not in client.get(PAGE).content.decode()


def test_what_is_chosen_is_kept_and_written_down_once(client):
    user = UserFactory()
    client.force_login(user)
    for _ in range(2):
        answer = client.post(PAGE, CHOSEN | {"name": user.name})
        assert (answer.status_code, answer.url) == (302, PAGE)
    expected = {"theme": "dark", "palette": "magma", "shortcuts": True, "mails_runs": True}
    assert kept(user) == expected | {"name": user.name}
    assert AuditEvent.objects.filter(action="person.preferences", actor=user).count() == 1
    text = client.get(PAGE).content.decode()
    assert 'data-theme="dark"' in text
    assert "data-keys" not in text


def test_nothing_is_chosen_at_first(client):
    user = UserFactory()
    client.force_login(user)
    text = client.get(PAGE).content.decode()
    assert 'lang="en"' in text
    assert "data-theme=" not in text
    assert kept(user)["mails_runs"] is False
    assert kept(user)["shortcuts"] is True
    client.post(PAGE, CALM | {"name": user.name})
    assert not AuditEvent.objects.filter(action="person.preferences").exists()


def test_another_name_asks_again_who_it_is(client):
    user = UserFactory()
    client.force_login(user)
    answer = client.post(PAGE, CHOSEN | {"name": "Somebody Else"})
    assert "reauthenticate" in answer.url
    assert kept(user)["name"] == user.name
    verify(client, user)
    client.post(PAGE, CHOSEN | {"name": "Somebody Else"})
    assert kept(user)["name"] == "Somebody Else"
    assert AuditEvent.objects.filter(action="user.change", target=f"user:{user.pk}").count() == 1


@pytest.mark.parametrize(
    "wrong", [{"theme": "pink"}, {"palette": "rainbow"}, {"name": "x" * 201}], ids=str
)
def test_what_there_is_not_is_refused_and_nothing_kept(client, wrong):
    user = UserFactory()
    before = kept(user)
    client.force_login(user)
    answer = client.post(PAGE, CHOSEN | {"name": user.name} | wrong)
    assert answer.status_code == 422
    assert "<title>Error: Account" in answer.content.decode()
    assert kept(user) == before
    assert client.post(ONE, wrong).status_code == 422
    assert kept(user) == before


@pytest.mark.parametrize(
    ("sent", "name", "value"),
    [({"theme": "light"}, "theme", "light"), ({"palette": "viridis"}, "palette", "viridis"),
     ({"shortcuts": "false"}, "shortcuts", False)],
)  # fmt: skip
def test_one_choice_leaves_the_others(client, sent, name, value):
    user = UserFactory(theme="dark", palette="magma", mails_runs=True)
    before = kept(user)
    client.force_login(user)
    assert client.post(ONE, sent | {"name": "Somebody Else"}).status_code == 204
    assert kept(user) == before | {name: value}


def test_the_colours_of_a_result_are_ones_own_unless_its_address_names_some(rf):
    user = UserFactory.build(palette="magma")
    for address, expected in (("/", "magma"), ("/?palette=viridis", "viridis")):
        request = rf.get(address)
        request.user = user
        assert query_of(request)["palette"] == expected
    request = rf.get("/")
    request.user = UserFactory.build(palette="gone")
    assert "palette" not in query_of(request)


def test_the_anonymous_are_sent_away_and_reading_changes_nothing(client):
    assert "login" in client.get(PAGE).url
    assert "login" in client.post(ONE, {"theme": "dark"}).url
    client.force_login(UserFactory())
    assert client.get(ONE).status_code == 405


def test_it_takes_few_queries(client, django_assert_max_num_queries):
    client.force_login(UserFactory(role=ADMINISTRATOR))
    client.get(PAGE)
    with django_assert_max_num_queries(22):
        client.get(PAGE)
