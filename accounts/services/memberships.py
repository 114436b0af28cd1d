"""Roles are given, changed and ended; each raises the person's auth_version and stands written."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Department, Membership, Organisation, User
from accounts.roles import AUDITOR, OVERSIGHT, ROLES
from accounts.services.membership_rules import (
    auditor_check,
    manage_alone,
    manage_check,
    oneself_check,
    role_check,
    seats_check,
)
from accounts.services.notices import notice_send, notice_send_to_role
from accounts.services.revocation import auth_version_raise


@transaction.atomic
def membership_grant(
    *,
    by: User | None,
    user: User,
    organisation: Organisation,
    role: str,
    department: Department | None = None,
    until: datetime | None = None,
) -> Membership:
    """Give `user` a role, perhaps until a date. Given already, only the date may change.

    `by` None is the house itself. Raises: PermissionDenied; ValidationError in words.
    """
    manage_alone(by=by, organisation=organisation)
    role_check(
        by=by, user=user, organisation=organisation, role=role, department=department, until=until
    )
    seats_check(organisation=organisation, user=user)
    return membership_write(
        by=by, user=user, organisation=organisation, role=role, department=department, until=until
    )


def membership_write(
    *, by, user, organisation, role, department, until, request=None
) -> Membership:
    """Write a role whose rules were checked; what ran out makes room. Inside a transaction."""
    if role in OVERSIGHT:
        former = Membership.objects.filter(user=user, organisation=organisation)
        former.filter(role__in=OVERSIGHT, until__lte=now()).delete()
    membership, is_new = Membership.objects.get_or_create(
        user=user,
        organisation=organisation,
        department=department,
        role=role,
        defaults={"until": until},
    )
    if not is_new and membership.until == until:
        return membership
    before = None if is_new else _state(membership)
    if not is_new:
        membership.until = until
        membership.save(update_fields=["until"])
    verb = "create" if is_new else "change"
    audit.record(by, f"membership.{verb}", membership, before=before, after=_state(membership))
    membership_tell(membership, raised=role in OVERSIGHT, request=request)
    return membership


@transaction.atomic
def membership_change(*, by: User | None, membership: Membership, until: datetime | None) -> None:
    """Let a role run until another date, or without one. Raises as `membership_grant`."""
    membership_grant(
        by=by,
        user=membership.user,
        organisation=membership.organisation,
        role=membership.role,
        department=membership.department,
        until=until,
    )


@transaction.atomic
def membership_end(*, by: User | None, membership: Membership) -> None:
    """Take a role back, now. Raises: PermissionDenied; ValidationError in words."""
    manage_check(by=by, organisation=membership.organisation)
    oneself_check(by=by, user=membership.user)
    auditor_check(by=by, role=membership.role)
    audit.record(by, "membership.delete", membership, before=_state(membership))
    membership_tell(membership)
    Membership.objects.filter(pk=membership.pk).delete()


@transaction.atomic
def department_create(*, by: User | None, organisation: Organisation, name: str) -> Department:
    """Add a department. Raises: PermissionDenied; ValidationError in words."""
    manage_alone(by=by, organisation=organisation)
    name = _free_name(name, organisation.departments.all())
    department = Department.objects.create(organisation=organisation, name=name)
    audit.record(by, "department.create", department)
    return department


@transaction.atomic
def department_rename(*, by: User | None, department: Department, name: str) -> Department:
    """Call a department otherwise; to its old name, it changes nothing. Raises as above."""
    manage_alone(by=by, organisation=department.organisation)
    others = department.organisation.departments.exclude(pk=department.pk)
    name, before = _free_name(name, others), department.name
    if name != before:
        department.name = name
        department.save(update_fields=["name"])
        states = {"before": {"name": before}, "after": {"name": name}}
        audit.record(by, "department.change", department, **states)
    return department


def _free_name(name: str, taken: QuerySet[Department]) -> str:
    """Return the name without needless blanks. Raises: ValidationError in words."""
    name = " ".join(name.split())[:200]
    if not name:
        raise ValidationError(_("Give the department a name."))
    if taken.filter(name__iexact=name).exists():
        raise ValidationError(_("There is a department “%(name)s” already.") % {"name": name})
    return name


def membership_tell(membership: Membership, *, raised: bool = False, request=None) -> None:
    """End the person's sessions and tokens, and say so; auditors hear of raised roles.

    For whoever wrote a role down. The session in which its owner did so, `request`, goes on.
    """
    auth_version_raise(user=membership.user, request=request)
    notice_send(
        to=membership.user,
        kind="role_changed",
        facts={"organisation": membership.organisation.name},
    )
    if raised:
        notice_send_to_role(
            role=AUDITOR,
            kind="role_raised",
            organisation=membership.organisation,
            facts={"role": ROLES[membership.role]},
        )


def _state(membership: Membership) -> dict[str, str]:
    return {
        "user": str(membership.user_id),
        "role": membership.role,
        "department": str(membership.department_id or ""),
        "until": membership.until.isoformat() if membership.until else "",
    }
