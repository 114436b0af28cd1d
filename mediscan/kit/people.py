"""Who signs in with what, and what the trail holds of it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

from allauth.mfa.adapter import get_adapter
from django import forms

from accounts.audit.page import Line
from mediscan.kit.made_up import AT, DIGEST, ID, READER

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # of nobody
ADDRESS = "reader@example.org"


class CodeForm(forms.Form):
    """The field of allauth's own form for an authenticator app, and the seed that it shows."""

    secret = SEED
    code = forms.CharField(label="Code", help_text="Six digits, as the app shows them now.")


def shown() -> dict:
    uri = f"otpauth://totp/MediScan:{ADDRESS}?secret={SEED}&issuer=MediScan"
    return {
        "enrolments": {
            "empty": CodeForm(auto_id="enrol_%s"),
            "refused": CodeForm({"code": ""}, auto_id="enrol_refused_%s"),
        },
        "totp_svg": get_adapter().build_totp_svg(uri),
        "member": SimpleNamespace(email=ADDRESS),
        "codes": [f"{1034:04}{at * 1713 % 10_000:04}" for at in range(1, 11)],
        "trail": list(_trail()),
        "links": list(_links()),
    }  # fmt: skip


def _trail() -> Iterator[Line]:
    """A row that is done, refused, failed, of the system, and one whose object is not shown."""
    rows = (
        (READER, "radiologist", "result.view", "Opened a result", "ok", "", True),
        (READER, "radiologist", "review.sign", "Signed a decision", "refused", "wrong code", True),
        (None, "", "job.fail", "An analysis failed", "failed", "out of memory", True),
        (READER, "administrator", "auth.login", "Signed in", "ok", "", False),
    )
    for actor, role, action, words, outcome, reason, is_full in rows:
        yield Line(SimpleNamespace(
            at=AT, actor=actor, role=role, action=action, words=words, outcome=outcome,
            reason=reason, target=f"result:{ID}", patient=ID, ip="192.0.2.7",
            request_id="4f1c9ab07de2",
        ), is_full)  # fmt: skip


def _links() -> Iterator[SimpleNamespace]:
    """A link of the chain that is whole, one that was changed, one whose row is gone."""
    event = SimpleNamespace(at=AT, action="result.view", words="Opened a result")
    for seq, damage, row in (
        (1041, "", event),
        (1042, "the row was edited or forged", event),
        (1043, "the row was deleted", None),
    ):
        yield SimpleNamespace(seq=seq, damage=damage, event=row, hash=DIGEST)
