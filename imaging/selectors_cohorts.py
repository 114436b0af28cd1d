"""The one door to a cohort: what a researcher, an administrator, a radiologist may see of it."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet
from django.utils.timezone import localdate

from accounts.roles import COHORT
from accounts.selectors import grants_of, organisations_of
from imaging.measures.small_cells import LEAST
from imaging.models import Cohort, CohortImage, CohortReader, Job, Result, Run
from imaging.models.cohorts import SHOWN, HoldState
from imaging.selectors import JOB, images_visible_to

VIEW, VIEW_RESULT = "pixels.view_deidentified", "result.view_deidentified"
MANAGE, REVIEW = "cohort.manage", "cohort.review"


def cohorts_open_to(user, action: str = VIEW) -> QuerySet[Cohort]:
    """Return the cohorts given to `user`, while they last and while they are researcher there."""
    houses = {one.organisation_id for one in grants_of(user, action) if one.scope == COHORT}
    if not houses:
        return Cohort.objects.none()
    given = CohortReader.objects.filter(cohort=OuterRef("pk"), user=user)
    return Cohort.objects.filter(
        Exists(given), organisation__in=houses, closed_at=None, until__gte=localdate()
    )


def cohort_images_open_to(user, action: str = VIEW) -> QuerySet[CohortImage]:
    """Return the pictures of those cohorts; what is held back or left out is not there."""
    return images_in(cohorts_open_to(user, action))


def images_in(cohorts: QuerySet[Cohort]) -> QuerySet[CohortImage]:
    found = CohortImage.objects.filter(
        cohort__in=cohorts, state__in=SHOWN, image__study__deleted_at=None
    )
    return found.select_related("cohort__organisation", "image__study", "image__pixels")


def years_told(cohort: Cohort) -> set[tuple[str, str]]:
    """Return (modality, year) of which the cohort has five patients or more.

    The year of fewer would be about persons: it is told neither in a list nor in a file.
    """
    rows = images_in(Cohort.objects.filter(pk=cohort.pk)).order_by()
    patients = Count("image__patient", distinct=True)
    counted = rows.values("image__modality", "year").annotate(n=patients)
    told = counted.filter(n__gte=LEAST).exclude(year="")
    return set(told.values_list("image__modality", "year"))


def year_of(one: CohortImage, told: set[tuple[str, str]]) -> str:
    return one.year if (one.image.modality, one.year) in told else ""


def cohort_results_of(one: CohortImage) -> QuerySet[Result]:
    """Return what models said of a picture of a cohort: the house's runs, and the cohort's own.

    Another cohort's runs stay there.
    """
    runs = Q(job__run__cohort=None) | Q(job__run__cohort=one.cohort_id)
    return Result.objects.filter(runs, image=one.image_id).select_related(
        "job__run", "image__pixels", "image__study"
    )


def cohort_runs_of(user, cohort: Cohort) -> QuerySet[Run]:
    """Return the runs that `user` asked for in a cohort that is open to them."""
    kept = Prefetch("jobs", Job.objects.filter(JOB.kept))
    return Run.objects.filter(cohort=cohort, requested_by=user).prefetch_related(kept)


def cohorts_managed_by(user) -> QuerySet[Cohort]:
    return Cohort.objects.filter(organisation__in=organisations_of(user, MANAGE))


def cohort_images_to_review(user) -> QuerySet[CohortImage]:
    """Return the held-back pictures whose study `user` reads anyway: they know the patient."""
    seen = images_visible_to(user, REVIEW).filter(pk=OuterRef("image"))
    held = CohortImage.objects.filter(
        Exists(seen), state=HoldState.HELD, cohort__closed_at=None, cohort__until__gte=localdate()
    )
    return held.select_related("cohort__organisation", "image__study", "image__source")
