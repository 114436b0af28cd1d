"""Who somebody is here: their organisations, their roles."""

from __future__ import annotations

from accounts.models import Membership, Organisation
from accounts.roles import may, roles_for


def organisations_of(user, action: str = ""):
    """Return the organisations that `user` belongs to now; none for the unknown.

    With an `action`: only those where one of their roles may do it. A radiologist
    of one hospital who is auditor of another sees no patient there.
    """
    if not user.is_authenticated:
        return Organisation.objects.none()
    memberships = Membership.objects.current().filter(user=user)
    if action:
        memberships = memberships.filter(role__in=roles_for(action))
    return Organisation.objects.filter(pk__in=memberships.values("organisation"))


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


def home_organisation(user, action: str = "") -> Organisation | None:
    """Return the organisation that new work of `user` belongs to: the first they joined.

    With an `action`: the first where they may do it.
    """
    memberships = Membership.objects.current().filter(user=user)
    if action:
        memberships = memberships.filter(role__in=roles_for(action))
    membership = memberships.select_related("organisation__plan").order_by("created_at").first()
    return membership.organisation if membership else None


def memberships_by_organisation(user) -> list[dict]:
    """Return the organisations of `user` now, each with its plan and their roles in it."""
    rows = Membership.objects.current().filter(user=user)
    found: dict = {}
    for row in rows.select_related("organisation__plan", "department").order_by("created_at"):
        place = row.organisation
        entry = found.setdefault(
            place.pk, {"id": place.pk, "name": place.name, "plan": place.plan, "roles": []}
        )
        department = row.department.name if row.department else None
        entry["roles"].append({"role": row.role, "department": department, "until": row.until})
    return list(found.values())
