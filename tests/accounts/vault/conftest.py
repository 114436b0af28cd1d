"""A data folder, an empty key cache and two organisations for each test of the vault."""

from __future__ import annotations

from pathlib import Path

import pytest

from accounts.models import Organisation, Plan
from accounts.vault import keys


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.fixture(autouse=True)
def no_remembered_keys():
    keys.cache.clear()
    keys._expected().clear()
    yield
    keys.cache.clear()


def make_organisation(name: str) -> Organisation:
    plan, _ = Plan.objects.get_or_create(slug="test", defaults={"name": "Test"})
    return Organisation.objects.create(name=name, plan=plan)


@pytest.fixture
def organisation(db) -> Organisation:
    return make_organisation("North")


@pytest.fixture
def other_organisation(db) -> Organisation:
    return make_organisation("South")


@pytest.fixture
def files(data_dir):
    """Return a function that lists the files of the vault."""

    def listing() -> list[Path]:
        return sorted(path for path in (data_dir / "blobs").glob("**/*") if path.is_file())

    return listing
