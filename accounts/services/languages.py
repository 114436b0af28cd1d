"""A person chooses their language."""

from __future__ import annotations

from django.db import transaction

from accounts import audit
from accounts.languages import is_offered
from accounts.models import User


@transaction.atomic
def language_choose(*, user: User, language: str) -> bool:
    """Keep `language` for the pages and letters of `user`; "": as the browser says.

    False: it was so. Raises ValueError for a language that is not offered.
    """
    if language and not is_offered(language):
        raise ValueError(f"{language!r} is not offered")
    before = user.language
    changed = User.objects.filter(pk=user.pk).exclude(language=language)
    if not changed.update(language=language):
        return False
    user.language = language
    states = {"before": {"language": before}, "after": {"language": language}}
    audit.record(user, "person.language", user, **states)
    return True
