"""What each person may see. Every view starts from here; a stranger finds nothing."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.selectors import organisations_of
from imaging.models import Image, Job, ModelState, ModelVersion, Result, Run, Study, Upload


def studies_visible_to(user) -> QuerySet[Study]:
    return Study.objects.filter(organisation__in=organisations_of(user, "study.view"))


def images_visible_to(user) -> QuerySet[Image]:
    images = Image.objects.filter(organisation__in=organisations_of(user, "study.view"))
    return images.select_related("study", "pixels", "thumbnail")


def uploads_visible_to(user) -> QuerySet[Upload]:
    return Upload.objects.filter(organisation__in=organisations_of(user, "upload.create"))


def runs_visible_to(user) -> QuerySet[Run]:
    return Run.objects.filter(organisation__in=organisations_of(user, "run.view"))


def jobs_visible_to(user) -> QuerySet[Job]:
    jobs = Job.objects.filter(organisation__in=organisations_of(user, "run.view"))
    return jobs.select_related("run", "image")


def results_visible_to(user) -> QuerySet[Result]:
    results = Result.objects.filter(organisation__in=organisations_of(user, "result.view"))
    return results.select_related("job__run", "image__study", "image__pixels", "patient")


def models_choosable() -> QuerySet[ModelVersion]:
    """The models that a new run may take."""
    return ModelVersion.objects.filter(state=ModelState.ACTIVE)
