"""Who may call a view of the API: nobody, until the view says who."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils.timezone import now
from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from accounts.access import refusal
from accounts.api.problems import Problem, password_change_required
from accounts.models import TokenFamily
from accounts.proof import is_fresh
from accounts.roles import names_for
from accounts.selectors import user_may
from accounts.services.factors import has_factor, is_verified


class Nobody(BasePermission):
    """The default: a view that declares nothing answers nobody."""

    def has_permission(self, request: Request, view) -> bool:
        return False


class SignedIn(IsAuthenticated):
    """Whoever has shown who they are; a page's session opens no more here than on the pages."""

    def has_permission(self, request: Request, view) -> bool:
        if not super().has_permission(request, view):
            return False
        if request.auth is None:
            _refuse_half_open(request)
        return True


def may(action: str) -> type[SignedIn]:
    """Return the permission for `action`: a role that may do it and, of a key, the scope."""
    names_for(action)  # an undeclared action fails at import, not at the first request

    class May(SignedIn):
        required_action = action

        def has_permission(self, request: Request, view) -> bool:
            if not super().has_permission(request, view):
                return False
            if not user_may(request.user, action):
                raise PermissionDenied(_why_not(request, action))
            return True

    return May


class Declared(SignedIn):
    """For a room: whoever may do what it declares for the method that is called."""

    def has_permission(self, request: Request, view) -> bool:
        if not super().has_permission(request, view):
            return False
        if not view.may(request.user, view.demand):
            raise PermissionDenied(_why_not(request, view.demand))
        return True


def demand_fresh(request: Request) -> None:
    """Refuse what takes a fresh proof: the sign-in of a page or of a token, five minutes old."""
    if isinstance(request.auth, TokenFamily):
        oldest = now() - timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
        shown = request.auth.second_factor or not has_factor(request.user)
        fresh = shown and request.auth.created_at > oldest
    else:
        fresh = request.auth is None and is_fresh(request._request)
    if not fresh:
        raise Problem(
            403,
            "step_up_required",
            _("This takes a sign-in that is at most five minutes old. Get new tokens."),
        )


def _why_not(request: Request, action: str) -> str:
    if action not in getattr(request.user, "scopes", (action,)):
        return _("This key lacks the scope %s.") % action
    return refusal(action)


def _refuse_half_open(request: Request) -> None:
    """Refuse a session that the pages would first send to a password change or a code."""
    if request.user.must_change_password:
        raise password_change_required()
    if settings.SECOND_FACTOR == "always" and not is_verified(request):
        raise Problem(403, "factor_required", _("Show your second factor on the site first."))
