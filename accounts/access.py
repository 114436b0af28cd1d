"""The guards that views wear; each is a declaration that the matrix test reads."""

from __future__ import annotations

from functools import wraps

from allauth.core.exceptions import ReauthenticationRequired
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.proof import is_fresh
from accounts.roles import ROLES, names_for, needs_step_up
from accounts.selectors import roles_of, user_may

PUBLIC = "public"  # whoever comes
SIGNED_IN = "signed-in"  # whoever has an account: their own affairs


def requires(action: str, *, may=user_may):
    """Let a view be used only by roles that may do `action`; 403 names those roles.

    `may(user, action)` decides, for a room that knows more than the roles do.
    """
    names_for(action)  # an undeclared action fails at import, not at the first request

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not may(request.user, action):
                raise PermissionDenied(refusal(action))
            return view(request, *args, **kwargs)

        guarded.required_action = action
        return guarded

    return decorate


def refusal(action: str) -> str:
    """Name the roles that `action` needs."""
    names = [str(_(name)) for name in names_for(action)]
    if len(names) == len(ROLES):
        return _("This needs a role in an organisation.")
    return _("This needs the role %(roles)s.") % {"roles": f" {_('or')} ".join(names)}


def signed_in(view):
    """Declare that a view is for every account, whatever its role: it shows one's own affairs."""
    view.required_action = SIGNED_IN
    return view


def step_up(view):
    """Ask again who it is (password, and code if enrolled) unless that was within five minutes.

    allauth keeps a POST in the sealed session meanwhile and sends it on afterwards, so
    nothing that was typed is lost. Stands below `requires`: roles come first.
    """

    @wraps(view)
    def guarded(request, *args, **kwargs):
        if not is_fresh(request):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    guarded.needs_step_up = True
    return guarded


def step_up_to_send(view):
    """Ask again who it is only when the form is sent; the empty form shows and does nothing.

    For an emergency, where the reason is typed first and is not lost by the proof.
    """
    proved = step_up(view)

    @wraps(view)
    def guarded(request, *args, **kwargs):
        return (proved if request.method == "POST" else view)(request, *args, **kwargs)

    guarded.needs_step_up = True
    return guarded


def demand(request, action: str) -> None:
    """Ask within a view what only the form tells: the roles of `action`, then its fresh proof.

    Raises PermissionDenied naming the roles; ReauthenticationRequired, as `step_up` does.
    """
    if not user_may(request.user, action):
        raise PermissionDenied(refusal(action))
    if needs_step_up(action, roles_of(request.user)) and not is_fresh(request):
        raise ReauthenticationRequired


def answers_data(view):
    """Mark a view that a page fetches: the anonymous get 401, not the login page."""
    view.answers_data = True
    return view
