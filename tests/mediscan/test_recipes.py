"""The scripts of docs/integrators/python.md are run as they are written."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.transaction import on_commit

from imaging.formats.png import encode_png
from imaging.models import Order
from reports.tasks import make_export
from tests.accounts.api.keys import a_key
from tests.accounts.factories import PASSWORD, UserFactory
from tests.imaging.factories import ModelVersionFactory, ResultFactory, ramp
from tests.mediscan.test_integrators import worker  # noqa: F401  a fixture
from tests.reports.test_choosing import signed_review

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.django_db(transaction=True)
TABLE, SPOOL, SIGNED = BLOCK.findall(
    (ROOT / "docs/integrators/python.md").read_text(encoding="utf-8")
)


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def python(live_server, user, tmp_path):
    def run(script: str, **names: str) -> subprocess.CompletedProcess:
        given = {"MEDISCAN": live_server.url, "EMAIL": user.email, "PASSWORD": PASSWORD}
        given |= {"PYTHONPATH": str(ROOT / "clients/python")} | names
        return subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=os.environ | given,
            capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


def picture(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_png(ramp()[0] + 7 * seed))


def test_a_folder_becomes_a_table(python, tmp_path, worker):  # noqa: F811
    picture(tmp_path / "xrays" / "a.png")
    picture(tmp_path / "xrays" / "b.png", 1)
    script = TABLE.replace('lambda: input("Code: ")', '""')  # this person has no second factor yet
    done = python(script, MODEL=ModelVersionFactory().name)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "table.csv").open(encoding="utf-8") as source:
        rows = list(csv.DictReader(source))
    assert [(row["file"], row["area_percent"]) for row in rows] == [
        ("a.png", "26.04"),
        ("b.png", "26.04"),
    ]


def test_a_machine_sends_nothing_twice(python, tmp_path, worker):  # noqa: F811
    picture(tmp_path / "spool" / "a.png")
    _key, text = a_key(scopes=["upload.create", "run.submit", "run.view", "result.view"])
    names = {"MODEL": ModelVersionFactory().name, "KEY": text}
    done = python(SPOOL, **names)
    assert done.returncode == 0, done.stderr
    assert "finished" in done.stdout
    assert (tmp_path / "spool" / "a.sent").exists()
    (tmp_path / "spool" / "a.sent").rename(tmp_path / "spool" / "a.png")  # it died before that
    assert "finished" in python(SPOOL, **names).stdout
    assert Order.objects.count() == 1
    assert (tmp_path / "masks" / "a.png").exists()


def test_what_was_signed_becomes_a_table(python, user, tmp_path, monkeypatch):
    ResultFactory(user=user)
    nothing = python(SIGNED)
    assert nothing.returncode == 1
    assert "not_possible" in nothing.stderr
    signed_review(ResultFactory(user=user), user)
    monkeypatch.setattr("imaging.queue.enqueue", lambda task, pk, **where: on_commit(
        lambda: make_export(pk)))  # fmt: skip
    done = python(SIGNED)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "signed.csv").open(encoding="utf-8") as source:
        assert sum(1 for line in source if line.startswith(str(user)) or "26.04" in line) == 1
