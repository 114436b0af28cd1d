"""A notice reaches its person in the app and by mail, and names nobody."""

import string

import pytest

from accounts.models import Notice
from accounts.notices import KINDS
from accounts.services.notices import notice_send, notice_send_to_role, notices_read
from tests.accounts.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db
FACTS = {"device": "Firefox on Linux", "ip": "192.0.2.1"}


def test_a_notice_is_a_row_and_a_mail(mailoutbox, django_capture_on_commit_callbacks):
    user = UserFactory()
    with django_capture_on_commit_callbacks(execute=True):
        notice = notice_send(to=user, kind="new_device", facts=FACTS)
        assert not mailoutbox  # nothing is told of what may yet be undone
    (mail,) = mailoutbox
    assert mail.to == [user.email]
    assert mail.subject == "MediScan: A sign-in from a new device"
    assert "Firefox on Linux. Address: 192.0.2.1" in mail.body
    assert Notice.objects.get(to=user).words == notice.words


def test_a_mail_server_that_is_away_leaves_the_notice(
    settings, caplog, django_capture_on_commit_callbacks
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    user = UserFactory()
    with django_capture_on_commit_callbacks(execute=True):
        notice_send(to=user, kind="token_reuse")
    assert user.notices.count() == 1
    assert "was not mailed" in caplog.text
    assert user.email not in caplog.text


@pytest.mark.parametrize("facts", [None, {"device": "x"}, {**FACTS, "patient": "y"}])
def test_facts_are_exactly_those_of_the_sentence(facts):
    with pytest.raises(ValueError, match="new_device takes the facts"):
        notice_send(to=UserFactory(), kind="new_device", facts=facts)


def test_an_undeclared_kind_is_refused():
    with pytest.raises(ValueError, match=r"accounts/notices\.py"):
        notice_send(to=UserFactory(), kind="gossip")


@pytest.mark.parametrize("name", KINDS)
def test_each_sentence_uses_the_facts_it_declares(name):
    kind = KINDS[name]
    used = {field for _, field, _, _ in string.Formatter().parse(kind.words) if field}
    assert used == set(kind.facts)
    assert len(name) <= 32


def test_a_role_is_told_in_its_own_organisation_only():
    auditor, other = UserFactory(role="auditor"), UserFactory(role="auditor")
    organisation = auditor.memberships.get().organisation
    MembershipFactory(user=auditor, organisation=organisation, role="researcher")
    sent = notice_send_to_role(role="auditor", kind="break_glass", organisation=organisation)
    assert [notice.to for notice in sent] == [auditor]
    sent = notice_send_to_role(
        role="auditor", kind="audit_gap", facts={"seq": 7, "damage": "edited"}
    )
    assert {notice.to for notice in sent} == {auditor, other}


def test_reading_is_said_once_and_only_of_ones_own():
    user, other = UserFactory(), UserFactory()
    notices = [notice_send(to=person, kind="token_reuse") for person in (user, other)]
    assert notices_read(to=user, notices=notices) == 1
    assert notices_read(to=user) == 0
    assert other.notices.filter(read_at=None).count() == 1
