"""S42: fifty payloads in every text that a letter repeats: it stays one plain text, by us alone."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
from django.core import mail
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import Organisation
from accounts.roles import ADMINISTRATOR, CLINICIAN
from accounts.services.invitations import invitation_send
from accounts.services.memberships import membership_grant
from accounts.services.notices import notice_send
from tests.accounts.factories import OrganisationFactory, StrangerFactory, UserFactory

pytestmark = pytest.mark.django_db
LIST = Path(__file__).parents[1] / "browser" / "payloads.txt"
PAYLOADS = LIST.read_text(encoding="utf-8").splitlines()
BREAKS = ("a\r\nBcc: eve@example.org", "b\nSubject: forged", "c\rTo: eve@example.org",
          "d\u2028Bcc: eve@example.org", "e\x0bX: y")  # fmt: skip


@pytest.fixture
def letters(django_capture_on_commit_callbacks):
    """Return what sends every letter of the house with one text in all that others may set."""

    def send(text: str) -> list:
        mail.outbox.clear()
        house = OrganisationFactory(name=text[:200])
        administrator = UserFactory(organisation=house, role=ADMINISTRATOR, name=text[:200])
        person = StrangerFactory(name=text[:200])
        with django_capture_on_commit_callbacks(execute=True):
            invitation_send(
                by=administrator, organisation=house, email="new@example.org", role=CLINICIAN,
                department=None, until=now() + timedelta(days=9),
            )  # fmt: skip
            membership_grant(by=administrator, user=person, organisation=house, role=CLINICIAN)
            notice_send(to=person, kind="new_device", facts={"device": text, "ip": text})
        return list(mail.outbox)

    return send


@pytest.mark.parametrize("text", [*PAYLOADS, *BREAKS])
def test_a_letter_is_plain_text_to_one_person_with_our_headers(letters, text):
    sent = letters(text)
    assert len(sent) == 3
    for one in sent:
        parsed = message_from_bytes(one.message().as_bytes())
        assert parsed.get_content_type() == "text/plain"
        assert not parsed.is_multipart()
        assert not getattr(one, "alternatives", [])
        assert (len(one.to), one.cc, one.bcc) == (1, [], [])
        assert set(parsed.keys()) == {
            "Content-Type", "MIME-Version", "Content-Transfer-Encoding", "Subject", "From", "To",
            "Date", "Message-ID",
        }  # fmt: skip
        assert "eve@example.org" not in str(parsed["To"])
        assert "forged" not in str(parsed["Subject"])
        assert "\n" not in one.subject
    shown = "".join(one.body for one in sent)
    assert "".join(text[:60].split()) in "".join(shown.split()), "it is there, as text"


def test_a_forgotten_password_repeats_nothing_that_was_typed(client):
    user = UserFactory(name=PAYLOADS[0])
    Organisation.objects.update(name=PAYLOADS[1])
    client.post(reverse("account_reset_password"), {"email": user.email})
    client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    assert mail.outbox
    for one in mail.outbox:
        assert message_from_bytes(one.message().as_bytes()).get_content_type() == "text/plain"
        assert "<script" not in one.message().as_string()
