"""S8: nobody makes a plain connection pass for https by writing X-Forwarded-Proto."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test import Client

from mediscan.web_server import gunicorn
from tests.imaging.live import database_url
from tests.security.test_s56_boot_guards import ROOT, cache_table, run, safe

__all__ = ["cache_table"]
HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
FORGED = {"Host": "scan.example.org", "X-Forwarded-Proto": "https"}
LOOP = "TRUSTED_PROXIES is 0, and PUBLIC_BASE_URL is https://"
SHOW = """
import json
from django.conf import settings
print(json.dumps([settings.SECURE_PROXY_SSL_HEADER, settings.SECURE_SSL_REDIRECT]))
"""


@pytest.mark.django_db
@pytest.mark.parametrize(("believed", "status"), [(None, 301), (HEADER, 200)])
def test_a_plain_request_goes_to_https_unless_a_proxy_is_counted(settings, believed, status):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, believed
    forged = {"X-Forwarded-Proto": "https"}
    assert Client().get("/accounts/login/", headers=forged).status_code == status
    assert Client().get("/accounts/login/").status_code == 301


@pytest.mark.django_db
@pytest.mark.parametrize("module", ["prod", "dev"])
@pytest.mark.parametrize(
    ("proxies", "believed"), [({}, None), ({"TRUSTED_PROXIES": "0"}, None),
                              ({"TRUSTED_PROXIES": "1"}, list(HEADER))],
)  # fmt: skip
def test_the_header_is_believed_where_a_proxy_is_counted(tmp_path, module, proxies, believed):
    chosen = {"DJANGO_SETTINGS_MODULE": f"mediscan.settings.{module}"}
    done = run("-c", SHOW, **safe(tmp_path) | proxies | chosen)
    assert json.loads(done.stdout) == [believed, True], done.stderr


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("environment", ["production", "development"])
def test_a_start_that_would_redirect_for_ever_names_the_setting(tmp_path, environment):
    chosen = {"DJANGO_SETTINGS_MODULE": "mediscan.settings.chosen", "ENVIRONMENT": environment}
    done = run("manage.py", "start", **safe(tmp_path) | chosen)
    assert done.returncode != 0
    assert LOOP in done.stderr
    assert "TRUSTED_PROXIES=1" in done.stderr


@contextmanager
def served(tmp_path, **more: str):
    """Our web server as `make start` runs it, on the database of this test."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "mediscan.settings.prod",
        "DATABASE_URL": database_url(connection.settings_dict),
        "MEDISCAN_DATA_DIR": str(django_settings.DATA_DIR),
        "ALLOW_SQLITE": "true",
    }
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            gunicorn("127.0.0.1", port, 1), cwd=ROOT, env=place | safe(tmp_path) | more,
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process, port
    finally:
        process.terminate()
        process.wait(20)


def asked(port: int, headers: dict[str, str]) -> int:
    """Return the status of /healthz/, once the server listens."""
    deadline = time.monotonic() + 40
    while True:
        try:
            ours = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            ours.request("GET", "/healthz/", headers=headers)
            return ours.getresponse().status
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.django_db(transaction=True)
def test_behind_a_proxy_the_server_answers_and_without_one_it_does_not_start(tmp_path, cache_table):
    with served(tmp_path, TRUSTED_PROXIES="1") as (_, port):
        assert asked(port, FORGED) == 200
        assert asked(port, FORGED | {"X-Forwarded-Proto": "http"}) == 301
        # what gunicorn by itself believes from whoever connects from this machine
        assert asked(port, {"Host": "scan.example.org", "X-Forwarded-Ssl": "on"}) == 301
    with served(tmp_path) as (process, _):
        assert process.wait(60) != 0
    assert LOOP in (tmp_path / "log").read_text()
