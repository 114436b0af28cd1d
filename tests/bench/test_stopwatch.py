"""The watch on named places, and the places themselves."""

import sys
from types import ModuleType

import pytest

from bench.places import ENGINE, WORKER
from bench.stopwatch import Stopwatch, find


class Clocks:
    """Two clocks that go only when they are told to."""

    def __init__(self, monkeypatch) -> None:
        self.wall = self.cpu = 0.0
        monkeypatch.setattr("bench.stopwatch.perf_counter", lambda: self.wall)
        monkeypatch.setattr("bench.stopwatch.process_time", lambda: self.cpu)

    def go(self, wall_ms: float, cpu_ms: float) -> None:
        self.wall += wall_ms / 1000
        self.cpu += cpu_ms / 1000


@pytest.fixture
def module(monkeypatch):
    found, clocks = ModuleType("watched"), Clocks(monkeypatch)

    class Thing:
        @property
        def inner(self) -> str:
            clocks.go(wall_ms=10, cpu_ms=4)
            return "inner"

        def outer(self) -> str:
            clocks.go(wall_ms=20, cpu_ms=1)
            return self.inner

    def fails() -> None:
        clocks.go(wall_ms=3, cpu_ms=2)
        raise LookupError("as it should")

    found.Thing, found.fails = Thing, fails
    monkeypatch.setitem(sys.modules, "watched", found)
    return found


def test_a_place_inside_another_takes_its_time_away(module):
    watch = Stopwatch({"watched:Thing.outer": "outer", "watched:Thing.inner": "inner"})
    watch.start()
    for _ in range(2):
        assert module.Thing().outer() == "inner"
    spent = watch.stop()
    assert spent["outer"] == pytest.approx((40, 2))
    assert spent["inner"] == pytest.approx((20, 8))


def test_what_fails_is_counted_and_everything_is_put_back(module):
    before = module.fails, vars(module.Thing)["inner"]
    watch = Stopwatch({"watched:fails": "fails", "watched:Thing.inner": "inner"})
    watch.start()
    with pytest.raises(LookupError):
        module.fails()
    assert watch.stop()["fails"] == pytest.approx((3, 2))
    assert (module.fails, vars(module.Thing)["inner"]) == before


@pytest.mark.parametrize("place", [*ENGINE, *WORKER])
def test_every_watched_place_is_there(place):
    owner, name = find(place)
    assert callable(getattr(owner, name)) or isinstance(vars(owner)[name], property)


def test_a_place_that_is_gone_is_named(module):
    with pytest.raises(AttributeError, match=r"watched:Thing\.gone"):
        find("watched:Thing.gone")
