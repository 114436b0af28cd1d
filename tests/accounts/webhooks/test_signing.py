"""What is signed is what the published library of Standard Webhooks accepts, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from accounts.webhooks.events import GAPS, JITTER, MOST_TRIES, wait_after
from accounts.webhooks.signing import body_of, message_id, secret_new, signed_headers

AT = datetime(2026, 11, 27, 8, 0, 0, 123_456, UTC)


def message(*keys: str, at: datetime | None = None) -> tuple[bytes, dict[str, str]]:
    body = body_of("job.succeeded", AT, {"job": str(uuid4())})
    at = at or datetime.now(UTC)
    return body, signed_headers(pk=uuid4(), at=at, body=body, keys=keys)


EXAMPLE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the standard's own documents


def test_the_secret_of_the_standards_example_signs_alike():
    body = b'{"test": 2432232314}'
    at = datetime.fromtimestamp(1_614_265_330, UTC)
    pk = uuid4()
    headers = signed_headers(pk=pk, at=at, body=body, keys=[EXAMPLE])
    theirs = Webhook(EXAMPLE).sign(message_id(pk), at, body.decode())
    assert headers["webhook-signature"] == theirs


def test_the_published_library_accepts_it():
    secret = secret_new()
    body, headers = message(secret)
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == "job.succeeded"
    assert told["timestamp"] == "2026-11-27T08:00:00.123Z"
    assert json.loads(body) == told


def test_while_rotating_both_secrets_open_it():
    new, former = secret_new(), secret_new()
    body, headers = message(new, former)
    assert headers["webhook-signature"].count("v1,") == 2
    for secret in (new, former):
        assert Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_new()).verify(body, headers)


def test_one_bit_of_the_body_is_enough_to_refuse_it():
    secret = secret_new()
    body, headers = message(secret)
    for place in range(len(body)):
        flipped = bytearray(body)
        flipped[place] ^= 1
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(bytes(flipped), headers)


def test_an_old_message_is_refused_by_its_time():
    secret = secret_new()
    body, headers = message(secret, at=datetime.now(UTC) - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


def test_eight_tries_within_a_day_with_growing_gaps():
    assert MOST_TRIES == 8
    assert list(GAPS) == sorted(GAPS)
    for chance in (0.0, 0.5, 1.0):
        waits = [wait_after(tries, chance) for tries in range(1, MOST_TRIES)]
        assert sum(waits, timedelta()) < timedelta(hours=24)
        assert waits == sorted(waits)
    assert wait_after(MOST_TRIES, 0.5) is None
    assert wait_after(1, 1.0) == GAPS[0] * (1 + JITTER)
