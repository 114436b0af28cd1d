"""The commands of the working heart say what they did."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from imaging.models import Job, JobStatus
from tests.imaging.factories import JobFactory
from tests.inference.factories import write_model

pytestmark = pytest.mark.django_db


def said(command: str, *options: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(command, *options, stdout=out, stderr=err, no_color=True)
    return out.getvalue(), err.getvalue()


def test_recover_jobs_says_how_many(queued):
    JobFactory(dead=True)
    assert said("recover_jobs")[0] == "1 recovered.\n"
    assert Job.objects.get().status == JobStatus.QUEUED
    assert said("recover_jobs", "--json")[0] == '{"recovered": 0}\n'


def test_sync_models_names_who_serves_and_who_does_not(settings, tmp_path):
    settings.MODELS_DIR, settings.STARTER_MODELS = tmp_path, ["good"]
    write_model(tmp_path, "good", b"a")
    (write_model(tmp_path, "bad", b"b") / "model.onnx").write_bytes(b"changed")
    out, err = said("sync_models")
    assert "Models in service: good 1.0.0." in out
    assert "bad" in err


def test_an_empty_models_folder_is_said(settings, tmp_path):
    settings.MODELS_DIR = tmp_path
    assert said("sync_models")[0] == "Models in service: none.\n"
