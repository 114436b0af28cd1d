"""What each person may see. Every view starts from here; a stranger finds nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from accounts.roles import DEPARTMENT, ORGANISATION
from accounts.selectors import grants_of, organisations_of
from accounts.vault.fields import blind_index
from imaging.models import (
    Image,
    Job,
    ModelState,
    ModelVersion,
    Patient,
    Result,
    Run,
    Study,
    Upload,
)
from imaging.scope import Paths, parts_of, whole_of, within

STUDY = Paths("department", "patient", "uploaded_by", "created_at")
IMAGE = Paths("study__department", "patient", "study__uploaded_by", "created_at")
UPLOAD = Paths("department", "", "user", "created_at")
JOB = Paths("image__study__department", "image__patient", "run__requested_by")
RESULT = Paths("image__study__department", "patient", "job__run__requested_by")


def studies_visible_to(user) -> QuerySet[Study]:
    return Study.objects.filter(within(user, "study.view", STUDY))


def studies_movable_by(user) -> QuerySet[Study]:
    return Study.objects.filter(within(user, "study.move", STUDY))


def studies_within(user, action: str) -> QuerySet[Study]:
    return Study.objects.filter(within(user, action, STUDY))


def patients_within(user, action: str) -> QuerySet[Patient]:
    """Return the patients of organisations that `user` reaches whole, and of studies they reach."""
    found = whole_of(user, action) or Q(pk__in=[])
    parts = parts_of(user, action, STUDY)
    if parts is not None:
        found |= Exists(Study.objects.filter(parts, patient=OuterRef("pk")))
    return Patient.objects.filter(found)


def patients_visible_to(user) -> QuerySet[Patient]:
    return patients_within(user, "study.view")


def patients_found(user, record_number: str) -> QuerySet[Patient]:
    """Return those with exactly this record number where `user` may search; it shows no record."""
    houses = organisations_of(user, "patient.find")
    wanted = [
        Q(organisation=house, mrn_index=blind_index(house, "record_number", record_number))
        for house in houses
    ]
    found = Q(pk__in=[])
    for one in wanted:
        found |= one
    return Patient.objects.filter(found).select_related("organisation")


def images_visible_to(user, action: str = "study.view") -> QuerySet[Image]:
    """Return the images on which `user` may do `action`; seeing one is not yet its pixels."""
    images = Image.objects.filter(within(user, action, IMAGE))
    return images.select_related("study", "pixels", "thumbnail")


def pixels_open(user, images) -> set:
    """Return the ids of those of `images` (ids) whose pictures `user` may see."""
    found = Image.objects.filter(within(user, "pixels.view", IMAGE), pk__in=list(images))
    return set(found.values_list("pk", flat=True))


def uploads_visible_to(user) -> QuerySet[Upload]:
    return Upload.objects.filter(within(user, "upload.create", UPLOAD))


def runs_visible_to(user) -> QuerySet[Run]:
    """Return the runs of whole organisations, and those with an image that `user` may see."""
    found = whole_of(user, "run.view") or Q(pk__in=[])
    parts = parts_of(user, "run.view", JOB)
    if parts is not None:
        found |= Exists(Job.objects.filter(parts, run=OuterRef("pk")))
    return Run.objects.filter(found)


def jobs_visible_to(user, action: str = "run.view") -> QuerySet[Job]:
    """Return the jobs on which `user` may do `action`."""
    jobs = Job.objects.filter(within(user, action, JOB))
    return jobs.select_related("run", "image")


def results_visible_to(user) -> QuerySet[Result]:
    results = Result.objects.filter(within(user, "result.view", RESULT))
    return results.select_related("job__run", "image__study", "image__pixels", "patient")


def results_told_wholly(user) -> bool:
    """Say whether `user` may see every result of every study that they see.

    Who may, is spared a question per row: the worklist asks it of ten thousand.
    """
    wide = (ORGANISATION, DEPARTMENT)
    studies = {one for one in grants_of(user, "study.view") if one.scope in wide}
    return (
        bool(studies)
        and studies == set(grants_of(user, "study.view"))
        and studies <= set(grants_of(user, "result.view"))
    )


def results_within(user, action: str) -> QuerySet[Result]:
    """Return the results on which `user` may do `action`, which asks more than to see them."""
    return Result.objects.filter(within(user, action, RESULT))


def allowed_on(user, result: Result, actions: Iterable[str]) -> set[str]:
    """Return those of `actions` that `user` may do on `result`, by one query."""
    asked = {action.replace(".", "_"): action for action in actions}
    flags = {
        name: ExpressionWrapper(within(user, action, RESULT), output_field=BooleanField())
        for name, action in asked.items()
    }
    found = Result.objects.filter(pk=result.pk).annotate(**flags).values(*flags).get()
    return {action for name, action in asked.items() if found[name]}


def models_choosable() -> QuerySet[ModelVersion]:
    """The models that a new run may take."""
    return ModelVersion.objects.filter(state=ModelState.ACTIVE)
