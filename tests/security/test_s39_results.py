"""S39: whatever is edited in a stored result, in SQL and past the code, is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.vault.storage import blob_open
from imaging import tasks
from imaging.models import (
    Job,
    Lesion,
    Measurement,
    Member,
    MemberOutcome,
    ModelVersion,
    Result,
    ResultMap,
    ResultSeal,
    Run,
)
from imaging.registry import models_sync
from imaging.services import jobs, seals
from imaging.services.members import MemberChoice
from imaging.services.runs import run_submit
from imaging.services.seals import result_changes
from tests.accounts.factories import UserFactory
from tests.imaging.analyses import fake_analysis
from tests.imaging.factories import ImageFactory, JobFactory, ResultFactory
from tests.imaging.tiny_models import make_model, picture

pytestmark = pytest.mark.django_db
EDITS = {
    "threshold": 0.99,
    "level": 3,
    "severity": "none",
    "severity_reason": "somebody's word",
    "severity_rule": {"rule": "other", "version": 9, "basis": "frame"},
    "area_hundredths": 1,
    "intensity_range": [0, 1],
    "table": [],
    "ranges": {},
    "agreement": {"disagree": False},
    "disagree": True,
    "labels": ["else"],
    "versions": {"numpy": "3"},
}


@pytest.fixture
def result(settings, tmp_path, queued) -> Result:
    """A result that went through the real door."""
    settings.DATA_DIR = tmp_path
    job = jobs.job_claim(str(JobFactory().pk))
    assert jobs.job_succeed(job, fake_analysis(job, tmp_path), tmp_path)
    return Result.objects.get(job=job)


@pytest.mark.engine
@pytest.mark.django_db(transaction=True)
def test_a_run_from_what_was_stored_comes_to_the_same(settings, tmp_path, queued):
    """The same input, members by hash, thresholds: within one level of 255, and the same words."""
    settings.DATA_DIR, settings.MODELS_DIR = tmp_path / "data", tmp_path / "models"
    for name, line in (("bright", (40.0, -20.0)), ("eager", (40.0, -12.0))):
        make_model(settings.MODELS_DIR, name, lines=(line,))
    models_sync()
    ModelVersion.objects.update(state="active", problem="")  # these few bytes have no card
    user = UserFactory()
    array = picture(bright=(10, 40, 12, 50), dim=(45, 60, 5, 30))[None]
    image = ImageFactory(user=user, array=array)
    members = [MemberChoice(one, weight=1.0) for one in ModelVersion.objects.order_by("name")]
    first = analysed(run_submit(user=user, images=[image], members=members, threshold=0.4))
    again = Run.objects.get(pk=first.job.run_id)  # as it was frozen, under a name of its own
    again.pk, again._state.adding = Run().pk, True
    again.save()
    Member.objects.bulk_create(
        Member(run=again, model_version=one.model_version, weight=one.weight, device=one.device,
               share=one.share, position=one.position)
        for one in first.job.run.members.all()
    )  # fmt: skip
    second = analysed(again, Job.objects.create(
        organisation=again.organisation, run=again, image=image, position=0
    ))  # fmt: skip
    assert second.pk != first.pk
    for field in ("threshold", "level", "severity", "severity_reason", "labels", "versions"):
        assert getattr(second, field) == getattr(first, field), field
    for one, other in zip(first.table, second.table, strict=True):
        assert other["area_px"] == pytest.approx(one["area_px"], rel=0.01)
    maps = {row.name: read(row.blob) for row in ResultMap.objects.filter(result=first)}
    assert {"ensemble"} < maps.keys()
    for row in ResultMap.objects.filter(result=second):
        apart = np.abs(read(row.blob).astype(int) - maps[row.name].astype(int))
        assert apart.max() <= 1, row.name
    assert maps["ensemble"].max() > 200  # there is something to compare
    assert result_changes(first) == result_changes(second) == []


def analysed(run: Run, job: Job | None = None) -> Result:
    job = job or run.jobs.get()
    tasks.run_job(str(job.pk))
    job.refresh_from_db()
    assert job.status == "succeeded", job.error
    return job.result


def read(blob) -> np.ndarray:
    with blob_open(blob) as content:
        return np.frombuffer(content.read(), np.uint8)


def test_an_untouched_result_is_as_it_was_sealed(result, capsys):
    assert result_changes(result) == []
    call_command("verify_results")
    assert "1 results looked at, 0 changed" in capsys.readouterr().out
    call_command("verify_results", "--json")
    assert json.loads(capsys.readouterr().out) == {"results": 1, "changed": []}


def test_a_machine_is_told_what_was_edited(result, capsys):
    Result.objects.filter(pk=result.pk).update(severity="low")
    with pytest.raises(SystemExit):
        call_command("verify_results", "--json")
    (one,) = json.loads(capsys.readouterr().out)["changed"]
    assert (one["kind"], one["id"], one["fields"]) == ("result", str(result.pk), ["severity"])


@pytest.mark.parametrize(("field", "value"), EDITS.items())
def test_an_edited_field_is_named(result, field, value, capsys):
    assert getattr(result, field) != value
    Result.objects.filter(pk=result.pk).update(**{field: value})
    assert result_changes(Result.objects.get(pk=result.pk)) == [field]
    with pytest.raises(SystemExit) as end:
        call_command("verify_results")
    assert end.value.code == 1
    assert f"result {result.pk}: changed since it was stored: {field}\n" in capsys.readouterr().out


def test_another_task_is_named_too(result):
    # SQL lets no class or box have a severity, so both are edited
    Result.objects.filter(pk=result.pk).update(type="detection", severity="not assessed")
    assert {"severity", "type"} <= set(result_changes(Result.objects.get(pk=result.pk)))


def test_every_stored_field_is_either_sealed_or_known_not_to_be():
    stored = {field.attname for field in Result._meta.concrete_fields}
    assert stored - {*seals.FIELDS, *seals.LATER} == {"id", "created_at", "timings"}


def test_an_edited_number_of_a_row_is_named(result):
    Measurement.objects.filter(result=result, name="area_px").update(value=7)
    Lesion.objects.filter(result=result, position=1).update(facts={})
    MemberOutcome.objects.filter(result=result)[0]
    member = MemberOutcome.objects.filter(result=result)[0]
    MemberOutcome.objects.filter(pk=member.pk).update(device_used="cuda")
    assert result_changes(result) == [
        "lesion 1.0",
        "measurement area_px",
        f"memberoutcome {member.member_id}",
    ]


def test_a_row_that_is_gone_or_new_is_named(result):
    Measurement.objects.filter(result=result, name="specks").delete()
    copy = Measurement.objects.filter(result=result, name="area_px").get()
    copy.pk, copy.name, copy._state.adding = None, "invented", True
    copy.id = Measurement().id
    copy.save()
    assert result_changes(result) == ["measurement invented", "measurement specks"]


def test_another_picture_in_place_of_a_map_is_named(result):
    ensemble = ResultMap.objects.get(result=result, name="ensemble")
    other = ResultMap.objects.exclude(pk=ensemble.pk).filter(result=result)[0]
    ResultMap.objects.filter(pk=ensemble.pk).update(blob=other.blob)
    assert result_changes(result) == ["resultmap ensemble"]


@pytest.mark.parametrize("change", ["mac", "parts", "kid", "delete", "borrow"])
def test_a_seal_cannot_be_made_to_fit(result, change, tmp_path, capsys):
    Result.objects.filter(pk=result.pk).update(severity="none")
    seal = ResultSeal.objects.get(result=result)
    if change == "delete":
        seal.delete()
    elif change == "borrow":
        job = jobs.job_claim(str(JobFactory().pk))
        jobs.job_succeed(job, fake_analysis(job, tmp_path), tmp_path)
        other = ResultSeal.objects.exclude(result=result).get()
        ResultSeal.objects.filter(result=result).update(
            kid=other.kid, parts=other.parts, mac=other.mac
        )
    else:
        wrong = {
            "mac": "0" * 64,
            "parts": seal.parts | {"severity": "0" * 16},
            "kid": result.pk,
        }[change]
        ResultSeal.objects.filter(result=result).update(**{change: wrong})
    with pytest.raises(SystemExit):
        call_command("verify_results", "--result", str(result.pk))
    assert "its seal is missing or forged" in capsys.readouterr().out


def test_a_result_from_elsewhere_has_no_seal():
    assert result_changes(ResultFactory()) == [seals.NO_SEAL]


def test_the_seal_costs_one_statement(result, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        result_changes(Result.objects.get(pk=result.pk))
    assert connection.vendor in ("sqlite", "postgresql")


def test_an_id_that_is_none_is_said():
    with pytest.raises(CommandError, match="an id is a UUID"):
        call_command("verify_results", "--result", "x")
