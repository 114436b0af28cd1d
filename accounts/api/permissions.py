"""Who may call a view of the API: nobody, until the view says who."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

from accounts.access import refusal
from accounts.api.problems import Problem, password_change_required
from accounts.models import ApiKey
from accounts.roles import names_for
from accounts.selectors import user_may
from accounts.services.factors import is_verified


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


def _why_not(request: Request, action: str) -> str:
    if isinstance(request.auth, ApiKey) and action not in request.auth.scopes:
        return _("This key lacks the scope %s.") % action
    return refusal(action)


def _refuse_half_open(request: Request) -> None:
    """Refuse a session that the pages would first send to a password change or a code."""
    if request.user.must_change_password:
        raise password_change_required()
    if settings.SECOND_FACTOR == "always" and not is_verified(request):
        raise Problem(403, "factor_required", _("Show your second factor on the site first."))
