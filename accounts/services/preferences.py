"""A person chooses how the pages look, answer and write to them."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.preferences import FIELDS, changes


@transaction.atomic
def preferences_save(*, user: User, **chosen: object) -> bool:
    """Keep what is chosen, of accounts/preferences.py; False: it was so. One line in the trail.

    Raises ValueError for what is no preference, or a theme that there is not.
    """
    row = User.objects.select_for_update().get(pk=user.pk)
    before = {name: getattr(row, name) for name in FIELDS}
    changed = changes(before, chosen)
    if not changed:
        return False
    User.objects.filter(pk=user.pk).update(**changed)
    for name, value in changed.items():
        setattr(user, name, value)
    was = {name: before[name] for name in changed}
    action = "user.change" if "name" in changed else "person.preferences"
    audit.record(user, action, user, before=was, after=changed)
    return True
