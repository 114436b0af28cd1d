"""S17: production's cookies are bound to the host, and Django's own check finds nothing."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, django
from django.conf import settings
plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
settings.STORAGES = settings.STORAGES | {"staticfiles": plain}  # nothing is collected here
django.setup()
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
call_command("createcachetable", verbosity=0)
from allauth.account.models import EmailAddress
from accounts.models import User
user = User.objects.create_user(email="a@example.org", password="four words of no meaning")
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
client, told = Client(HTTP_HOST="scan.example.org"), []
def ask(method, address, **more):
    answer = getattr(client, method)(address, secure=True, **more)
    told.extend(cookie.OutputString() for cookie in answer.cookies.values())
    return answer
ask("get", "/accounts/login/")
form = {"login": "a@example.org", "password": "four words of no meaning"}
entered = ask("post", "/accounts/login/", data=form)
ask("get", "/dashboard/")
hsts = ask("get", "/")["Strict-Transport-Security"]
plain = client.get("/")
ask("post", "/accounts/logout/")
went = [plain.status_code, plain.get("location")]
print(json.dumps({"cookies": told, "hsts": hsts, "plain": went, "entered": entered.status_code}))
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory) -> dict[str, str]:
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return keep | {
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "mediscan.settings.prod",
        "ENVIRONMENT": "production",
        "PUBLIC_BASE_URL": "https://scan.example.org",
        "ALLOWED_HOSTS": "scan.example.org",
        "TRUSTED_PROXIES": "1",
        "SECRET_KEY": base64.urlsafe_b64encode(os.urandom(64)).decode(),
        "VAULT_KEK": base64.b64encode(os.urandom(32)).decode(),
        "EMAIL_URL": "smtp+tls://mail.example.org:587",
        "ALLOW_SQLITE": "true",
        "MEDISCAN_DATA_DIR": str(tmp_path_factory.mktemp("production")),
        "ERASURE_LEDGER": str(tmp_path_factory.mktemp("elsewhere") / "erasures.jsonl"),
        "DATABASE_URL": "",
        "EMAIL_FILE_DIR": "",
    }


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_every_cookie_of_production_is_bound_to_the_host(production):
    done = run(production, "-c", SCRIPT)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["entered"] == 302
    names = {cookie.split("=")[0] for cookie in told["cookies"]}
    assert {"__Host-sessionid", "__Host-csrftoken"} <= names
    for cookie in told["cookies"]:
        assert cookie.startswith("__Host-"), cookie
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"path=/", "secure"} <= parts, cookie
        assert "httponly" in parts or "max-age=0" in parts, cookie  # or it takes one away
        assert {"samesite=lax", "samesite=strict"} & parts, cookie
        assert not any(part.startswith("domain") for part in parts), cookie
    assert told["hsts"] == "max-age=31536000; includeSubDomains"
    assert told["plain"] == [301, "https://scan.example.org/"]


SILENCED = {  # the only ones; each with its reason beside it in mediscan/settings
    "auth.W004", "django_ratelimit.W001", "django_ratelimit.E003", "security.W021",
}  # fmt: skip


def test_no_warning_is_silenced_but_those_with_a_reason(production):
    says = "from django.conf import settings; print(*settings.SILENCED_SYSTEM_CHECKS)"
    done = run(production, "-c", f"import django; django.setup(); {says}")
    assert set(done.stdout.split()) == SILENCED, done.stderr[-3000:]
    for path in ("base.py", "prod.py"):
        lines = Path(ROOT, "mediscan/settings", path).read_text().splitlines()
        for before, line in pairwise(lines):
            if any(f'"{one}"' in line for one in SILENCED):
                assert before.lstrip().startswith("#"), f"{path}: {line} without a reason"


def test_the_deployment_check_is_silent(production):
    assert run(production, "manage.py", "migrate", "--verbosity=0").returncode == 0
    done = run(production, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "no issues" in done.stdout + done.stderr


def test_a_program_is_refused_over_plain_http_and_a_page_is_redirected(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    for address in ("/api/v1/token/", "/api/v1/me/", "/api/v1/nowhere/"):
        answer = client.post(address, {"password": "x"}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (403, "https_required")
        assert answer["Content-Type"] == "application/problem+json"
        assert "Location" not in answer
    page = client.get("/accounts/login/")
    assert (page.status_code, page["Location"]) == (301, "https://testserver/accounts/login/")
    assert client.post("/api/v1/token/", secure=True).status_code != 403
