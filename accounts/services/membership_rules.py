"""What stands between a person and a role; each refusal is a sentence with its remedy."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts.models import Department, Invitation, Membership, Organisation, User
from accounts.plan_limits import PLAN_LIMIT
from accounts.roles import ADMINISTRATOR, AUDITOR, OVERSIGHT, ROLES
from accounts.selectors import may_at


def manage_check(*, by: User | None, organisation: Organisation) -> None:
    """Raise PermissionDenied unless `by` manages the people there; None is the house itself."""
    if by is None or by.is_superuser or may_at(by, "people.manage", organisation.pk):
        return
    raise PermissionDenied(_("This needs the role %(role)s.") % {"role": _(ROLES[ADMINISTRATOR])})


def manage_alone(*, by: User | None, organisation: Organisation) -> None:
    """The same check, after whoever changes this organisation's people at this moment is done."""
    Organisation.objects.select_for_update(of=("self",)).get(pk=organisation.pk)
    manage_check(by=by, organisation=organisation)


def role_check(
    *,
    by: User | None,
    user: User | None,
    organisation: Organisation,
    role: str,
    department: Department | None = None,
    until: datetime | None = None,
) -> None:
    """Raise ValidationError unless `by` may give this role; `user` None: not known yet."""
    if role not in ROLES:
        raise ValidationError(_("There is no such role."))
    oneself_check(by=by, user=user)
    auditor_check(by=by, role=role)
    if department is not None and department.organisation_id != organisation.pk:
        raise ValidationError(_("The department belongs to another organisation."))
    if department is not None and role in OVERSIGHT:
        raise ValidationError(
            _("%(role)s is a role of the whole organisation. Leave the department empty.")
            % {"role": _(ROLES[role])}
        )
    if until is not None and until <= now():
        raise ValidationError(_("The last day lies in the past. Choose a later one, or none."))
    if user is not None and role in OVERSIGHT:
        _apart_check(user, organisation, role)


def oneself_check(*, by: User | None, user: User | None) -> None:
    """Nobody changes their own roles, operators neither."""
    if by is not None and user is not None and by.pk == user.pk:
        raise ValidationError(
            _("Nobody changes their own roles. Ask another administrator of the organisation.")
        )


def auditor_check(*, by: User | None, role: str) -> None:
    """Whoever is watched does not choose the watcher."""
    if role == AUDITOR and by is not None and not by.is_superuser:
        raise ValidationError(
            _(
                "An administrator neither names nor removes an auditor."
                " Ask the operator of this installation."
            )
        )


def seats_check(*, organisation: Organisation, email: str = "", user: User | None = None) -> None:
    """Raise ValidationError when the plan has no seat left for one more person.

    People who were invited count: each of them may come.
    """
    limit = organisation.plan.members
    if limit is None:
        return
    Organisation.objects.select_for_update().get(pk=organisation.pk)  # one newcomer at a time
    taken = seats_taken(organisation)
    newcomer = (user.email if user else email).lower()
    if newcomer not in taken and len(taken) >= limit:
        raise ValidationError(
            _(
                "The plan “%(plan)s” has %(limit)d seats and all are taken or offered. End a"
                " membership, withdraw an invitation, or ask the operator for another plan."
            )
            % {"plan": organisation.plan.name, "limit": limit},
            PLAN_LIMIT,
        )


def seats_taken(organisation: Organisation) -> set[str]:
    """Return the addresses that have a seat, or were offered one: each of them may come."""
    members = Membership.objects.current().of_people().filter(organisation=organisation)
    invited = Invitation.objects.filter(organisation=organisation, expires_at__gt=now())
    taken = {one.lower() for one in members.values_list("user__email", flat=True)}
    return taken | {one.lower() for one in invited.values_list("email", flat=True)}


def _apart_check(user: User, organisation: Organisation, role: str) -> None:
    other = AUDITOR if role == ADMINISTRATOR else ADMINISTRATOR
    held = Membership.objects.current().filter(user=user, organisation=organisation, role=other)
    if held.exists():
        raise ValidationError(
            _("Nobody is auditor and administrator of one organisation. End the other role first.")
        )
