"""Who somebody is here: their organisations, their roles."""

from __future__ import annotations

from accounts.models import Membership, Organisation
from accounts.roles import may


def organisations_of(user):
    """Return the organisations that `user` belongs to now; none for the unknown."""
    if not user.is_authenticated:
        return Organisation.objects.none()
    return Organisation.objects.filter(
        pk__in=Membership.objects.current().filter(user=user).values("organisation")
    )


def roles_of(user) -> set[str]:
    """Return the current roles of `user`, read once per request object."""
    if not user.is_authenticated:
        return set()
    if not hasattr(user, "_current_roles"):
        user._current_roles = set(
            Membership.objects.current().filter(user=user).values_list("role", flat=True)
        )
    return user._current_roles


def user_may(user, action: str) -> bool:
    return may(roles_of(user), action)


def home_organisation(user) -> Organisation | None:
    """Return the organisation that new work of `user` belongs to: the first they joined."""
    membership = (
        Membership.objects.current()
        .filter(user=user)
        .select_related("organisation__plan")
        .order_by("created_at")
        .first()
    )
    return membership.organisation if membership else None
