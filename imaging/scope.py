"""From a person's memberships to a condition on rows: the house, a department, the assigned."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils.timezone import now

from accounts.roles import ASSIGNED, DEPARTMENT, ORGANISATION, OWN, UNDER_GLASS
from accounts.selectors import Grant, grants_of, user_may
from imaging.models import GLASS_OPEN, Assignment, BreakGlass


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a table keeps what a scope is about; "" where it has no such thing.

    deleted_at  the mark of the study that the row is of: such a row is nobody's to see.
    """

    department: str
    patient: str
    own: str
    deleted_at: str
    uploaded_at: str = ""
    cohort: str = ""  # of a run: a researcher's is in nobody's clinical list

    @property
    def kept(self) -> Q:
        """The condition for rows of studies that are not deleted."""
        return Q(**{self.deleted_at: None}) if self.deleted_at else Q()


def whole_of(user, action: str) -> Q | None:
    """Return the condition for organisations that `user` reaches as a whole; None: no such."""
    whole = {
        one.organisation_id
        for one in grants_of(user, action)
        if one.scope == ORGANISATION and one.hours is None
    }
    return Q(organisation__in=whole) if whole else None


def parts_of(user, action: str, paths: Paths) -> Q | None:
    """Return the condition for what `user` reaches beside whole organisations; None: nothing.

    Whoever asks for the parts alone asks for `paths.kept` too.
    """
    grants = grants_of(user, action)
    whole = {g.organisation_id for g in grants if g.scope == ORGANISATION and g.hours is None}
    parts = [_part(user, grant, paths) for grant in grants if grant.organisation_id not in whole]
    if action in UNDER_GLASS and paths.patient:
        patients = [glass.patient_id for glass in glasses_open(user)]
        if patients:
            parts.append(Q(**{f"{paths.patient}__in": patients}))
    return _any([part for part in parts if part is not None])


def within(user, action: str, paths: Paths) -> Q:
    """Return the condition for every row that `user` may do `action` on."""
    found = [whole_of(user, action), parts_of(user, action, paths)]
    reached = _any([one for one in found if one is not None])
    if reached is None:
        return Q(pk__in=[])
    shown = reached & paths.kept
    return shown & Q(**{paths.cohort: None}) if paths.cohort else shown


def glasses_open(user) -> list[BreakGlass]:
    """Return the emergency accesses of `user` that are open now, read once per request object."""
    houses = glass_houses(user)
    if not houses:
        return []
    if not hasattr(user, "_glasses"):
        found = BreakGlass.objects.filter(
            user=user, organisation__in=houses, closed_at=None, opened_at__gt=now() - GLASS_OPEN
        )
        user._glasses = list(found.defer("reason", "comment"))
    return user._glasses


def no_glass(user) -> None:
    """Let this `user` object see nothing by an emergency access, which is for pages alone."""
    user._glasses = []


def glass_houses(user) -> set[uuid.UUID]:
    """Return the organisations where an emergency access would show `user` more than now."""
    grants = grants_of(user, "result.view")
    whole = {one.organisation_id for one in grants if one.scope == ORGANISATION}
    return {one.organisation_id for one in grants_of(user, "glass.break")} - whole


def may_see(user, action: str) -> bool:
    """Say whether `user` may open pages of `action`: by a role, or under an open glass."""
    return user_may(user, action) or (action in UNDER_GLASS and bool(glasses_open(user)))


def _part(user, grant: Grant, paths: Paths) -> Q | None:
    here = Q(organisation=grant.organisation_id)
    if grant.hours is not None:
        if not paths.uploaded_at:
            return None
        here &= Q(**{f"{paths.uploaded_at}__gt": now() - timedelta(hours=grant.hours)})
    if grant.scope == ORGANISATION:
        return here
    if grant.scope == DEPARTMENT:
        return here & Q(**{paths.department: grant.department_id})
    if grant.scope == ASSIGNED and paths.patient:
        mine = Assignment.objects.filter(user=user, organisation=grant.organisation_id)
        return here & Q(**{f"{paths.patient}__in": mine.values("patient")})
    if grant.scope in (ASSIGNED, OWN):
        return here & Q(**{paths.own: user})
    return None  # a cohort: nothing that names a person


def _any(conditions: list[Q]) -> Q | None:
    if not conditions:
        return None
    found = conditions[0]
    for one in conditions[1:]:
        found |= one
    return found
