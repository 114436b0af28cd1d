"""What somebody may do has changed: no session and no token from before is believed any more."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest

from accounts.models import User
from accounts.services.sessions import session_renew, sessions_end


@transaction.atomic
def auth_version_raise(*, user: User, request: HttpRequest | None = None) -> int:
    """Raise the version of `user`'s rights and return it: their next request has to sign in again.

    For a disabled account and for every change of role, password, e-mail or factor. With
    the `request` in which the person made the change, that one session lives on under a
    new id. Called again, it ends what began in between.
    """
    User.objects.filter(pk=user.pk).update(auth_version=F("auth_version") + 1)
    user.refresh_from_db(fields=["auth_version"])
    is_own = request is not None and getattr(request.user, "pk", None) == user.pk
    if is_own:
        request.user.auth_version = user.auth_version
        sessions_end(user=user, keep=request.session.session_key)
        session_renew(request=request, user=user)
    else:
        sessions_end(user=user)
    return user.auth_version
