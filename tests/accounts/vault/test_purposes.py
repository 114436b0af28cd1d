"""Purposes and sessions: sealed and signed for one purpose, worthless for another."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core import signing

from accounts.vault.cipher import DamagedField
from accounts.vault.keys import KeyUnknown
from accounts.vault.purposes import purpose_seal, purpose_sign, purpose_unseal, purpose_verify
from accounts.vault.sessions import SealedJSON

pytestmark = pytest.mark.django_db


class AsItIs:
    def loads(self, data: bytes) -> bytes:
        return data


def test_what_a_purpose_sealed_it_opens():
    sealed = purpose_seal("mfa", "JBSWY3DP")
    assert "JBSWY3DP" not in sealed
    assert purpose_unseal("mfa", sealed) == "JBSWY3DP"


@pytest.mark.parametrize(("purpose", "context"), [("sessions", "user 1"), ("mfa", "user 2")])
def test_another_purpose_or_context_does_not_open(purpose, context):
    sealed = purpose_seal("mfa", "JBSWY3DP", "user 1")
    with pytest.raises(DamagedField):
        purpose_unseal(purpose, sealed, context)


def test_a_signature_is_of_one_message_purpose_and_key():
    kid, mac = purpose_sign("audit", b"row")
    assert len(mac) == 32
    assert purpose_verify("audit", b"row", kid, mac)
    assert not purpose_verify("audit", b"raw", kid, mac)
    assert not purpose_verify("links", b"row", kid, mac)
    assert not purpose_verify("audit", b"row", purpose_sign("jwt", b"row")[0], mac)
    with pytest.raises(KeyUnknown):
        purpose_verify("audit", b"row", uuid4(), mac)


def test_a_session_is_ciphertext_in_its_row():
    session = SessionStore()
    session["code"] = "canary-7421"
    session["nested"] = {"list": [1, None, "é"]}
    session.save()
    row = Session.objects.get(pk=session.session_key)
    sealed = signing.loads(row.session_data, salt=session.key_salt, serializer=AsItIs)
    assert sealed.startswith(b"v1.")
    assert b"canary" not in sealed
    again = SessionStore(session.session_key)
    assert again["code"] == "canary-7421"
    assert again["nested"] == {"list": [1, None, "é"]}


def test_the_serializer_hides_the_content():
    sealed = SealedJSON().dumps({"code": "canary-7421"})
    assert b"canary" not in sealed
    assert SealedJSON().loads(sealed) == {"code": "canary-7421"}


def test_a_foreign_session_is_an_empty_one():
    session = SessionStore()
    session["code"] = "x"
    session.save()
    forged = signing.dumps({"code": "x"}, salt=session.key_salt, compress=True)
    Session.objects.update(session_data=forged)
    assert dict(SessionStore(session.session_key).items()) == {}
