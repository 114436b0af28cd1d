"""Time spent in named places of the product, found from outside: nothing in it is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from importlib import import_module
from time import perf_counter, process_time
from typing import Any

Spent = tuple[float, float]
_NOTHING = (0.0, 0.0)


class Stopwatch:
    """While it runs, every call of the named places counts for its own name.

    places   "module:attribute" or "module:Class.attribute" → what the table calls it.

    `spent_ms` holds (milliseconds by the clock, of the processor) by name. A place inside
    another takes its time away from the outer one, so that the times add up. One thread.
    Raises AttributeError for a place that is not there any more.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self.spent_ms: dict[str, Spent] = dict.fromkeys(places.values(), _NOTHING)
        self._places = places
        self._undo: list[tuple[Any, str, Any]] = []
        self._inner: list[Spent] = [_NOTHING]

    def start(self) -> None:
        for place, name in self._places.items():
            owner, attribute = find(place)
            original = vars(owner)[attribute]
            self._undo.append((owner, attribute, original))
            setattr(owner, attribute, self._timed(original, name))

    def stop(self) -> dict[str, Spent]:
        """Put everything back and return what was spent by name."""
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
            self._inner.append(_NOTHING)
            wall, cpu = perf_counter(), process_time()
            try:
                return function(*args, **kwargs)
            finally:
                whole = ((perf_counter() - wall) * 1000, (process_time() - cpu) * 1000)
                own = _less(whole, self._inner.pop())
                self.spent_ms[name] = _plus(self.spent_ms[name], own)
                self._inner[-1] = _plus(self._inner[-1], whole)

        return timed


def _plus(one: Spent, other: Spent) -> Spent:
    return one[0] + other[0], one[1] + other[1]


def _less(one: Spent, other: Spent) -> Spent:
    return one[0] - other[0], one[1] - other[1]


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
