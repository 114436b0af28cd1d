"""Setting up a second factor by API: a secret to scan, then its first code; stored only then."""

from __future__ import annotations

import json
import time
from base64 import b32decode, b32encode
from dataclasses import dataclass
from secrets import token_bytes, token_hex

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _
from django_otp.oath import TOTP

from accounts import audit
from accounts.api.problems import Problem
from accounts.models import User
from accounts.services.factors import has_factor
from accounts.services.notices import notice_send
from accounts.services.revocation import auth_version_raise
from accounts.vault.cipher import DamagedField
from accounts.vault.purposes import purpose_seal, purpose_unseal

PURPOSE, GOOD_FOR_S = "mfa", 600


@dataclass(frozen=True, slots=True)
class Offer:
    """What the authenticator app takes in, and what is to be sent back with its first code."""

    secret: str
    uri: str
    qr_svg: str
    setup: str


def factor_offer(user: User) -> Offer:
    """Make a secret for `user`. Nothing is stored: `setup` holds it sealed, for ten minutes."""
    _none_yet(user)
    secret = b32encode(token_bytes(20)).decode()
    uri = get_adapter().build_totp_url(user, secret)
    kept = json.dumps({"secret": secret, "until": time.time() + GOOD_FOR_S})
    setup = purpose_seal(PURPOSE, kept, f"setup:{user.pk}")
    return Offer(secret, uri, get_adapter().build_totp_svg(uri), setup)


@transaction.atomic
def factor_take(user: User, *, setup: str, code: str) -> list[str]:
    """Store the factor if `code` is what its app shows; return the recovery codes, this once."""
    User.objects.select_for_update().get(pk=user.pk)
    _none_yet(user)
    secret = _opened(user, setup)
    if not (code.isascii() and code.isdigit() and len(code) == 6):
        raise _wrong()
    totp = TOTP(b32decode(secret))
    totp.time = time.time()
    if not totp.verify(int(code), tolerance=1):
        raise _wrong()
    seal = get_adapter().encrypt
    app = Authenticator.objects.create(
        user=user, type=Authenticator.Type.TOTP, data={"secret": seal(secret)}
    )
    codes = Authenticator.objects.create(
        user=user,
        type=Authenticator.Type.RECOVERY_CODES,
        data={"seed": seal(token_hex(40)), "used_mask": 0},
    )
    audit.record(user, "factor.add", app, reason=app.type)
    notice_send(to=user, kind="factor_added", facts={"factor": app.get_type_display()})
    auth_version_raise(user=user)
    return codes.wrap().get_unused_codes()


def _none_yet(user: User) -> None:
    if has_factor(user):
        raise Problem(
            409, "factor_exists", _("There is a second factor already. Change it on the site.")
        )


def _opened(user: User, setup: str) -> str:
    try:
        kept = json.loads(purpose_unseal(PURPOSE, setup, f"setup:{user.pk}"))
    except (DamagedField, ValueError, LookupError):
        kept = {"until": 0}
    if kept["until"] < time.time():
        raise Problem(422, "setup_expired", _("This setup is over. Begin anew."))
    return kept["secret"]


def _wrong() -> Problem:
    return Problem(422, "otp_invalid", _("The code is not right. Wait for the next and send it."))
