"""Check the keys of metadata.json that vouch for the model: card, hashes, severity rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from imaging.inference.fields import Fields, show
from imaging.measures.severity import Rule

CARD = ("intended_use", "training_data", "evaluation", "limitations", "licence", "authors")
SHA256 = re.compile(r"[0-9a-f]{64}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def severity_rule(fields: Fields, key: str = "severity") -> dict[str, Any] | None:
    """Take a severity rule (MEASURES §9), checked by the rule itself; null or absent: None."""
    rule = fields.take(key, None)
    if rule is None:
        return None
    if not isinstance(rule, Mapping):
        fields.fail(key, f"{show(rule)} is not an object.")
    try:
        return Rule.from_json(rule).to_json()
    except (ValueError, TypeError) as error:
        fields.fail(key, str(error))


def card_of(fields: Fields) -> dict[str, Any]:
    """Take `card`; each key is optional here and needed to activate (see card_missing)."""
    card = fields.checked("card", lambda v: isinstance(v, dict), "an object", {})
    inner = Fields(fields.owner, card, "card")
    for key in CARD:
        inner.take(key, None)
    inner.extras()
    inner.done()
    return dict(card)


def card_missing(card: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys a card still needs before its model may be activated."""
    return tuple(key for key in CARD if not card.get(key))


def sha256_table(fields: Fields) -> dict[str, str]:
    """Take `sha256`: file name to 64 hexadecimal digits."""
    table = fields.checked("sha256", lambda v: isinstance(v, dict), "an object", {})
    for name, digest in table.items():
        if not FILE_NAME.fullmatch(name):
            fields.fail("sha256", f"{show(name)} is not a plain file name.")
        if not isinstance(digest, str) or not SHA256.fullmatch(digest):
            fields.fail("sha256", f"{show(name)} has {show(digest)}, not 64 digits 0-9 a-f.")
    return dict(table)
