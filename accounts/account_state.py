"""What a person should know of their own account at a glance: each thing in a word."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts.models import User
from accounts.selectors import api_keys_visible_to, organisations_of, user_may
from accounts.selectors_sessions import programs_of, sessions_of

FEW_CODES = 4  # fewer than this: time to make new ones


@dataclass(frozen=True, slots=True)
class AccountState:
    """The state of one's own account; `codes` None: none were made; `api_keys` None: not one's."""

    is_email_verified: bool
    further_emails: int
    has_app: bool
    security_keys: int
    codes: int | None
    sessions: int
    programs: int
    api_keys: int | None
    reads_first: bool
    is_reader: bool

    @property
    def has_factor(self) -> bool:
        return self.has_app or self.security_keys > 0

    @property
    def has_few_codes(self) -> bool:
        return self.codes is not None and self.codes < FEW_CODES


def account_state(user: User, *, session: str | None) -> AccountState:
    """Look up all that the page of one's own account says; `session` is the key of this one."""
    verified = dict(EmailAddress.objects.filter(user=user).values_list("email", "verified"))
    factors = list(Authenticator.objects.filter(user=user))
    kinds = [one.type for one in factors]
    codes = next((one for one in factors if one.type == Authenticator.Type.RECOVERY_CODES), None)
    keys = api_keys_visible_to(user) if user_may(user, "apikey.manage") else None
    houses = list(organisations_of(user, "review.save").values_list("read_first", flat=True))
    return AccountState(
        is_email_verified=verified.get(user.email, False),
        further_emails=len(verified.keys() - {user.email}),
        has_app=Authenticator.Type.TOTP in kinds,
        security_keys=kinds.count(Authenticator.Type.WEBAUTHN),
        codes=None if codes is None else len(codes.wrap().get_unused_codes()),
        sessions=len(sessions_of(user, current=session)),
        programs=programs_of(user).count(),
        api_keys=None if keys is None else keys.live().count(),
        reads_first=user.read_first or any(houses),
        is_reader=bool(houses),
    )
