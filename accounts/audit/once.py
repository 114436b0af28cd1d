"""Acts that come in many requests, such as the slices of one picture, written down once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from django.core.cache import cache
from django.db.models import Model

from accounts.audit.context import facts
from accounts.audit.record import record
from accounts.audit.tables import AuditEvent

VIEW_S = 600  # the same picture in the same session is one view for so long
MOST = 10_000
_lock = threading.Lock()
_seen: OrderedDict[str, float] = OrderedDict()


def record_once(actor: Model, action: str, target: Model) -> AuditEvent | None:
    """Record `action` unless this session did the same within VIEW_S; None when it did.

    This process remembers by itself; the shared cache tells what another one
    wrote. A cache that forgets leads to one line more, never to one less.
    """
    key = _key(actor, action, target)
    if _is_held(key):
        return None
    is_new = cache.get(key) is None
    if is_new:
        cache.set(key, True, VIEW_S)
    _hold(key)
    return record(actor, action, target) if is_new else None


def record_view(actor: Model, action: str, target: Model) -> AuditEvent:
    """Record that a page was opened; what it draws from by `record_once` is the same view."""
    key = _key(actor, action, target)
    cache.set(key, True, VIEW_S)
    _hold(key)
    return record(actor, action, target)


def _key(actor: Model, action: str, target: Model) -> str:
    return f"audit-once:{facts.get().session}:{actor.pk}:{action}:{target.pk}"


def _is_held(key: str) -> bool:
    with _lock:
        return _seen.get(key, 0.0) > time.monotonic()


def _hold(key: str) -> None:
    with _lock:
        _seen[key] = time.monotonic() + VIEW_S
        _seen.move_to_end(key)
        while len(_seen) > MOST:
            _seen.popitem(last=False)
