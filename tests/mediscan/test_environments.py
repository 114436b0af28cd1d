"""Development and production: which one a start is, and what that changes."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediscan import env

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["ENVIRONMENT", "SECOND_FACTOR", "DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_NAME",
         "DEFAULT_FROM_EMAIL"]  # fmt: skip
SHOW = f"""
import json
from django.conf import settings
print(json.dumps({{name: getattr(settings, name) for name in {NAMES}}}
      | {{"static": settings.STORAGES["staticfiles"]["BACKEND"]}}))
"""


def environment_of(monkeypatch, **variables):
    monkeypatch.setattr(env, "_dotenv", {})
    for name in ("ENVIRONMENT", "PUBLIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return env.environment()


def settings_of(tmp_path, **variables):
    """Load the settings that `variables` choose, in a process that knows nothing else."""
    secrets = {"SECRET_KEY": "x" * 60, "VAULT_KEK": base64.b64encode(bytes(32)).decode()}
    place = {
        "MEDISCAN_DATA_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "mediscan.settings.chosen",
    }
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=ROOT, env=secrets | place | variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "development"),
        ({"PUBLIC_BASE_URL": "http://localhost:8000"}, "development"),
        ({"PUBLIC_BASE_URL": "https://scan.example.org"}, "production"),
        ({"PUBLIC_BASE_URL": "https://x.example", "ENVIRONMENT": "development"}, "development"),
        ({"ENVIRONMENT": "production"}, "production"),
    ],
)
def test_the_environment_is_named_or_follows_from_the_address(monkeypatch, variables, expected):
    assert environment_of(monkeypatch, **variables) == expected


def test_an_unknown_environment_is_refused(monkeypatch):
    with pytest.raises(ImproperlyConfigured, match="write development or production"):
        environment_of(monkeypatch, ENVIRONMENT="Production")


def test_development_is_open_at_the_door_and_serves_as_a_server_does(tmp_path):
    found = settings_of(tmp_path, ENVIRONMENT="development")
    assert (found["ENVIRONMENT"], found["SECOND_FACTOR"]) == ("development", "admin")
    assert (found["DEBUG"], found["static"]) == (False, "mediscan.static.Static")
    assert found["SESSION_COOKIE_NAME"] == "sessionid"


def test_the_debug_page_and_a_stricter_door_are_for_development_to_choose(tmp_path):
    found = settings_of(tmp_path, ENVIRONMENT="development", DEBUG="true", SECOND_FACTOR="always")
    assert (found["DEBUG"], found["SECOND_FACTOR"]) == (True, "always")
    refusal = settings_of(tmp_path, ENVIRONMENT="development", SECOND_FACTOR="never")
    assert "SECOND_FACTOR='never': write admin or always." in refusal


def test_mail_is_written_by_the_host_that_people_open(tmp_path):
    there = {"ENVIRONMENT": "development", "PUBLIC_BASE_URL": "http://scan.example.org:8000"}
    found = settings_of(tmp_path, **there)["DEFAULT_FROM_EMAIL"]
    assert found == "MediScan <noreply@scan.example.org>"
    named = settings_of(tmp_path, **there, DEFAULT_FROM_EMAIL="Ward <ward@example.org>")
    assert named["DEFAULT_FROM_EMAIL"] == "Ward <ward@example.org>"


def test_production_asks_everybody_for_a_second_factor_and_names_no_host_by_itself(tmp_path):
    found = settings_of(tmp_path, ENVIRONMENT="production")
    assert (found["ENVIRONMENT"], found["SECOND_FACTOR"]) == ("production", "always")
    assert (found["DEBUG"], found["ALLOWED_HOSTS"]) == (False, [])
    assert found["SESSION_COOKIE_NAME"] == "__Host-sessionid"
