"""Backups stand in the trail; administrators hear of a late one, once a day, without a patient."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils.timezone import now

from accounts import audit
from accounts.models import AuditEvent, Notice
from accounts.services.backups import (
    backup_is_late,
    backup_last,
    backup_late_tell,
    backup_record,
    restore_record,
)
from tests.accounts.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_a_backup_and_a_restore_are_written_down():
    backup_record(backup="7d", files=3)
    restore_record(backup="7d", made="2026-01-31T00:00:00+00:00")
    reasons = dict(AuditEvent.objects.values_list("action", "reason"))
    assert reasons == {
        "backup.create": "backup 7d, 3 files",
        "backup.restore": "backup 7d of 2026-01-31T00:00:00+00:00",
    }


def test_a_house_without_a_past_is_not_late():
    assert (backup_last(), backup_is_late(within_hours=1)) == (None, False)


def test_administrators_hear_of_a_late_backup_once_a_day():
    administrator = UserFactory(role="administrator")
    other = UserFactory(organisation=administrator.memberships.get().organisation)
    audit.record(None, "system.start")
    later = now() + timedelta(hours=30)
    with time_machine.travel(later):
        assert backup_late_tell(within_hours=31) is None
        assert backup_late_tell(within_hours=0) is None
        assert backup_late_tell(within_hours=26) == 30
        assert backup_late_tell(within_hours=26) == 30
    with time_machine.travel(later + timedelta(hours=25)):
        assert backup_late_tell(within_hours=26) == 55
    told = Notice.objects.order_by("at")
    assert {notice.to for notice in told} == {administrator} != {other}
    assert [notice.facts for notice in told] == [{"hours": "30"}, {"hours": "55"}]


def test_a_backup_makes_it_well_again():
    audit.record(None, "system.start")
    with time_machine.travel(now() + timedelta(hours=30)):
        backup_record(backup="7d", files=3)
        assert backup_late_tell(within_hours=26) is None
        assert backup_last() is not None
