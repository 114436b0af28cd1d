"""Reading first is turned on and off for an organisation, and on for oneself."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.models import Organisation, User
from accounts.services.membership_rules import manage_check


@transaction.atomic
def reading_first_set(*, by: User, organisation: Organisation, on: bool) -> bool:
    """Let the readers of an organisation read first, or no longer; False: it was so.

    Raises: PermissionDenied.
    """
    manage_check(by=by, organisation=organisation)
    changed = Organisation.objects.filter(pk=organisation.pk).exclude(read_first=on)
    if not changed.update(read_first=on):
        return False
    states = {"before": {"read_first": not on}, "after": {"read_first": on}}
    audit.record(by, "reading.first", organisation, organisation=organisation, **states)
    return True


@transaction.atomic
def reading_first_wish(*, user: User) -> bool:
    """Turn it on for oneself. There is no way back of one's own: that would be a way to peek."""
    if not User.objects.filter(pk=user.pk, read_first=False).update(read_first=True):
        return False
    states = {"before": {"read_first": False}, "after": {"read_first": True}}
    audit.record(user, "reading.first", user, **states)
    return True
