"""Who somebody is here: their organisations, their roles."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from accounts.models import (
    ApiKey,
    AttemptCounter,
    Membership,
    Organisation,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.roles import DEPARTMENT, ORGANISATION, may, roles_for, scope_of


@dataclass(frozen=True, slots=True)
class Standing:
    """One current membership, as short as the guards need it."""

    organisation_id: uuid.UUID
    department_id: uuid.UUID | None
    role: str
    reads_first: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """One way in: which part of one organisation a person reaches for an action.

    `scope` is that of the table; DEPARTMENT with no department, as a membership
    of the whole organisation has it, has become ORGANISATION.
    """

    organisation_id: uuid.UUID
    scope: str
    department_id: uuid.UUID | None = None
    hours: int | None = None


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


def standings_of(user) -> list[Standing]:
    """Return the current memberships of `user`, read once per request object."""
    if not user.is_authenticated:
        return []
    if not hasattr(user, "_standings"):
        rows = Membership.objects.current().filter(user=user).order_by("created_at")
        user._standings = [
            Standing(*row)
            for row in rows.values_list(
                "organisation_id", "department_id", "role", "organisation__read_first"
            )
        ]
    return user._standings


def stand_in(user, organisation_id: uuid.UUID, department_id: uuid.UUID | None) -> None:
    """Let this `user` object stand in one place alone, with the rights that they have there.

    A membership of the whole organisation is narrowed to the department, if one is named.
    """
    user._standings = [
        replace(one, department_id=department_id or one.department_id)
        for one in standings_of(user)
        if one.organisation_id == organisation_id
        and (department_id is None or one.department_id in (None, department_id))
    ]


def roles_of(user) -> set[str]:
    """Return the current roles of `user`, wherever they were given."""
    return {standing.role for standing in standings_of(user)}


def roles_at(user, organisation_id: uuid.UUID) -> set[str]:
    """Return the current roles of `user` in one organisation."""
    return {one.role for one in standings_of(user) if one.organisation_id == organisation_id}


def grants_of(user, action: str) -> list[Grant]:
    """Return every way in that the memberships of `user` open for `action`."""
    grants = []
    for standing in standings_of(user):
        cell = scope_of(standing.role, action)
        if cell is None:
            continue
        is_whole = cell.scope == ORGANISATION or (
            cell.scope == DEPARTMENT and standing.department_id is None
        )
        scope = ORGANISATION if is_whole else cell.scope
        part = standing.department_id if scope == DEPARTMENT else None
        grants.append(Grant(standing.organisation_id, scope, part, cell.hours))
    return list(dict.fromkeys(grants))


def reads_first_at(user) -> set[uuid.UUID]:
    """Return the organisations where `user` decides on results and reads the picture first."""
    return {
        one.organisation_id
        for one in standings_of(user)
        if (one.reads_first or user.read_first) and may([one.role], "review.save")
    }


def may_at(user, action: str, organisation_id: uuid.UUID) -> bool:
    """Say whether a role of `user` in that organisation may do `action`."""
    return may(roles_at(user, organisation_id), action)


def user_may(user, action: str) -> bool:
    """Say whether a role of `user` may do `action`; of an API key's, only within its scopes."""
    scopes = getattr(user, "scopes", None)
    if scopes is not None and action not in scopes:
        return False
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


def api_keys_visible_to(user):
    """Return the API keys of the organisations that `user` administers, newest first."""
    places = organisations_of(user, "apikey.manage")
    keys = ApiKey.objects.filter(account__organisation__in=places)
    return keys.select_related("account__organisation")


def webhooks_visible_to(user):
    """Return the endpoints of the organisations that `user` administers, newest first."""
    places = organisations_of(user, "webhook.manage")
    rows = WebhookEndpoint.objects.filter(organisation__in=places, removed_at=None)
    return rows.select_related("organisation", "created_by")


def webhook_deliveries_visible_to(user):
    """Return the messages of those endpoints, newest first."""
    rows = WebhookDelivery.objects.filter(endpoint__in=webhooks_visible_to(user).values("pk"))
    return rows.select_related("endpoint__organisation")


def people_visible_to(user, action: str):
    """Return the people of the organisations where `user` may do `action`."""
    people = Membership.objects.current().of_people()
    members = people.filter(organisation__in=organisations_of(user, action))
    return User.objects.filter(pk__in=members.values("user"))


def locks_visible_to(user, *, at):
    """Return the waits that run at `at`, of people whose locks `user` may see, longest first."""
    people = people_visible_to(user, "lock.view")
    held = AttemptCounter.objects.filter(held_until__gt=at, user__in=people)
    return held.select_related("user").order_by("-held_until", "key")
