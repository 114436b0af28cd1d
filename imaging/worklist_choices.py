"""What the worklist's filters offer, and those that are set in words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Department, Membership, User
from accounts.roles import roles_for
from accounts.selectors import grants_of
from imaging.models import Ensemble, EnsembleState, Modality, SavedView, Severity
from imaging.worklist_filters import NOBODY, SINCE, STATES, Filters

Choices = dict[str, list[tuple[str, str]]]
NAMES = {
    "modality": gettext_lazy("Modality"), "severity": gettext_lazy("Severity"),
    "since": gettext_lazy("Uploaded"), "ensemble": gettext_lazy("Ensemble"),
    "department": gettext_lazy("Department"), "reader": gettext_lazy("Reader"),
    "state": gettext_lazy("State"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, in words, and the address without it."""

    label: str
    value: str
    query: str


def readers_of(houses: set[uuid.UUID]) -> QuerySet[User]:
    """Return the people of these organisations who may decide on a result."""
    members = Membership.objects.current().of_people().filter(
        organisation__in=houses, role__in=roles_for("review.save")
    )  # fmt: skip
    return User.objects.filter(pk__in=members.values("user"), is_active=True)


@dataclass(frozen=True, slots=True)
class Own:
    """A view that the reader named themselves."""

    pk: uuid.UUID
    name: str
    query: str


def choices_of(user) -> tuple[Choices, list[Own]]:
    """Return the departments, readers and ensembles to choose from, and one's own views.

    By one query: the page has few to spend.
    """
    grants = grants_of(user, "study.view")
    houses = {one.organisation_id for one in grants}
    departments = Department.objects.filter(organisation__in=houses)
    if grants and all(one.department_id for one in grants):
        departments = departments.filter(pk__in={one.department_id for one in grants})
    ensembles = Ensemble.objects.filter(Q(organisation=None) | Q(organisation__in=houses))
    ensembles = ensembles.filter(state__in=(EnsembleState.APPROVED, EnsembleState.REPLACED))
    rows = _named("department", departments, "name", "name").union(
        _named("reader", readers_of(houses), "name", "email"),
        _named("ensemble", ensembles, "title", "name"),
        _named("own", SavedView.objects.filter(user=user), "name", "name", more=F("query")),
        all=True,
    )
    found: Choices = {"department": [], "reader": [], "ensemble": []}
    own = []
    for kind, pk, label, more in rows:
        if kind == "own":
            own.append(Own(pk, label, more))
        else:
            found[kind].append((str(pk), label))
    for some in found.values():
        some.sort(key=lambda one: one[1].casefold())
    return found, sorted(own, key=lambda one: one.name.casefold())


def chips_of(filters: Filters, choices: Choices) -> list[Chip]:
    """Return each filter that is set in words, with the address that clears it."""
    words = {
        "modality": dict(Modality.choices), "severity": dict(Severity.choices), "since": SINCE,
        "state": STATES, **{name: dict(some) for name, some in choices.items()},
    }  # fmt: skip
    nobody = {"department": _("None"), "reader": _("Nobody"), "ensemble": _("None saved")}
    return [
        Chip(
            label=str(NAMES[name]),
            value=str(
                nobody[name] if getattr(filters, name) == NOBODY
                else words[name].get(getattr(filters, name), _("Unknown"))
            ),
            query=filters.query(**{name: ""}),
        )
        for name in filters.chosen
    ]  # fmt: skip


def _named(kind: str, rows: QuerySet, first: str, second: str, more=None) -> QuerySet:
    label = Coalesce(NullIf(F(first), Value("")), F(second), output_field=CharField())
    more = Value("", CharField()) if more is None else more
    named = rows.order_by().annotate(kind=Value(kind, CharField()), label=label, more=more)
    return named.values_list("kind", "pk", "label", "more")
