"""Where a person may file new work: an organisation, or one of its departments."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Department, Organisation
from accounts.roles import DEPARTMENT
from accounts.selectors import grants_of


@dataclass(frozen=True, slots=True)
class Place:
    """One choice; without a department only members of the whole organisation see the work."""

    organisation: Organisation
    department: Department | None

    @property
    def key(self) -> str:
        return f"{self.organisation.pk}:{self.department.pk if self.department else ''}"

    def __str__(self) -> str:
        return (
            f"{self.organisation}: {self.department}" if self.department else str(self.organisation)
        )


def places_of(user, action: str) -> list[Place]:
    """Return the places of `user` in the order of joining; the first is where work goes unasked."""
    grants = grants_of(user, action)
    houses = Organisation.objects.select_related("plan").in_bulk(
        {grant.organisation_id for grant in grants}
    )
    departments = list(Department.objects.filter(organisation__in=houses))
    found: dict[str, Place] = {}
    for grant in grants:
        house = houses[grant.organisation_id]
        within = [one for one in departments if one.organisation_id == house.pk]
        if grant.scope == DEPARTMENT:
            chosen = [one for one in within if one.pk == grant.department_id]
        else:
            chosen = [None, *within]
        for one in chosen:
            place = Place(house, one)
            found.setdefault(place.key, place)
    return list(found.values())
