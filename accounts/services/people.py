"""People join: an organisation of their own, a role in it, a line in the trail."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now

from accounts import audit
from accounts.models import Invitation, Membership, Organisation, Plan, User
from accounts.roles import ADMINISTRATOR, RADIOLOGIST

FREE_SLUG = "free"
# as migration 0002 made it, for a house whose administrator deleted it
FREE = {"name": "Free", "runs_per_month": 200, "storage_bytes": 5 * 2**30, "members": 5}


@transaction.atomic
def organisation_create(
    *, name: str, plan: Plan | None = None, by: User | None = None, request_id: str = ""
) -> Organisation:
    """Make an organisation; it is on the free plan unless another is given."""
    organisation = Organisation.objects.create(
        name=name[:200], plan=plan or Plan.objects.get_or_create(slug=FREE_SLUG, defaults=FREE)[0]
    )
    audit.record(
        by, "organisation.create", organisation, organisation=organisation, request_id=request_id
    )
    return organisation


@transaction.atomic
def member_add(
    *,
    user: User,
    organisation: Organisation,
    role: str,
    by: User | None = None,
    request_id: str = "",
) -> Membership:
    """Give `user` a role in `organisation`. Called twice, it changes nothing."""
    membership, is_new = Membership.objects.get_or_create(
        user=user, organisation=organisation, department=None, role=role
    )
    if is_new:
        audit.record(
            by, "membership.create", membership, organisation=organisation, request_id=request_id
        )
    return membership


@transaction.atomic
def person_register(*, user: User, request_id: str = "") -> Membership | None:
    """Give a person without an organisation one of their own: to work in, and to administer.

    They are radiologist there (this membership is returned) and administrator, or nobody
    could invite a colleague. Called twice, it returns the membership that is there. Whoever
    is invited somewhere gets none: their work belongs where they were asked to join.
    """
    if Invitation.objects.filter(email=user.email.lower(), expires_at__gt=now()).exists():
        return None
    existing = Membership.objects.current().filter(user=user).order_by("created_at").first()
    if existing is not None:
        return existing
    organisation = organisation_create(name=user.name or user.email, by=user, request_id=request_id)
    given = {"user": user, "organisation": organisation, "by": user, "request_id": request_id}
    first = member_add(role=RADIOLOGIST, **given)
    member_add(role=ADMINISTRATOR, **given)
    return first
