"""What every test starts from: an empty key ring, and a queue that only listens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.test import Client, TransactionTestCase

from accounts.vault import damage, keys
from mediscan import unwell
from tests.accounts.trail import triggers_lifted

# a busy machine generates slowly: that is no fault of what is tested
hypothesis.settings.register_profile(
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")

REPOSITORY = Path(__file__).resolve().parents[1]


ASKS_FOR_DATABASE = {"db", "transactional_db", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what waits for real processes; on PostgreSQL leave out what asks no database."""
    items.sort(key=lambda item: item.path.parent.name != "live")
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        config.hook.pytest_deselected(items=[one for one in items if not _says_more(one)])
        items[:] = [one for one in items if _says_more(one)]


def _says_more(item: pytest.Item) -> bool:
    """What asks for no database says the same again; the roof's tests start processes that do."""
    room = item.path.relative_to(REPOSITORY / "tests").parts[0]
    asks = item.get_closest_marker("django_db") or ASKS_FOR_DATABASE & set(item.fixturenames)
    return bool(asks) or room == "mediscan"


@pytest.fixture(autouse=True)
def no_remembered_keys():
    """Forget unwrapped keys: those of another test's rows are gone with them."""
    keys.cache.clear()
    damage._waiting.clear()
    yield
    keys.cache.clear()


@pytest.fixture(autouse=True)
def a_well_house(monkeypatch):
    """No worker lives beside a test, and that is no trouble."""
    unwell._last.clear()
    monkeypatch.setattr(unwell, "look", list)


@pytest.fixture(autouse=True)
def no_checkpoints_of_another_trail():
    """Take the signed checkpoints away with the trail that they are of."""
    yield
    Path(settings.AUDIT_CHECKPOINTS).unlink(missing_ok=True)


@pytest.fixture(autouse=True, scope="session")
def the_trail_may_be_emptied_between_tests():
    """Lift the triggers of the trail for the flush after a transactional test, and only then."""
    flush = TransactionTestCase._fixture_teardown

    def teardown(self) -> None:
        with triggers_lifted():
            flush(self)

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = flush


@pytest.fixture
def verified_client(client) -> Callable[..., Client]:
    """Return a function that signs a person in on `client` with both factors, shown just now."""
    from tests.accounts.factories import verify

    return lambda user: verify(client, user)


@pytest.fixture
def queued(monkeypatch) -> list[tuple]:
    """The tasks that the test enqueues, as (dotted path, *args); none is run."""
    calls: list[tuple] = []
    monkeypatch.setattr("imaging.queue.enqueue", lambda *call, **where: calls.append(call))
    return calls


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of real images; the test is skipped where there is none."""
    root = Path(os.environ.get("MEDISCAN_DATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        pytest.skip(f"no real images: {root} is missing (set MEDISCAN_DATA)")
    return root
