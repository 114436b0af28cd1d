"""The admin with a row in every table: each list, and one page of each."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.timezone import now

from accounts import audit
from accounts.models import PlanRequest
from imaging.models import Heartbeat, ModelUpload
from imaging.models.approvals import TakingStatus
from imaging.models.runs import JobStatus
from tests.accounts.factories import DepartmentFactory, PlanFactory, UserFactory
from tests.imaging.factories import (
    EnsembleFactory,
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
    UploadFactory,
)
from tests.reports.factories import ExportFactory

REFUSED = "Model “lungs”: metadata.json says 3 labels, the network has 2 outputs."


def rows_of_the_admin(operator) -> None:
    """Make a row behind each table of the admin, of a house that asks for another plan."""
    result = ResultFactory(user=UserFactory(email="reader@example.org"))
    house = result.organisation
    DepartmentFactory(organisation=house)
    PlanRequest.objects.create(
        organisation=house, plan=PlanFactory(), asked_by=result.job.run.requested_by
    )
    run = result.job.run
    JobFactory(run=run, failed=True, error="The analysis failed unexpectedly.")
    EnsembleFactory(organisation=house, members=2)
    ModelVersionFactory(name="lungs-unet", metadata={"card": {"limits": "Adults only"}})
    ModelUpload.objects.create(
        user=operator, name="chest.onnx", size=4_200_000, sha256="ab" * 32,
        status=TakingStatus.FAILED, error=REFUSED, finished_at=now(),
    )  # fmt: skip
    UploadFactory(user=run.requested_by)
    ExportFactory(results=[result])
    Heartbeat.objects.create(name="worker", at=now(), facts={"clusters": 2})
    audit.record(operator, "run.submit", run)
    assert run.jobs.filter(status=JobStatus.FAILED).exists()


def addresses_of_the_admin() -> dict[str, str]:
    """Return each list, one row's page, and each form for a new row, by name."""
    found = {"index": reverse("admin:index")}
    for model in admin.site._registry:
        name, label = model._meta.model_name, f"{model._meta.app_label}_{model._meta.model_name}"
        found[name] = reverse(f"admin:{label}_changelist")
        row = model.objects.filter(**FAILED.get(name, {})).last()
        found[f"one {name}"] = reverse(f"admin:{label}_change", args=[row.pk])
    plan = PlanRequest.objects.get().plan
    found["plan that stays"] = reverse("admin:accounts_plan_delete", args=[plan.pk])
    for name in ("accounts_user", "accounts_plan", "imaging_modelversion"):
        found[f"add {name}"] = reverse(f"admin:{name}_add")
    return found


FAILED = {"job": {"status": JobStatus.FAILED}}
