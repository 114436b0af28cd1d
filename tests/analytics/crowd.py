"""Many results at once, for figures: rows without pixels of their own, of any age."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.timezone import now

from imaging.models import (
    Ensemble,
    Image,
    Job,
    JobStatus,
    MemberOutcome,
    Patient,
    Result,
    Review,
    Run,
    Series,
    Study,
)
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, ModelVersionFactory, RunFactory, operating_row

SEVERITIES = ("no finding", "low", "low", "moderate", "high")
DECISIONS = ("accepted", "accepted", "accepted", "edited", "rejected")


def crowd(
    n: int,
    *,
    reader=None,
    ago: timedelta = timedelta(hours=1),
    step: timedelta = timedelta(0),
    models=None,
    department=None,
    title: str = "Lung fields",
    review_of=lambda at: DECISIONS[at % 5],
    severity_of=lambda at: SEVERITIES[at % 5],
    seconds_of=lambda at: 60 + at % 30,
    modality_of=lambda at: "xray",
    **result,
) -> list[Result]:
    """Store `n` results of as many studies, the first `ago`, each `step` older than the last."""
    reader = reader or UserFactory()
    model = ImageFactory(user=reader)
    versions = models or [ModelVersionFactory()]
    run = RunFactory(requested_by=reader, versions=versions, title=title)
    ensemble = Ensemble.objects.create(name=f"e-{run.pk}", title=title, state="approved")
    Run.objects.filter(pk=run.pk).update(ensemble=ensemble)
    house, at = model.organisation, now() - ago
    times = [at - step * place for place in range(n)]
    patient = model.patient
    studies = [
        Study(organisation=house, patient=patient, department=department, uploaded_by=reader,
              study_instance_uid=f"1.{run.pk.int}.{p}", modality=modality_of(p))
        for p in range(n)
    ]  # fmt: skip
    series = [
        Series(organisation=house, patient=patient, study=study, series_instance_uid="1")
        for study in studies
    ]
    images = [
        Image(organisation=house, patient=patient, study=study, series=one, source=model.source,
              sop_instance_uid="1", modality=modality_of(p), depth=1, height=24, width=32,
              dtype="uint8", facts=model.facts, pixels=model.pixels, thumbnail=model.thumbnail)
        for p, (study, one) in enumerate(zip(studies, series, strict=True))
    ]  # fmt: skip
    jobs = [
        Job(organisation=house, run=run, image=image, position=p, status=JobStatus.SUCCEEDED,
            started_at=times[p], finished_at=times[p] + timedelta(seconds=seconds_of(p)))
        for p, image in enumerate(images)
    ]  # fmt: skip
    results = [
        Result(organisation=house, patient=patient, job=job, image=job.image, threshold=0.5,
               level=128, severity=severity_of(p), severity_reason="", severity_rule={},
               table=[operating_row()], **{"gate_verdict": "pass", **result})
        for p, job in enumerate(jobs)
    ]  # fmt: skip
    reviews = [
        Review(organisation=house, patient=patient, result=one, number=1, author=reader,
               decision=review_of(p), reason="other" if review_of(p) == "rejected" else "",
               **_edit(review_of(p)))
        for p, one in enumerate(results) if review_of(p)
    ]  # fmt: skip
    for table, rows in ((Patient, []), (Study, studies), (Series, series), (Image, images),
                        (Job, jobs), (Result, results), (Review, reviews)):  # fmt: skip
        table.objects.bulk_create(rows, batch_size=200)
    members = list(run.members.all())
    MemberOutcome.objects.bulk_create(
        [MemberOutcome(organisation=house, result=one, member=member, device_used="cpu",
                       load_ms=1, run_ms=10 + p % 5, area_px=200)
         for p, one in enumerate(results) for member in members],
        batch_size=200,
    )  # fmt: skip
    _age(studies, jobs, results, reviews, times)
    return results


def failures(n: int, *, reader, error: str = "The model x is gone.", ago=timedelta(hours=1)):
    """Store `n` failed jobs of one run."""
    image, run, at = ImageFactory(user=reader), RunFactory(requested_by=reader), now() - ago
    jobs = [
        Job(organisation=image.organisation, run=run, image=image, position=p,
            status=JobStatus.FAILED, error=error, finished_at=at)
        for p in range(n)
    ]  # fmt: skip
    Job.objects.bulk_create(jobs)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(created_at=at)


def _edit(decision: str) -> dict:
    if decision != "edited":
        return {}
    return {"threshold": 0.4, "level": 102, "row": operating_row(t=0.4, level=102, raw_px=300)}


def _age(studies, jobs, results, reviews, times: list[datetime]) -> None:
    """Set when rows were made, which `auto_now_add` does not let one choose."""
    for place, at in enumerate(times):
        studies[place].created_at = at
        jobs[place].created_at = at
        results[place].created_at = jobs[place].finished_at
    by_result = {one.pk: one.created_at for one in results}
    for review in reviews:
        review.created_at = by_result[review.result_id] + timedelta(minutes=10)
    for table, rows in ((Study, studies), (Job, jobs), (Result, results), (Review, reviews)):
        table.objects.bulk_update(rows, ["created_at"], batch_size=200)
