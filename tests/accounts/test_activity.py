"""Was this you? And the notices that a person reads in the app."""

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from accounts.services.notices import notice_send
from accounts.services.signins import signin_refuse, signin_start
from tests.accounts.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
ACTIVITY, NOTICES = reverse("trail:activity"), reverse("trail:notices")


def test_sign_ins_are_listed_with_device_address_and_outcome(client):
    user = UserFactory()
    for password in ("wrong", PASSWORD):
        form = {"login": user.email, "password": password}
        client.post(reverse("account_login"), form, headers={"user-agent": FIREFOX})
    text = client.get(ACTIVITY).content.decode()
    assert "Sign-in refused" in text
    assert "Firefox on Linux" in text
    assert "127.0.0.1" in text
    assert "this session" in text
    assert "This was not me" not in text  # not of the session that asks


def test_nobody_elses_sign_ins_are_listed(client):
    other = UserFactory()
    event = signin_start(user=other, device="Opera on iPad", is_known=True)
    client.force_login(UserFactory())
    assert "Opera on iPad" not in client.get(ACTIVITY).content.decode()
    assert client.post(reverse("trail:disown", args=[event.pk])).status_code == 404


def test_a_disowned_sign_in_is_written_down_and_the_way_out_shown(client):
    user = UserFactory()
    event = signin_start(user=user, device="Opera on iPad", is_known=True)
    client.force_login(user)
    assert "This was not me" in client.get(ACTIVITY).content.decode()
    text = client.post(reverse("trail:disown", args=[event.pk])).content.decode()
    assert reverse("account_change_password") in text
    doubt = AuditEvent.objects.get(action="login.doubt")
    assert (doubt.actor, doubt.reason) == (user, f"auditevent:{event.pk}")


def test_the_anonymous_are_sent_to_sign_in(client):
    for address in (ACTIVITY, NOTICES):
        assert client.get(address).url.startswith(reverse("account_login"))


# --- notices


def test_a_notice_is_counted_shown_and_marked_as_read(client):
    user = UserFactory()
    notice_send(to=user, kind="factor_removed", facts={"factor": "authenticator app"})
    client.force_login(user)
    assert "1 unread notice" in client.get(reverse("analytics:dashboard")).content.decode()
    text = client.get(NOTICES).content.decode()
    assert "A second factor was removed" in text
    assert "authenticator app" in text
    text = client.post(reverse("trail:notices-read"), follow=True).content.decode()
    assert "unread" not in text


def test_ones_own_notices_only(client):
    notice_send(to=UserFactory(), kind="token_reuse")
    client.force_login(UserFactory())
    assert "Nothing to tell" in client.get(NOTICES).content.decode()


def test_the_bell_costs_one_query(client, django_assert_max_num_queries):
    user = UserFactory()
    client.force_login(user)
    client.get(NOTICES)
    for _ in range(20):
        notice_send(to=user, kind="token_reuse")
    with django_assert_max_num_queries(8):
        client.get(NOTICES)


# --- who is told of a sign-in


def kinds_of(user):
    return sorted(user.notices.values_list("kind", flat=True))


def test_the_first_sign_in_and_a_known_device_tell_nothing():
    user = UserFactory()
    signin_start(user=user, device="Firefox on Linux", is_known=False)
    signin_start(user=user, device="Safari on iPhone", is_known=True)
    assert kinds_of(user) == []


def test_a_new_device_is_told_once():
    user = UserFactory()
    signin_start(user=user, device="Firefox on Linux", is_known=False)
    for _ in range(2):
        signin_start(user=user, device="Safari on iPhone", is_known=False)
    assert kinds_of(user) == ["new_device"]
    assert AuditEvent.objects.filter(action="device.new").count() == 1


@pytest.mark.parametrize(("failures", "told"), [(4, []), (5, ["success_after_failures"])])
def test_a_success_after_five_failures_is_told(failures, told):
    user = UserFactory()
    signin_start(user=user, device="Firefox on Linux", is_known=True)
    for _ in range(failures):
        signin_refuse(email=user.email, device="curl")
    signin_start(user=user, device="Firefox on Linux", is_known=True)
    signin_start(user=user, device="Firefox on Linux", is_known=True)
    assert kinds_of(user) == told


def test_a_failure_for_an_unknown_address_names_nobody():
    signin_refuse(email="nobody@example.org", device="curl")
    event = AuditEvent.objects.get(action="session.refuse")
    assert (event.target, event.reason) == ("", "curl")
