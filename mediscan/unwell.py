"""What everybody should know of the house at once: nothing analyses, or there is no room."""

from __future__ import annotations

import time

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

from imaging.services.workers import worker_is_alive
from mediscan.doctor import LOW_BYTES, disk_free

LOOK_AGAIN_S = 20
QUEUE = _("Analyses wait at the moment: nothing takes them up. What you upload is kept.")
DISK = _("The disk of this site is nearly full: uploads may be refused.")
_last: dict[str, tuple[float, list]] = {}


def unwell() -> list:
    """Return what is wrong, in sentences for everybody; looked at again after a while."""
    at, found = _last.get("", (0.0, []))
    if time.monotonic() - at > LOOK_AGAIN_S or not at:
        found = look()
        _last[""] = (time.monotonic(), found)
    return found


def look() -> list:
    """Look now. A database that does not answer is another page's to tell."""
    try:
        is_silent = not worker_is_alive()
    except DatabaseError:
        is_silent = False
    places = (settings.DATA_DIR, settings.MODEL_STORE)
    is_full = any(disk_free(place)[0] < LOW_BYTES for place in places)
    return [QUEUE] * is_silent + [DISK] * is_full
