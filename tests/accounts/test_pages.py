"""The account pages as a person walks them: join, confirm, sign in and out, change, forget."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.urls import reverse

from accounts.models import AuditEvent, Membership, Organisation, User
from accounts.roles import ADMINISTRATOR, RADIOLOGIST
from accounts.services.people import member_add, organisation_create, person_register
from tests.accounts.factories import PASSWORD, StrangerFactory, UserFactory

pytestmark = pytest.mark.django_db

NEW = {
    "email": "Amara@Example.org",
    "name": "Amara Novak",
    "password1": "teal window forest",
    "password2": "teal window forest",
}
LOGIN = {"login": "kim@example.org", "password": PASSWORD}


def mailed_code() -> str:
    return re.search(r"^ {4}(\S+)$", mail.outbox[-1].body, re.M)[1]


def sign_up(client, **changes):
    return client.post(reverse("account_signup"), NEW | changes)


def text_of(answer) -> str:
    return answer.content.decode()


# --- joining


def test_who_joins_confirms_by_code_and_has_a_workspace_of_their_own(client):
    answer = sign_up(client)
    assert answer.headers["Location"] == reverse("account_email_verification_sent")
    answer = client.post(answer.headers["Location"], {"code": mailed_code()})
    assert answer.headers["Location"] == reverse("analytics:dashboard")
    user = User.objects.get()
    assert (user.email, user.name) == ("amara@example.org", "Amara Novak")
    membership = user.memberships.get(role=RADIOLOGIST)
    assert user.memberships.get(role=ADMINISTRATOR).organisation == membership.organisation
    assert membership.organisation.plan.slug == "free"
    assert EmailAddress.objects.get(user=user).verified
    page = text_of(client.get(reverse("analytics:dashboard")))
    assert "Amara Novak" in page


def test_joining_is_in_the_audit_trail_without_names(client):
    sign_up(client)
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"organisation.create", "membership.create"} <= actions
    assert not AuditEvent.objects.filter(target__icontains="amara").exists()
    assert not AuditEvent.objects.filter(request_id="").exists()


def test_the_name_may_be_left_out(client):
    sign_up(client, name="")
    assert Organisation.objects.distinct().get(
        memberships__user__email="amara@example.org"
    ).name == ("amara@example.org")


def test_before_the_code_nothing_opens(client):
    sign_up(client)
    answer = client.get(reverse("analytics:dashboard"))
    assert answer.headers["Location"].startswith(reverse("account_login"))


def test_a_wrong_code_is_422_and_says_so(client):
    answer = client.post(sign_up(client).headers["Location"], {"code": "ZZZZ-ZZZZ"})
    assert answer.status_code == 422
    page = text_of(answer)
    assert "<title>Error:" in page
    assert "Incorrect code" in page


def test_the_code_page_offers_a_new_code_and_another_address(client):
    where = sign_up(client).headers["Location"]
    page = text_of(client.get(where))
    assert "Send a new code" in page
    assert "Use another address" in page
    client.post(where, {"action": "resend"})
    assert len(mail.outbox) == 2


def test_a_known_address_gets_the_same_answer_and_a_letter(client):
    StrangerFactory(email="amara@example.org")
    answer = sign_up(client)
    assert answer.headers["Location"] == reverse("account_email_verification_sent")
    assert User.objects.count() == 1
    assert "There is one already" in mail.outbox[-1].body
    assert "http" not in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "At least 12 characters"),
        ("123456789012", "neighbouring keys"),
        ("password1234", "very many people use"),
        ("amara novak", "At least 12 characters"),
        ("Amara Novak 1", "made of your name"),
        ("amara@example.org", "your e-mail address"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(client, password, reason):
    answer = sign_up(client, password1=password, password2=password)
    assert answer.status_code == 422
    assert reason in text_of(answer)
    assert not User.objects.exists()


def test_two_different_passwords_are_refused(client):
    answer = sign_up(client, password2="another window forest")
    assert answer.status_code == 422
    assert not User.objects.exists()


def test_nothing_is_left_when_the_organisation_cannot_be_made(client, monkeypatch):
    def fail(**_):
        raise RuntimeError("no organisation")

    monkeypatch.setattr("accounts.adapters.person_register", fail)
    with pytest.raises(RuntimeError):
        sign_up(client)
    assert not User.objects.exists()


def test_an_empty_form_names_each_field_and_takes_the_focus(client):
    page = text_of(client.post(reverse("account_signup"), {}))
    assert 'role="alert" tabindex="-1" autofocus' in page
    for field in ("id_email", "id_password1", "id_password2"):
        assert f'<a href="#{field}">' in page
        assert f'id="{field}_error"' in page


@pytest.mark.parametrize("name", ["account_login", "account_signup", "account_reset_password"])
def test_each_input_has_a_label_and_no_placeholder(client, name):
    page = text_of(client.get(reverse(name)))
    inputs = re.findall(r'<input type="(?:email|text|password)"[^>]*id="([^"]+)"', page)
    assert inputs
    assert all(f'<label for="{one}">' in page for one in inputs)
    assert "placeholder" not in page


# --- in and out


def test_signing_in_leads_to_the_dashboard_without_a_notice(client):
    UserFactory(email=LOGIN["login"])
    answer = client.post(reverse("account_login"), LOGIN, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("analytics:dashboard")
    assert 'class="toast' not in text_of(answer)


@pytest.mark.parametrize("change", [{"login": "nobody@example.org"}, {"password": "wrong"}])
def test_a_wrong_login_says_the_same_for_known_and_unknown(client, change):
    UserFactory(email=LOGIN["login"])
    answer = client.post(reverse("account_login"), LOGIN | change)
    assert answer.status_code == 422
    assert "The email address and/or password you specified are not correct." in text_of(answer)


def test_the_way_out_is_a_post_and_says_so(client):
    client.force_login(UserFactory())
    assert client.get(reverse("account_logout")).status_code == 200
    answer = client.post(reverse("account_logout"), follow=True)
    assert "You are signed out." in text_of(answer)
    assert client.get(reverse("analytics:dashboard")).status_code == 302


# --- passwords


def test_a_temporary_password_opens_only_its_own_replacement(client):
    user = UserFactory(must_change_password=True)
    client.force_login(user)
    change = reverse("account_change_password")
    assert client.get(reverse("analytics:dashboard")).headers["Location"] == change
    page = text_of(client.get(change))
    assert "was temporary" in page
    assert 'class="nav"' not in page
    new = "green window forest"
    answer = client.post(change, {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert answer.headers["Location"] == reverse("analytics:dashboard")
    user.refresh_from_db()
    assert not user.must_change_password
    assert user.check_password(new)
    assert "was changed" in mail.outbox[-1].body


def test_the_old_password_is_asked_for(client):
    client.force_login(UserFactory())
    new = "green window forest"
    form = {"oldpassword": "not mine", "password1": new, "password2": new, "name": "Eve"}
    assert client.post(reverse("account_change_password"), form).status_code == 422


def test_a_forgotten_password_is_replaced_by_a_mailed_code(client):
    user = UserFactory(email=LOGIN["login"], must_change_password=True)
    answer = client.post(reverse("account_reset_password"), {"email": user.email})
    answer = client.post(answer.headers["Location"], {"code": mailed_code().lower()})
    complete = answer.headers["Location"]
    assert complete == reverse("account_complete_password_reset")
    assert user.email in text_of(client.get(complete))
    new = "blue window forest"
    answer = client.post(complete, {"password1": new, "password2": new}, follow=True)
    assert "Sign in with it" in text_of(answer)
    assert "_auth_user_id" not in client.session
    user.refresh_from_db()
    assert user.check_password(new)
    assert not user.must_change_password


def test_an_unknown_address_gets_the_same_page(client):
    StrangerFactory(email=LOGIN["login"])
    pages = []
    for email in (LOGIN["login"], "nobody@example.org"):
        answer = client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        pages.append(
            re.sub(r"[0-9a-f]{16}|value=\"\w{64}\"", "", text_of(answer).replace(email, ""))
        )
        client.session.flush()
    assert pages[0] == pages[1]
    assert "no MediScan account" in mail.outbox[-1].body


# --- addresses


def test_an_address_is_added_after_the_password_and_a_code(client):
    user = UserFactory(email=LOGIN["login"])
    client.force_login(user)
    answer = client.post(reverse("account_email"), {"action_add": "", "email": "two@example.org"})
    asked = answer.headers["Location"]
    assert asked.startswith(reverse("account_reauthenticate"))
    answer = client.post(asked, {"password": PASSWORD})
    client.post(answer.headers["Location"], {"code": mailed_code()})
    assert user.emailaddress_set.get(email="two@example.org").verified
    page = text_of(client.get(reverse("account_email")))
    assert "two@example.org" in page
    assert "Make primary" in page


# --- the services behind


def test_registering_twice_changes_nothing():
    user = StrangerFactory()
    first = person_register(user=user)
    assert person_register(user=user) == first
    assert Organisation.objects.filter(memberships__user=user).distinct().count() == 1
    assert {one.role for one in user.memberships.all()} == {RADIOLOGIST, ADMINISTRATOR}


def test_a_founder_opens_the_people_page_of_their_own_house(client):
    user = StrangerFactory()
    house = person_register(user=user).organisation
    client.force_login(user)
    assert house.name in text_of(client.get(reverse("people:first")))
    roles = AuditEvent.objects.filter(action="membership.create", organisation=house)
    assert roles.count() == 2


def test_an_invited_person_gets_no_organisation_of_their_own():
    user = UserFactory()
    assert person_register(user=user).organisation == user.memberships.get().organisation


def test_a_role_is_given_once():
    user, organisation = StrangerFactory(), organisation_create(name="North")
    member_add(user=user, organisation=organisation, role=RADIOLOGIST)
    member_add(user=user, organisation=organisation, role=RADIOLOGIST)
    assert Membership.objects.filter(user=user).count() == 1
    assert AuditEvent.objects.filter(action="membership.create").count() == 1
