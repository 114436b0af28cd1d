"""How often something was tried that failed for a reason which may pass; kept for a day."""

from __future__ import annotations

from django.core.cache import cache

MOST_TRIES = 5
KEPT_S = 24 * 3600


def was_last_try(what: str, which: object) -> bool:
    """Count a failed try of `what` on `which`; True when it must not be tried any more.

    The count lies in the cache that all workers share. Where that forgets, it is tried anew.
    """
    key = f"tries.{what}.{which}"
    cache.add(key, 0, KEPT_S)
    return cache.incr(key) >= MOST_TRIES
