"""PURE: secrets and signatures as Standard Webhooks writes them (standardwebhooks.com, v1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

PREFIX = "whsec_"
SECRET_BYTES = 32


def secret_new() -> str:
    """Return a fresh secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def body_of(event: str, at: datetime, data: Mapping[str, str]) -> bytes:
    """Return the message as it is sent, the same bytes at each try."""
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"type": event, "timestamp": moment, "data": dict(data)}
    return json.dumps(body, separators=(",", ":"), sort_keys=True).encode()


def message_id(pk: UUID) -> str:
    """Return the webhook-id: the same however often the message is sent."""
    return f"msg_{pk.hex}"


def signed_headers(*, pk: UUID, at: datetime, body: bytes, keys: Sequence[str]) -> dict[str, str]:
    """Return the three headers; one signature for each of `keys`, which begin with `whsec_`."""
    moment = str(int(at.timestamp()))
    content = b".".join((message_id(pk).encode(), moment.encode(), body))
    return {
        "webhook-id": message_id(pk),
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{_signature(key, content)}" for key in keys),
    }


def _signature(key: str, content: bytes) -> str:
    raw = base64.b64decode(key.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(raw, content, hashlib.sha256)).decode()
