"""Asking for an analysis: what is refused in words, what is frozen, what is queued."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import AuditEvent
from imaging.inference.spec import EnsembleSpec
from imaging.models import Job, JobStatus, ModelState, Run
from imaging.services.refusals import NotPossible
from imaging.services.runs import MemberChoice, run_cancel, run_submit
from tests.accounts.factories import DepartmentFactory, MembershipFactory, UserFactory
from tests.imaging.factories import EnsembleFactory, ImageFactory, JobFactory, ModelVersionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def image(user):
    return ImageFactory(user=user)


def submit(user, images, members=None, **changes) -> Run:
    asked = {"members": members or [MemberChoice(ModelVersionFactory())], "threshold": 0.5}
    return run_submit(user=user, images=images, **asked | changes)


def test_a_run_has_one_queued_job_per_image(user, queued):
    images = [ImageFactory(user=user) for _ in range(3)]
    run = submit(user, images)
    jobs = list(run.jobs.all())
    assert [job.image for job in jobs] == images
    assert {job.status for job in jobs} == {JobStatus.QUEUED}
    assert queued == [("imaging.tasks.run_job", str(job.pk)) for job in jobs[: len(queued)]]
    assert AuditEvent.objects.filter(action="run.submit", actor=user).count() == 1


def test_the_frozen_copy_is_what_the_engine_reads(user, image, queued):
    members = [
        MemberChoice(ModelVersionFactory(), 3, "cuda"),
        MemberChoice(ModelVersionFactory(), 1, "cpu"),
        MemberChoice(ModelVersionFactory(), 0, "auto"),
    ]
    run = submit(user, [image], members, threshold=0.45)
    spec = EnsembleSpec.from_json(run.frozen)
    assert [(m.model, m.weight, m.device) for m in spec.members] == [
        (m.model_version.name, m.weight, m.device) for m in members
    ]
    assert spec.members[0].sha256 == members[0].model_version.sha256
    assert (spec.threshold, spec.labels) == (0.45, ("lung fields",))
    assert [member.share for member in run.members.all()] == [0.75, 0.25, 0]


def test_the_severity_rule_is_the_ensembles_or_the_heaviest_members(user, image, queued):
    rule = {"rule": "area-circularity", "version": 1, "basis": "organ", "area": [1, 2],
            "circularity": [0.1, 0.2]}  # fmt: skip
    light, heavy = ModelVersionFactory(), ModelVersionFactory()
    heavy.metadata = heavy.metadata | {"severity": rule}
    members = [MemberChoice(light, 1), MemberChoice(heavy, 2)]
    assert submit(user, [image], members).frozen["severity"] == rule

    other = rule | {"area": [3, 4]}
    ensemble = EnsembleFactory(severity=other)
    assert submit(user, [image], members, ensemble=ensemble).frozen["severity"] == other


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf])
def test_a_weight_that_cannot_be_is_refused(user, image, weight, queued):
    with pytest.raises(NotPossible, match="weight"):
        submit(user, [image], [MemberChoice(ModelVersionFactory(), weight)])


def test_all_weights_zero_is_refused(user, image, queued):
    with pytest.raises(NotPossible, match="All weights are zero"):
        submit(user, [image], [MemberChoice(ModelVersionFactory(), 0)])


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "", "cpu;", "CUDA"])
def test_an_unknown_device_is_refused(user, image, device, queued):
    with pytest.raises(NotPossible, match="not a device"):
        submit(user, [image], [MemberChoice(ModelVersionFactory(), 1, device)])


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, math.nan])
def test_a_threshold_outside_0_to_1_is_refused(user, image, threshold, queued):
    with pytest.raises(NotPossible, match="threshold"):
        submit(user, [image], threshold=threshold)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": ModelState.CHECKED}, "not active"),
        ({"state": ModelState.QUARANTINED, "problem": "model.onnx has changed"}, "has changed"),
        ({"modalities": ["ct"]}, "made for CT; the images are X-ray"),
        ({"type": "regression"}, "is not run here"),
        ({"metadata": {"input_shape": [1, 1, 96, 96, 96]}}, "reads volumes"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_with_the_reason(user, image, fields, words, queued):
    with pytest.raises(NotPossible, match=words):
        submit(user, [image], [MemberChoice(ModelVersionFactory(**fields))])
    assert not Run.objects.exists()


def test_models_of_different_findings_are_not_averaged(user, image, queued):
    a, b = ModelVersionFactory(), ModelVersionFactory(labels=["heart"])
    with pytest.raises(NotPossible, match="cannot be averaged"):
        submit(user, [image], [MemberChoice(a), MemberChoice(b)])


def test_the_same_model_twice_is_refused(user, image, queued):
    model = ModelVersionFactory()
    with pytest.raises(NotPossible, match="twice"):
        submit(user, [image], [MemberChoice(model), MemberChoice(model)])


def test_images_of_two_kinds_are_refused(user, image, queued):
    with pytest.raises(NotPossible, match="one kind"):
        submit(user, [image, ImageFactory(user=user, modality="ct")])


def test_another_organisations_image_does_not_exist(user, queued):
    with pytest.raises(NotPossible, match="does not exist"):
        submit(user, [ImageFactory()])


def test_no_image_and_no_model_are_refused(user, image, queued):
    with pytest.raises(NotPossible, match="at least one image"):
        submit(user, [])
    with pytest.raises(NotPossible, match="at least one model"):
        run_submit(user=user, images=[image], members=[], threshold=0.5)


def test_a_refusal_can_be_shown_by_a_form_and_caught_as_a_value_error():
    error = NotPossible("No.")
    assert isinstance(error, ValidationError)
    assert isinstance(error, ValueError)
    assert (str(error), error.messages) == ("No.", ["No."])


def test_the_plans_runs_of_the_month_are_the_limit(user, image, queued):
    plan = image.organisation.plan
    plan.runs_per_month = 1
    plan.save()
    submit(user, [image])
    with pytest.raises(NotPossible, match="allows 1 runs a month and 1 were made"):
        submit(user, [image])


def test_a_form_sent_twice_makes_one_run(user, image, queued):
    model = [MemberChoice(ModelVersionFactory())]
    runs = [submit(user, [image], model, token="abc") for _ in range(2)]
    assert runs[0] == runs[1]
    assert Job.objects.count() == 1


def test_a_run_of_many_images_costs_few_statements(user, queued, django_assert_max_num_queries):
    images = [ImageFactory(user=user) for _ in range(12)]
    members = [MemberChoice(ModelVersionFactory())]
    with django_assert_max_num_queries(24):
        submit(user, images, members)


def test_cancelling_ends_what_is_not_finished(queued):
    done = JobFactory(succeeded=True)
    run = done.run
    waiting = JobFactory(run=run)
    running = JobFactory(run=run, running=True)
    assert run_cancel(user=run.requested_by, run=run) == 2
    assert {job.status for job in (_fresh(waiting), _fresh(running))} == {JobStatus.CANCELLED}
    assert _fresh(done).status == JobStatus.SUCCEEDED
    run.refresh_from_db()
    assert run.cancelled_at is not None


def test_a_run_over_two_departments_is_cancelled_only_where_one_may_see(queued, client):
    run = JobFactory().run
    chest, head = DepartmentFactory.create_batch(2, organisation=run.organisation)
    mine, others = (
        JobFactory(
            run=run,
            image=ImageFactory(study__organisation=run.organisation, study__department=place),
        )
        for place in (chest, head)
    )
    reader = MembershipFactory(organisation=run.organisation, department=chest).user
    client.force_login(reader)
    answer = client.post(reverse("imaging:run-cancel", args=[run.pk]), follow=True)
    assert (_fresh(mine).status, _fresh(others).status) == (JobStatus.CANCELLED, JobStatus.QUEUED)
    page = answer.content.decode()
    assert "1 image was cancelled." in page
    assert "other images of this run go on" in page


def test_cancelling_twice_changes_nothing(queued):
    run = JobFactory().run
    assert [run_cancel(user=run.requested_by, run=run) for _ in range(2)] == [1, 0]
    assert AuditEvent.objects.filter(action="run.cancel").count() == 1


def _fresh(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_an_ensembles_own_thresholds_hold_for_its_own_members_alone(user, image, queued):
    ensemble = EnsembleFactory(members=2, thresholds={"lung fields": 0.3})
    saved = list(ensemble.members.order_by("position"))
    same = [MemberChoice(one.model_version, 2 * one.weight) for one in saved]
    heavier = [replace(same[0], weight=9 * saved[0].weight), same[1]]
    newer = ModelVersionFactory(name=saved[0].model_version.name, version="2.0.0")

    def thresholds(members, **more):
        return submit(user, [image], members, ensemble=ensemble, **more).frozen["thresholds"]

    assert thresholds(same) == {"lung fields": 0.3}
    assert thresholds(same, threshold=0.4) == {"lung fields": 0.3}
    assert thresholds(same[:1]) == {}
    assert thresholds(heavier) == {}
    assert thresholds([MemberChoice(newer, 2), same[1]]) == {}
    assert thresholds(same, fusion="majority") == {}


# --- tasks and fusion


def task(kind: str, *labels: str) -> MemberChoice:
    return MemberChoice(ModelVersionFactory(type=kind, labels=list(labels or ("spot",))))


def test_the_fusion_that_was_asked_for_is_frozen(user, image, queued):
    run = run_submit(
        user=user, images=[image], members=[MemberChoice(ModelVersionFactory())],
        threshold=0.5, fusion="staple",
    )  # fmt: skip
    assert run.frozen["fusion"] == "staple"
    with pytest.raises(NotPossible, match="how the models are joined"):
        run_submit(
            user=user, images=[image], members=[MemberChoice(ModelVersionFactory())],
            threshold=0.5, fusion="vote",
        )  # fmt: skip


def test_one_task_runs_at_a_time(user, image, queued):
    with pytest.raises(NotPossible, match="only one task runs at a time"):
        submit(user, [image], [task("detection"), task("classification")])


def test_masks_alone_are_joined_by_staple(user, image, queued):
    with pytest.raises(NotPossible, match="STAPLE joins masks"):
        run_submit(
            user=user, images=[image], members=[task("detection")], threshold=0.5, fusion="staple"
        )


def test_classes_of_several_models_are_a_union(user, image, queued):
    members = [task("classification", "Effusion", "mass"), task("classification", "effusion")]
    run = submit(user, [image], members)
    assert run.frozen["union"] is True
    assert run.frozen["labels"] == ["Effusion", "mass"]
    with pytest.raises(NotPossible, match="cannot be averaged"):
        submit(user, [image], [task("detection", "a"), task("detection", "b")])
