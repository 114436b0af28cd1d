"""The doctor looks at everything, names a remedy for each fault, and ends with a code."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
from django.core import checks
from django.core.management import call_command

from imaging.services.workers import worker_beat
from mediscan import doctor
from tests.imaging.factories import ModelVersionFactory
from tests.registry.sent import places

pytestmark = pytest.mark.django_db
__all__ = ["places"]


@pytest.fixture
def well(places, monkeypatch):
    """A house in which everything that a test can arrange is well."""
    worker_beat()
    told = {"cuda": False, "devices": ["cpu"], "names": []}
    engine = SimpleNamespace(call=lambda *a, **k: told, close=lambda: None)
    monkeypatch.setattr(doctor, "Engine", lambda mode: engine)
    monkeypatch.setattr(doctor, "run_checks", lambda **kwargs: [])


def findings() -> dict[str, doctor.Finding]:
    return {one.name: one for one in doctor.examine()}


def asked(*args) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("doctor", *args, stdout=out)
    except SystemExit as end:
        return out.getvalue(), end.code
    return out.getvalue(), 0


def test_each_part_is_looked_at(well):
    wanted = {"database", "migrations", "queue heartbeat", "devices", "engine child", "decoders",
              "fonts", "mail", "disk, data folder", "keys", "models", "settings"}  # fmt: skip
    assert wanted <= findings().keys()


def test_a_well_house_ends_with_zero_and_json_says_so(well):
    text, code = asked("--json")
    told = json.loads(text)
    assert (code, told["state"]) in ((0, "warn"), (0, "ok"))
    assert all(one["remedy"] for one in told["findings"] if one["state"] != "ok")


def test_a_fault_that_the_settings_accept_is_none_and_any_other_is(well, monkeypatch, settings):
    """Without Redis the cache that counts is the database; the settings say so."""
    settings.SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003"]
    told = [checks.Error("no increment", id="django_ratelimit.E003")]
    monkeypatch.setattr(doctor, "run_checks", lambda **kwargs: told)
    assert findings()["settings"].state == "ok"
    told.append(checks.Error("no key", hint="set it", id="house.E001"))
    assert (findings()["settings"].state, findings()["settings"].remedy) == ("fail", "set it")


def test_a_worker_that_is_silent_fails_with_its_remedy(places, well, monkeypatch):
    monkeypatch.setattr(doctor, "worker_is_alive", lambda: False)
    text, code = asked()
    assert code == 1
    assert "fail queue heartbeat" in text
    assert "manage.py worker" in text


def test_a_missing_model_full_disk_and_missing_decoder_are_named(well, monkeypatch):
    ModelVersionFactory(name="gone")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: SimpleNamespace(free=1 << 20))
    monkeypatch.setattr(doctor, "_is_installed", lambda name: name != "pyjpegls")
    found = findings()
    assert found["model gone 1.0.0"].state == "fail"
    assert found["disk, data folder"].state == "fail"
    assert "JPEG-LS" in found["decoders"].words


def test_a_wrong_key_and_a_dead_mail_server_fail(well, monkeypatch, settings):
    def broken(*args):
        raise doctor.VaultError("no")

    monkeypatch.setattr(doctor, "purpose_sign", broken)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    found = findings()
    assert (found["keys"].state, "VAULT_KEK" in found["keys"].remedy) == ("fail", True)
    assert found["mail"].state == "fail"


def test_what_breaks_while_it_is_looked_at_stops_nothing_else(well, monkeypatch):
    monkeypatch.setitem(doctor.LOOKS, "fonts", lambda: 1 / 0)
    found = findings()
    assert "ZeroDivisionError" in found["fonts"].words
    assert found["keys"].state == "ok"


def test_a_fault_that_quotes_a_template_is_shown_as_it_is():
    fault = doctor.Finding("settings", doctor.FAIL, "LOG_FORMAT %(levelname)s is no format.")
    assert fault.told()["words"] == fault.said()["words"] == fault.says
