"""Service accounts: a key is shown once, scoped, expiring, bound to addresses, and no login."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.timezone import now
from django.utils.translation import gettext
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import may
from accounts.models import ApiKey, AuditEvent, Membership, ServiceAccount
from accounts.roles import INTEGRATOR, TABLE
from accounts.services.api_keys import KeyExists, api_key_revoke
from accounts.tokens.scopes import SCOPES
from tests.accounts.api.calls import bearer, sign_in
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import OrganisationFactory

pytestmark = pytest.mark.django_db


def ask(client, text: str, **extra):
    return client.get(reverse("api:me"), headers=by_key(text), **extra)


def actions() -> list[str]:
    found = AuditEvent.objects.filter(action__startswith="api_key.").order_by("at")
    return list(found.values_list("action", flat=True))


def test_a_key_opens_the_api_and_says_what_it_may(client):
    organisation = OrganisationFactory()
    key, text = a_key(organisation)
    answer = ask(client, text)
    assert answer.status_code == 200
    body = answer.json()
    assert body["key"]["prefix"] == key.prefix
    assert body["key"]["scopes"] == ["run.view", "upload.create"]
    assert (body["name"], body["email"]) == ("Archive", None)
    assert [one["name"] for one in body["organisations"]] == [organisation.name]
    assert body["organisations"][0]["roles"][0]["role"] == INTEGRATOR
    assert answer["Cache-Control"] == "no-store, private"


def test_only_the_hash_of_the_secret_is_kept():
    key, text = a_key()
    secret = text.partition(".")[2]
    assert len(secret) == 43
    assert key.digest == hashlib.sha256(secret.encode()).hexdigest()
    row = " ".join(map(str, ApiKey.objects.filter(pk=key.pk).values_list().get()))
    assert secret not in row
    assert not any(secret in str(line) for line in AuditEvent.objects.values_list())


def test_a_key_that_works_costs_two_queries_after_its_first_use(client, django_assert_num_queries):
    _key, text = a_key()
    ask(client, text)
    with django_assert_num_queries(2):
        assert ask(client, text).status_code == 200


def forget_the_secret(text: str) -> str:
    return text[:-1] + ("A" if text[-1] != "A" else "B")


@pytest.mark.parametrize(
    "spoil",
    [
        forget_the_secret,
        lambda text: "0" * 12 + text[12:],
        lambda text: text.partition(".")[0] + ".",
        lambda text: text.replace(".", ""),
        lambda text: text + "=",
        lambda text: "",
        lambda text: "é" * 60,
    ],
)
def test_another_text_is_401_of_one_kind(client, spoil):
    _key, text = a_key()
    answer = ask(client, spoil(text))
    assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")


def test_a_key_is_no_bearer_token_and_a_token_no_key(client):
    _key, text = a_key()
    assert client.get(reverse("api:me"), headers=bearer(text)).json()["code"] == "token_invalid"


def test_a_revoked_key_is_refused_at_the_next_request(client):
    key, text = a_key()
    assert ask(client, text).status_code == 200
    assert api_key_revoke(key=key, by=key.created_by)
    assert not api_key_revoke(key=key, by=key.created_by)
    answer = ask(client, text)
    assert (answer.status_code, answer.json()["code"]) == (401, "key_revoked")
    assert actions() == ["api_key.create", "api_key.use", "api_key.revoke", "api_key.refuse"]


def test_an_expired_key_is_refused_with_the_remedy(client):
    key, text = a_key()
    ApiKey.objects.filter(pk=key.pk).update(expires_at=now())
    answer = ask(client, text)
    assert answer.json()["code"] == "key_expired"
    assert "Ask for a new one" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("networks", "ip", "status"),
    [
        (["10.1.0.0/16"], "10.1.2.3", 200),
        (["10.1.0.0/16"], "10.2.2.3", 401),
        (["192.0.2.7", "2001:db8::/32"], "2001:db8:1::5", 200),
        (["192.0.2.7"], "192.0.2.8", 401),
    ],
)
def test_a_key_holds_only_at_its_addresses(client, networks, ip, status):
    _key, text = a_key(networks=networks)
    answer = ask(client, text, REMOTE_ADDR=ip)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["code"] == "key_address"


def test_a_forged_forwarding_header_is_not_an_address(client):
    _key, text = a_key(networks=["10.1.2.3"])
    assert ask(client, text, HTTP_X_FORWARDED_FOR="10.1.2.3").status_code == 401


def test_the_first_use_of_a_day_and_a_new_address_are_in_the_trail(client):
    key, text = a_key()
    ask(client, text)
    ask(client, text)
    assert actions().count("api_key.use") == 1
    row = ApiKey.objects.filter(pk=key.pk)
    row.update(last_used_at=now() - timedelta(minutes=2))
    ask(client, text, REMOTE_ADDR="192.0.2.9")
    assert actions().count("api_key.use") == 2
    row.update(last_used_at=now() - timedelta(days=1))
    ask(client, text, REMOTE_ADDR="192.0.2.9")
    assert actions().count("api_key.use") == 3
    event = AuditEvent.objects.filter(action="api_key.use").order_by("-at").first()
    assert event.actor == key.account.user
    assert event.organisation == key.organisation


def test_a_program_that_knocks_for_days_writes_one_line_a_minute(client):
    key, text = a_key()
    api_key_revoke(key=key, by=key.created_by)
    for _ in range(3):
        ask(client, text)
    assert actions().count("api_key.refuse") == 1


def test_no_page_and_no_token_ever_opens_for_a_machine(client):
    key, _text = a_key()
    machine = key.account.user
    assert not machine.has_usable_password()
    machine.set_password("correct horse battery staple")  # as somebody might in the admin
    machine.save()
    client.post(
        reverse("account_login"),
        {"login": machine.email, "password": "correct horse battery staple"},
    )
    assert "_auth_user_id" not in client.session
    assert sign_in(client, machine).status_code == 401
    client.force_login(machine)
    assert client.get(reverse("analytics:dashboard")).status_code == 302


def test_a_scope_opens_its_action_and_no_other(rf):
    class Probe(APIView):
        permission_classes = (may("run.view"),)

        def get(self, request):
            return Response({})

    def status_of(**changes) -> tuple[int, str]:
        _key, text = a_key(**changes)
        request = rf.get("/", headers=by_key(text))
        answer = Probe.as_view()(request)
        return answer.status_code, str(answer.data.get("detail", ""))

    assert status_of(scopes=["run.view"])[0] == 200
    status, detail = status_of(scopes=["upload.create"])
    assert (status, detail) == (403, "This key lacks the scope run.view.")


def test_a_machine_whose_role_was_taken_may_nothing(rf):
    class Probe(APIView):
        permission_classes = (may("run.view"),)

        def get(self, request):
            return Response({})

    key, text = a_key(scopes=["run.view"])
    Membership.objects.filter(user=key.account.user).delete()
    assert Probe.as_view()(rf.get("/", headers=by_key(text))).status_code == 403


def test_the_scopes_are_the_integrators_column():
    column = {action for action, cells in TABLE.items() if INTEGRATOR in cells}
    assert SCOPES.keys() == column - {"audit.view_own"}


def test_the_words_of_the_scopes_are_told_in_german_too():
    with translation.override("de"):
        assert {words for words in SCOPES.values() if gettext(words) == words} == set()


def test_one_machine_may_hold_two_keys_and_change_without_a_gap(client):
    organisation = OrganisationFactory()
    first, old = a_key(organisation)
    second, new = a_key(organisation, name="archive")
    assert first.account == second.account
    assert (ask(client, old).status_code, ask(client, new).status_code) == (200, 200)
    assert ServiceAccount.objects.count() == 1


def test_the_same_name_elsewhere_is_another_machine():
    assert a_key()[0].account != a_key()[0].account


def test_a_form_that_was_sent_twice_makes_one_key():
    key, _text = a_key()
    with pytest.raises(KeyExists):
        a_key(key.organisation, pk=key.pk)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["people.manage"]},
        {"expires_at": now() - timedelta(minutes=1)},
        {"expires_at": now() + timedelta(days=91)},
        {"networks": ["not an address"]},
    ],
    ids=["none", "foreign", "past", "too long", "address"],
)
def test_a_key_beyond_what_is_declared_is_not_made(wrong):
    with pytest.raises(ValueError, match=r"\w"):
        a_key(**wrong)
    assert not ApiKey.objects.exists()
