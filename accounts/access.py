"""The guards that views wear."""

from __future__ import annotations

from functools import wraps

from django.core.exceptions import PermissionDenied

from accounts.roles import names_for
from accounts.selectors import user_may


def requires(action: str):
    """Let a view be used only by roles that may do `action`; 403 names those roles."""

    def decorate(view):
        @wraps(view)
        def guarded(request, *args, **kwargs):
            if not user_may(request.user, action):
                raise PermissionDenied(f"This needs the role {' or '.join(names_for(action))}.")
            return view(request, *args, **kwargs)

        guarded.required_action = action
        return guarded

    return decorate


def answers_data(view):
    """Mark a view that a page fetches: the anonymous get 401, not the login page."""
    view.answers_data = True
    return view
