"""The rules of the queue are said at every start."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django_q.models import OrmQ, Schedule, Task

from imaging.checks import check_admin, check_queue


def test_the_house_as_it_is_passes():
    assert check_queue() == []
    assert check_admin() == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scheduler": True}, "imaging.E001"),
        ({"save_limit": 50}, "imaging.E001"),
        ({"retry": 2700}, "imaging.E002"),
        ({"timeout": 600, "retry": 9000}, "imaging.E003"),
    ],
)
def test_a_broken_rule_is_named(settings, change, code):
    settings.Q_CLUSTER = settings.Q_CLUSTER | change
    assert [error.id for error in check_queue()] == [code]


def test_no_queue_internals_in_the_admin():
    assert not {Task, Schedule, OrmQ} & set(admin.site._registry)


def test_a_queue_model_in_the_admin_is_refused(monkeypatch):
    monkeypatch.setitem(admin.site._registry, Task, object())
    assert [error.id for error in check_admin()] == ["imaging.E004"]
