"""What was set otherwise since the last start stands in the trail, by name alone."""

from __future__ import annotations

import pytest

from accounts.audit.record import PURPOSE
from accounts.models import AuditEvent
from accounts.services.configuration import NAMES_CHARS, configuration_note
from accounts.vault.purposes import purpose_unseal
from mediscan import env

pytestmark = pytest.mark.django_db
SECRET = "correct horse battery staple"


@pytest.fixture
def given(settings):
    """Return the settings of the environment, for a test to change."""
    said = {"DEBUG": "", "WEB_WORKERS": "2", "SECRET_KEY": SECRET}
    settings.SETTINGS_READ = lambda: dict(said)
    return said


def test_the_first_start_is_said_once(given):
    assert configuration_note("site").reason == "site: first start"
    assert configuration_note("site") is None
    assert configuration_note("worker").reason == "worker: first start"


def test_what_changed_is_named(given):
    configuration_note("site")
    given.update({"DEBUG": "true", "SECRET_KEY": "another"}, ALLOWED_HOSTS="*")
    del given["WEB_WORKERS"]
    event = configuration_note("site")
    assert event.reason == "site: ALLOWED_HOSTS, DEBUG, SECRET_KEY, WEB_WORKERS"
    assert configuration_note("site") is None


def test_no_value_is_kept_not_even_sealed(given):
    event = configuration_note("site")
    kept = purpose_unseal(PURPOSE, event.sealed, event.pk.hex)
    assert "SECRET_KEY" in kept
    assert SECRET not in kept
    assert SECRET not in "".join(event.as_text())


def test_a_doctored_entry_counts_as_everything_changed(given):
    event = configuration_note("site")
    AuditEvent.objects.bulk_create(
        [AuditEvent(action=event.action, reason=event.reason, sealed="v1.x.y.z")]
    )
    assert configuration_note("site").reason == "site: DEBUG, SECRET_KEY, WEB_WORKERS"


def test_many_names_are_counted(given):
    configuration_note("site")
    given.update({f"SETTING_NUMBER_{n:03}": "1" for n in range(40)})
    reason = configuration_note("site").reason
    shown = reason.removeprefix("site: ").partition(" and ")
    assert len(shown[0]) <= NAMES_CHARS
    assert shown[2] == f"{40 - len(shown[0].split(', '))} more"


def test_the_environment_says_what_it_was_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("MEDISCAN_TEST_ASKED", "7")
    env.env_int("MEDISCAN_TEST_ASKED", 3)
    env.env_int("MEDISCAN_TEST_DEFAULT", 3)
    (tmp_path / "secret").write_text("from a file\n", encoding="utf-8")
    monkeypatch.setenv("MEDISCAN_TEST_SECRET_FILE", str(tmp_path / "secret"))
    env.env_secret("MEDISCAN_TEST_SECRET")
    said = env.settings_read()
    assert said["MEDISCAN_TEST_ASKED"] == "7"
    assert said["MEDISCAN_TEST_DEFAULT"] == ""
    assert said["MEDISCAN_TEST_SECRET"] == "from a file"
