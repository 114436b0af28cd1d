"""Who may call a view of the API: nobody, until the view says who."""

from __future__ import annotations

from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request

__all__ = ["Nobody", "SignedIn"]


class Nobody(BasePermission):
    """The default: a view that declares nothing answers nobody."""

    def has_permission(self, request: Request, view) -> bool:
        return False


class SignedIn(IsAuthenticated):
    """Whoever has shown who they are."""
