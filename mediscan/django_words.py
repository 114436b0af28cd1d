"""What Django says in the admin and has not translated itself; its own German lacks these."""

from __future__ import annotations

from django.utils.translation import gettext_noop

SAID = (
    gettext_noop("Reset password"),
    gettext_noop("Set password"),
    gettext_noop("Set password: %s"),
    gettext_noop("After you’ve created a user, you’ll be able to edit more user options."),
    gettext_noop("Raw passwords are not stored, so there is no way to see the user’s password."),
)
