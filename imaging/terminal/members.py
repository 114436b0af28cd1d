"""`NAME[@VERSION][=WEIGHT][:DEVICE]`: one member of an ensemble, as it is typed."""

from __future__ import annotations

import re

from imaging.inference.spec import MemberSpec

MEMBER_HELP = "NAME[@VERSION][=WEIGHT][:DEVICE]"
_MEMBER = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9._-]{0,63})"
    r"(@(?P<version>[0-9A-Za-z.+-]+))?"
    r"(=(?P<weight>[0-9.eE+-]+))?"
    r"(:(?P<device>[a-z]+(:[0-9]+)?))?"
)


def member_from_text(text: str) -> MemberSpec:
    """Return the member that `text` names; weight 1 and device "auto" unless it says so.

    Raises: ValueError with a sentence. Whether name, version and device exist is not looked up.
    """
    found = _MEMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"“{text}” is not of the form {MEMBER_HELP}.")
    return MemberSpec(
        model=found["name"],
        version=found["version"] or "",
        weight=_weight(found["weight"], text),
        device=found["device"] or "auto",
    )


def _weight(text: str | None, member: str) -> float:
    if text is None:
        return 1.0
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"“{member}”: the weight “{text}” is not a number.") from None
