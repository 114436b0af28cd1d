"""Time spent in named places of the product, found from outside: nothing in it is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from time import perf_counter
from typing import Any


class Stopwatch:
    """While it runs, every call of the named places counts for its own name.

    places   "module:attribute" or "module:Class.attribute" → what the table calls it.

    A place inside another takes its time away from the outer one, so that the spent times
    add up. One thread. Raises AttributeError for a place that is not there any more.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self.spent_ms: dict[str, float] = dict.fromkeys(places.values(), 0.0)
        self._places = places
        self._undo: list[tuple[Any, str, Any]] = []
        self._inner: list[float] = [0.0]

    def start(self) -> None:
        for place, name in self._places.items():
            owner, attribute = find(place)
            original = vars(owner)[attribute]
            self._undo.append((owner, attribute, original))
            setattr(owner, attribute, self._timed(original, name))

    def stop(self) -> dict[str, float]:
        """Put everything back and return the milliseconds by name."""
        while self._undo:
            setattr(*self._undo.pop())
        return self.spent_ms

    def _timed(self, original: Any, name: str) -> Any:
        if isinstance(original, property):
            return property(self._wrapped(original.fget, name))
        return self._wrapped(original, name)

    def _wrapped(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            started = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                whole = (perf_counter() - started) * 1000
                self.spent_ms[name] += whole - self._inner.pop()
                self._inner[-1] += whole

        return timed


def find(place: str) -> tuple[Any, str]:
    """Return (owner, attribute) of "module:Class.attribute"; AttributeError when it is gone."""
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    *classes, attribute = path.split(".")
    for name in classes:
        owner = getattr(owner, name)
    if attribute not in vars(owner):
        raise AttributeError(f"{place} is not there any more")
    return owner, attribute
