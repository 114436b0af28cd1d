"""What a signature covers: the whole content of a review and of the result it is about."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC

from accounts.vault.cipher import VaultError
from accounts.vault.purposes import purpose_sign, purpose_verify
from imaging.models import Review
from imaging.services.seals import result_changes

PURPOSE = "reviews"


def signature_of(review: Review) -> tuple[str, object, str]:
    """Return (sha256 of the content, key id, MAC) for a review whose signer is filled in."""
    content = _content(review)
    kid, mac = purpose_sign(PURPOSE, content)
    return hashlib.sha256(content).hexdigest(), kid, mac.hex()


def signature_holds(review: Review) -> bool:
    """Say whether a signed review, and the result below it, are as they were when it was signed."""
    try:
        content, mac = _content(review), bytes.fromhex(review.mac)
        genuine = purpose_verify(PURPOSE, content, review.kid, mac)
    except (ValueError, VaultError):
        return False
    same = hashlib.sha256(content).hexdigest() == review.digest
    return genuine and same and not result_changes(review.result)


def _content(review: Review) -> bytes:
    """Everything that the signer saw, in one canonical text."""
    parts = [
        "review signature v1",
        *(str(one) for one in (review.pk, review.organisation_id, review.patient_id)),
        str(review.result_id), review.result.seal.mac, review.number, str(review.author_id),
        review.decision, review.reason, review.comment, review.amendment,
        None if review.threshold is None else repr(float(review.threshold)), review.level,
        _plain(review.row), _plain(review.lesions), review.mask.sha256 if review.mask else None,
        str(review.signed_by_id), review.meaning,
        review.signed_at.astimezone(UTC).isoformat(),
    ]  # fmt: skip
    if review.removed:  # what was signed before there was such a thing keeps its signature
        parts.append(["without", *review.removed])
    return json.dumps(parts, separators=(",", ":"), sort_keys=True).encode()


def _plain(value):
    """Numbers as texts: one database gives 1 back for 1.0, another does not."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return repr(float(value) + 0.0)
