"""A person lost every factor: an operator takes them away, and they enrol again."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.services.notices import notice_send
from accounts.services.revocation import auth_version_raise


@transaction.atomic
def factors_remove(*, user: User, by: User) -> int:
    """Delete the factors and recovery codes of `user`, end their sessions, tell them.

    Returns how many there were; called again, nothing happens.
    """
    count, _ = Authenticator.objects.filter(user=user).delete()
    if count:
        audit.record(by, "factor.remove", user, reason="all, by an operator")
        auth_version_raise(user=user)
        notice_send(to=user, kind="factor_removed", facts={"factor": "all of them"})
    return count
