"""The commands that integrators read are run, as they are written, against a live server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from django.db import transaction
from django.utils.timezone import now

from accounts.roles import ADMINISTRATOR
from imaging.formats.png import encode_png
from imaging.models import Job, JobStatus, Order, Review, Run
from imaging.services.uploads import upload_ingest
from reports.models import Export
from tests.accounts.api.calls import pair_of
from tests.accounts.factories import PASSWORD, UserFactory
from tests.formats.factories import nifti_file
from tests.imaging.factories import ModelVersionFactory, ResultFactory, ramp
from tests.imaging.fake_engine import FakeEngine, decoded

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="no curl or jq"),
]


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def worker(monkeypatch):
    """Do at once, after the commit, what the queue is told: read files, end jobs with a result."""
    monkeypatch.setattr("imaging.services.members.manifest_problem", lambda model: "")

    class Endless(FakeEngine):
        def call(self, op, **more):
            self.answers.append(decoded())
            return super().call(op, **more)

        def __enter__(self):
            return self

        def __exit__(self, *fault):
            return None

    monkeypatch.setattr("imaging.services.ingest.decode_engine", Endless)

    def work(task: str, pk: str) -> None:
        if task == "imaging.tasks.ingest_upload":
            upload_ingest(pk)
        elif task == "imaging.tasks.run_job":
            ended = {"status": JobStatus.SUCCEEDED, "finished_at": now()}
            if Job.objects.filter(pk=pk, status=JobStatus.QUEUED).update(**ended):
                ResultFactory(job=Job.objects.get(pk=pk))

    def enqueue(task, *args, **where):
        transaction.on_commit(lambda: work(task, *args))

    monkeypatch.setattr("imaging.queue.enqueue", enqueue)


@pytest.fixture
def shell(live_server, tmp_path):
    """Run lines in bash, in a folder with the pictures; localhost:8000 is the live server here."""
    for seed, name in enumerate(("chest.png", "other.png", "sample_image.jpg")):
        (tmp_path / name).write_bytes(encode_png(ramp()[0] + 7 * seed))
    (tmp_path / "large.nii").write_bytes(nifti_file(np.zeros((64, 256, 300), np.int16)))
    there = live_server.url.removeprefix("http://")
    (tmp_path / ".curlrc").write_text(f'connect-to = "localhost:8000:{there}"\nmax-time = 60\n')

    def run(lines: str, **names: str) -> str:
        environment = os.environ | {"CURL_HOME": str(tmp_path), "HOME": str(tmp_path)} | names
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", lines], cwd=tmp_path, env=environment,
            capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert "request_id" not in done.stdout, done.stdout  # a problem
        return done.stdout

    return run


def blocks(path: str) -> list[str]:
    return BLOCK.findall((ROOT / path).read_text(encoding="utf-8"))


def test_the_page_for_integrators_is_run_from_top_to_bottom(shell, user, worker):
    model = ModelVersionFactory()
    said = shell(
        "\n".join(blocks("docs/integrators/api.md")),
        EMAIL=user.email, PASSWORD=PASSWORD, MODEL=model.name,
    )  # fmt: skip
    assert '"affected_area_percent": 26.04' in said
    assert (Order.objects.count(), Run.objects.count()) == (1, 2)
    assert Review.objects.get().comment == "Read on the ward."
    assert Export.objects.get().kind == "pdf"


def test_the_lines_of_the_readme_are_run(shell, client, user, worker):
    (lines,) = [one for one in blocks("README.md") if "/api/xray/analyze" in one]
    for name, kind in (("my_new_model", "xray"), ("my_mri_model", "mri"), ("my_ct_model", "ct")):
        ModelVersionFactory(name=name, modalities=[kind])
    known = {"radiologist@example.org": user.email, "PASSWORD": PASSWORD}
    known |= {"TOKEN": pair_of(client, user)["access"]}
    for word, meant in known.items():
        lines = lines.replace(word, meant)
    said = shell(lines)
    assert said.count('"result_url"') == 3
    assert '"access"' in said
    assert Order.objects.count() == 3


def test_the_page_of_webhooks_is_run(shell, client, queued):
    head = UserFactory(role=ADMINISTRATOR)
    access = pair_of(client, head)["access"]
    (lines,) = blocks("docs/integrators/webhooks.md")
    said = shell(lines, BASE="http://localhost:8000", ACCESS=access)
    assert said.count("whsec_") == 2
    assert '"state": "waiting"' in said
    assert said.split()[-2:] == ["person", "204"]
