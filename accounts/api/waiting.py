"""`?wait=`: a call that stays until work is done, for seconds, and never in every thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from django.conf import settings
from rest_framework import serializers

MOST_S = 30
FIRST_LOOK_S, LAST_LOOK_S = 0.1, 1.0
_seats = threading.BoundedSemaphore(settings.API_WAITERS)


class WaitQuery(serializers.Serializer):
    wait = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_S,
        default=0,
        help_text="Seconds to stay for the end of the work. Few may wait at a time; whoever finds"
        " no place is answered at once, as with 0.",
    )


def wait_until(is_done: Callable[[], bool], seconds: int) -> bool:
    """Say whether it is done, within `seconds` if there is a place to wait."""
    if is_done():
        return True
    if not seconds or not _seats.acquire(blocking=False):
        return False
    try:
        return _look(is_done, time.monotonic() + seconds)
    finally:
        _seats.release()


def _look(is_done: Callable[[], bool], ends: float) -> bool:
    pause = FIRST_LOOK_S
    while (left := ends - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        if is_done():
            return True
        pause = min(2 * pause, LAST_LOOK_S)
    return False
