"""S20: what happens to an account is told to its owner, in the app and by mail."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse

from accounts.models import Notice
from accounts.notices import KINDS
from accounts.services.notices import notice_send_to_role
from accounts.throttle import attempts_forgive
from tests.accounts.factories import PASSWORD, UserFactory
from tests.imaging.factories import PatientFactory

pytestmark = pytest.mark.django_db
LOGIN = reverse("account_login")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605 Safari/604.1"


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def sign_in(client, user, password=PASSWORD, agent=FIREFOX):
    form = {"login": user.email, "password": password}
    return client.post(LOGIN, form, headers={"user-agent": agent})


def told(user, mailoutbox):
    """The kinds in the app; each must have come by mail too, to the owner alone."""
    notices = list(Notice.objects.filter(to=user).order_by("at"))
    mails = {mail.subject: mail for mail in mailoutbox}
    for notice in notices:
        mail = mails[f"MediScan: {notice.title}"]
        assert mail.to == [user.email]
        assert notice.words in mail.body
    return [notice.kind for notice in notices]


def test_a_new_device(client, user, mailoutbox, committed):
    with committed():
        sign_in(client, user)
        client.logout()
        sign_in(client, user)
    assert told(user, mailoutbox) == []
    client.cookies.clear()
    with committed():
        sign_in(client, user, agent=IPHONE)
    assert told(user, mailoutbox) == ["new_device"]
    assert "Safari on iPhone" in Notice.objects.get(to=user).words


def test_a_success_after_five_failures(client, user, mailoutbox, committed, settings):
    with committed():
        sign_in(client, user)
        client.logout()
        for _ in range(5):
            sign_in(client, user, password="wrong")
    attempts_forgive(user)  # the wait is over
    with committed():
        sign_in(client, user)
    assert "success_after_failures" in told(user, mailoutbox)


def test_a_factor_taken_off(verified_client, user, mailoutbox, committed):
    client = verified_client(user)
    totp = Authenticator.objects.get(user=user, type="totp")
    with committed():
        response = client.post(reverse("mfa_deactivate_totp"))
    assert response.status_code == 302
    assert not Authenticator.objects.filter(pk=totp.pk).exists()
    assert "factor_removed" in told(user, mailoutbox)


def test_a_changed_password(client, user, mailoutbox, committed):
    with committed():
        sign_in(client, user)
        new = "three quiet herons at dusk"
        form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        client.post(reverse("account_change_password"), form)
    assert "credential_changed" in told(user, mailoutbox)


def test_broken_glass_reaches_the_auditors_of_that_organisation(user, mailoutbox, committed):
    organisation = user.memberships.get().organisation
    auditor, stranger = UserFactory(organisation=organisation, role="auditor"), UserFactory()
    with committed():
        notice_send_to_role(role="auditor", kind="break_glass", organisation=organisation)
    assert told(auditor, mailoutbox) == ["break_glass"]
    assert told(stranger, mailoutbox) == []


def test_no_notice_can_name_a_patient():
    """A sentence holds declared facts only, and none of them is a person's."""
    patient = PatientFactory(name="Canary^Patient")
    facts = {fact for kind in KINDS.values() for fact in kind.facts}
    assert not facts & {"patient", "name", "study", "title", "reason", "record", "file", "email"}
    assert patient.name == "Canary^Patient"
