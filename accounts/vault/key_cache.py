"""A small memory of unwrapped keys, per process: bounded, and short-lived so that erasure holds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from uuid import UUID

from accounts.vault.cipher import Key

LIFETIME_S = 60.0  # after this a key that another process destroyed is gone here too
MOST = 16_384  # about 10 MB


class KeyCache:
    """Keys by id and by scope; each entry lives LIFETIME_S, at most MOST are held."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, tuple[float, Key]] = OrderedDict()

    def by_id(self, kid: UUID) -> Key | None:
        return self._get(kid)

    def of_scope(self, scope: Hashable) -> Key | None:
        return self._get(scope)

    def put(self, key: Key, scope: Hashable = None) -> None:
        """Hold `key` under its id, and as the current one of `scope` where that is given."""
        ends = self._clock() + LIFETIME_S
        with self._lock:
            self._drop_expired()
            for name in (key.kid, scope) if scope is not None else (key.kid,):
                self._held[name] = (ends, key)
                self._held.move_to_end(name)
            while len(self._held) > MOST:
                self._held.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()

    def _drop_expired(self) -> None:
        """Forget what is past its time: the oldest stand first."""
        while self._held and next(iter(self._held.values()))[0] < self._clock():
            self._held.popitem(last=False)

    def _get(self, name: Hashable) -> Key | None:
        found = self._held.get(name)
        if found is None or found[0] < self._clock():
            return None
        return found[1]
