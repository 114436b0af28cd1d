"""S56: production refuses an unsafe start, naming each wrong setting and its remedy."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib import admin
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django_q.models import Schedule

from accounts.boot import UnsafeStart, refuse_unsafe_start
from accounts.models import User
from imaging import checks
from mediscan import env, guards
from tests.accounts.trail import triggers_lifted
from tests.imaging.live import database_url

ROOT = Path(__file__).resolve().parents[2]
RANDOM = "kZ3vQ8s1Jx7Lr0WcT5yBn2Ma9Hd4Ef6Gu-PiOqXwVlRjYtSbKmNzAeCfDgUhI_"
GOOD = {
    "ENVIRONMENT": "production",
    "DEBUG": False,
    "SECRET_KEY": RANDOM,
    "VAULT_KEK": bytes(range(32)),
    "ALLOWED_HOSTS": ["scan.example.org"],
    "PUBLIC_BASE_URL": "https://scan.example.org",
    "SESSION_COOKIE_SECURE": True,
    "CSRF_COOKIE_SECURE": True,
    "SESSION_COOKIE_NAME": "__Host-sessionid",
    "CSRF_COOKIE_NAME": "__Host-csrftoken",
    "SECOND_FACTOR": "always",
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "ALLOW_SQLITE": True,
    "WEB_WORKERS": 1,
    "ERASURE_LEDGER": "/srv/elsewhere/erasures.jsonl",
}
CACHE = "django.core.cache.backends.db.DatabaseCache"
SHORT = "SECRET_KEY has fewer than 50 characters"
COOKIES = [
    ("SESSION_COOKIE_SECURE", False),
    ("CSRF_COOKIE_SECURE", False),
    ("SESSION_COOKIE_HTTPONLY", False),
    ("CSRF_COOKIE_HTTPONLY", False),
    ("SESSION_COOKIE_DOMAIN", "example.org"),
    ("CSRF_COOKIE_PATH", "/x"),
    ("SESSION_COOKIE_SAMESITE", "None"),
    ("CSRF_COOKIE_NAME", "csrftoken"),
]
WRONG = [
    ("DEBUG", True, "DEBUG is true"),
    ("SECRET_KEY", RANDOM[:49], SHORT),
    ("SECRET_KEY", "django-insecure-" + RANDOM, "SECRET_KEY is not a random one"),
    ("SECRET_KEY", "abc" * 20, "SECRET_KEY is not a random one"),
    ("SECRET_KEY", base64.b64encode(bytes(range(32))).decode(), "SECRET_KEY is also VAULT_KEK"),
    ("VAULT_KEK", bytes(32), "VAULT_KEK is not a random one"),
    ("ALLOWED_HOSTS", [], "ALLOWED_HOSTS is empty"),
    ("ALLOWED_HOSTS", ["*"], "ALLOWED_HOSTS holds a *"),
    ("PUBLIC_BASE_URL", "http://scan.example.org", "PUBLIC_BASE_URL is no https"),
    ("PUBLIC_BASE_URL", "https://", "PUBLIC_BASE_URL is no https"),
    *[(name, value, name) for name, value in COOKIES],
    ("SECOND_FACTOR", "admin", "SECOND_FACTOR is 'admin'"),
    ("MFA_TOTP_INSECURE_BYPASS_CODE", "123456", "MFA_TOTP_INSECURE_BYPASS_CODE is set"),
    ("MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN", True, "MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN is set"),
    ("ERASURE_LEDGER", "", "ERASURE_LEDGER is not set"),
    ("WEB_WORKERS", 2, "CACHES keeps a cache in each process"),
    *[
        ("EMAIL_BACKEND", f"django.core.mail.backends.{name}.EmailBackend", "EMAIL_URL is not set")
        for name in ("console", "dummy", "locmem")
    ],
]


@pytest.fixture
def production(settings, monkeypatch):
    """Settings that production takes, and no file that a secret came from."""
    for name, value in GOOD.items():
        setattr(settings, name, value)
    monkeypatch.setattr(env, "_files", {})
    return settings


def refusal(*tags: str) -> str:
    with pytest.raises(UnsafeStart) as refused:
        refuse_unsafe_start(*tags)
    return str(refused.value)


def test_good_settings_start(production):
    refuse_unsafe_start("boot")


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_each_unsafe_setting_is_refused_by_name(production, name, value, said):
    setattr(production, name, value)
    text = refusal("boot")
    assert said in text
    assert all(
        problem.hint for problem in run_checks(tags=["boot"], include_deployment_checks=True)
    )


@pytest.mark.parametrize(("name", "value", "said"), WRONG)
def test_development_starts_with_each_of_them(production, name, value, said):
    setattr(production, name, value)
    production.ENVIRONMENT = "development"
    refuse_unsafe_start("boot")


def test_a_ledger_in_the_data_folder_is_refused(production):
    production.ERASURE_LEDGER = str(production.DATA_DIR / "erasures.jsonl")
    assert "ERASURE_LEDGER lies in the data folder" in refusal("boot")


def test_sqlite_is_for_those_who_ask_for_it(production, monkeypatch):
    engine = "django.db.backends.sqlite3"
    monkeypatch.setitem(django_settings.DATABASES["default"], "ENGINE", engine)
    refuse_unsafe_start("boot")
    production.ALLOW_SQLITE = False
    assert "DATABASE_URL names SQLite" in refusal("boot")
    monkeypatch.setitem(django_settings.DATABASES["default"], "ENGINE", "x.backends.postgresql")
    refuse_unsafe_start("boot")


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o644, 0o420])
@pytest.mark.parametrize("name", ["VAULT_KEK_FILE", ".env"])
def test_a_secret_that_others_can_read_is_refused(production, tmp_path, monkeypatch, name, mode):
    path = tmp_path / "kek"
    if name == ".env":
        path = tmp_path / ".env"
        path.write_text("LOG_LEVEL=INFO\n")
        monkeypatch.setattr(env, "_dotenv", {})
        env.read_dotenv(path)
    else:
        path.write_text(base64.b64encode(os.urandom(32)).decode())
        monkeypatch.setenv(name, str(path))
        env.env_key("VAULT_KEK")
    path.chmod(0o400)
    refuse_unsafe_start("boot")
    path.chmod(mode)
    text = refusal("boot")
    assert f"{name}: {path} can be read by others" in text
    assert f"chmod 0400 {path}" in text


def test_a_queue_that_would_deliver_twice_is_refused(production):
    production.Q_CLUSTER = production.Q_CLUSTER | {"retry": 901}
    assert "Q_CLUSTER['retry'] is 901 s" in refusal("boot")


def test_queue_internals_in_the_admin_are_refused(production, monkeypatch):
    monkeypatch.setitem(admin.site._registry, Schedule, object())
    assert "Schedule must not be in the admin" in refusal("boot")


def test_an_engine_with_a_network_is_accepted_only_in_writing(production, monkeypatch):
    monkeypatch.setattr(checks, "is_isolated", lambda: True)
    refuse_unsafe_start("boot_engine")
    monkeypatch.setattr(checks, "is_isolated", lambda: False)
    assert "ALLOW_ENGINE_NETWORK" in refusal("boot_engine")
    production.ALLOW_ENGINE_NETWORK = True
    refuse_unsafe_start("boot_engine")


@pytest.mark.django_db
def test_a_trail_without_its_triggers_is_refused(production):
    with triggers_lifted():
        assert "accounts_auditevent_no_" in refusal("boot_database")


@pytest.mark.django_db
def test_a_database_cache_without_its_table_is_refused(production):
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS cache")
    production.CACHES = {"default": {"BACKEND": CACHE, "LOCATION": "cache"}}
    assert "the cache's table “cache” is missing" in refusal("boot_database")
    call_command("createcachetable", verbosity=0)
    refuse_unsafe_start("boot_database")


@pytest.mark.django_db
def test_unapplied_migrations_are_refused(production, monkeypatch):
    refuse_unsafe_start("boot_database")
    monkeypatch.setattr(guards.MigrationExecutor, "migration_plan", lambda *args: [1, 2])
    assert "2 migrations are not applied" in refusal("boot_database")


def test_all_that_is_wrong_is_said_at_once(production):
    production.DEBUG, production.ALLOWED_HOSTS, production.SECOND_FACTOR = True, [], "never"
    production.SECRET_KEY, production.EMAIL_BACKEND = "short", "x.backends.console.EmailBackend"
    text = refusal("boot")
    for name in ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "SECOND_FACTOR", "EMAIL_URL"):
        assert name in text
    assert "short" not in text  # a secret is never repeated


# --- the doors, as processes of their own


@pytest.fixture
def cache_table():
    """What `manage.py start` makes before it serves."""
    call_command("createcachetable", "cache", verbosity=0)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS cache")


def run(*command: str, **variables: str) -> subprocess.CompletedProcess:
    """Run a process that knows `variables` alone, on the database of this test."""
    kept = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "mediscan.settings.prod"}
    place = {
        "DATABASE_URL": database_url(connection.settings_dict),
        "MEDISCAN_DATA_DIR": str(django_settings.DATA_DIR),
        "ALLOW_SQLITE": "true",
        "DEBUG": "false",
    }
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | place | variables,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def safe(tmp_path: Path) -> dict[str, str]:
    """The environment of a production that starts; the key as a file that only we read."""
    kek = tmp_path / "kek"
    kek.write_text(base64.b64encode(bytes(range(32))).decode())
    kek.chmod(0o400)
    return {
        "SECRET_KEY": RANDOM,
        "VAULT_KEK_FILE": str(kek),
        "ALLOWED_HOSTS": "scan.example.org",
        "PUBLIC_BASE_URL": "https://scan.example.org",
        "EMAIL_URL": "smtp+tls://mail.example.org:587",
        "ERASURE_LEDGER": str(tmp_path / "erasures.jsonl"),
        "ALLOW_ENGINE_NETWORK": "true",  # whatever the machine of the tests grants
    }


UNSAFE = {
    "SECRET_KEY": "short",
    "VAULT_KEK": base64.b64encode(bytes(32)).decode(),
    "SECOND_FACTOR": "admin",
    "DEBUG": "true",
    "ALLOW_SQLITE": "false",
}


@pytest.mark.django_db(transaction=True)
def test_check_deploy_is_silent_in_production(tmp_path, cache_table):
    tags = [f"--tag={tag}" for tag in ("security", "boot", "boot_database", "boot_engine")]
    done = run("manage.py", "check", "--deploy", "--fail-level=WARNING", *tags, **safe(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "command",
    [("manage.py", "start"), ("manage.py", "worker"), ("-c", "import mediscan.wsgi")],
    ids=["start", "worker", "wsgi"],
)
def test_every_door_refuses_and_names_all(command):
    done = run(*command, **UNSAFE)
    assert done.returncode != 0
    for name in ("DEBUG", "SECRET_KEY", "VAULT_KEK", "ALLOWED_HOSTS", "PUBLIC_BASE_URL",
                 "SECOND_FACTOR", "EMAIL_URL"):  # fmt: skip
        assert name in done.stderr
    assert "MediScan does not start like this:" in done.stderr


@pytest.mark.django_db(transaction=True)
def test_a_safe_production_serves(tmp_path, cache_table):
    done = run("-c", "import mediscan.wsgi; print('served')", **safe(tmp_path))
    assert done.stdout == "served\n", done.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["SECRET_KEY", "VAULT_KEK"])
def test_a_missing_secret_is_named_with_its_remedy(missing, tmp_path):
    there = safe(tmp_path)
    there.pop(missing if missing == "SECRET_KEY" else "VAULT_KEK_FILE")
    done = run("-c", "import mediscan.settings.prod", **there)
    assert done.returncode != 0
    assert f"{missing} is not set" in done.stderr
    assert "create_env_file" in done.stderr


@pytest.mark.django_db
def test_a_short_kek_is_named(tmp_path):
    there = safe(tmp_path) | {"VAULT_KEK": "c2hvcnQ="}
    there.pop("VAULT_KEK_FILE")
    done = run("-c", "import mediscan.settings.prod", **there)
    assert "VAULT_KEK holds 5 bytes; 32 are needed" in done.stderr


@pytest.mark.django_db
def test_no_account_exists_after_an_installation():
    assert not User.objects.exists()
