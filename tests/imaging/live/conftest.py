"""A worker of its own for each test, with leases that run out soon."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from imaging.models import ModelState, ModelVersion
from imaging.registry import models_sync
from tests.accounts.factories import UserFactory
from tests.imaging.live import Worker


@pytest.fixture(autouse=True)
def short_leases(settings):
    settings.LEASE_S = 6


@pytest.fixture
def models(short_leases) -> list[ModelVersion]:
    models_sync()
    lungs = ModelVersion.objects.filter(state=ModelState.ACTIVE, name__startswith="xray-lungs")
    if not (found := list(lungs)):
        pytest.skip("the models folder holds no active model of the lungs")
    return found


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def worker(tmp_path, models):
    call_command("createcachetable", "cache", verbosity=0)
    with Worker(tmp_path / "worker.log") as worker:
        yield worker
