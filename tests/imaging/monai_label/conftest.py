"""A radiologist with a token, and what their department has."""

from __future__ import annotations

import pytest

from imaging.models import Result
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ResultFactory
from tests.imaging.monai_label.calls import Caller, token_of


@pytest.fixture
def user(db):
    return UserFactory()


@pytest.fixture
def result(user) -> Result:
    return ResultFactory(user=user)


@pytest.fixture
def ml(user) -> Caller:
    return Caller(token_of(user))
