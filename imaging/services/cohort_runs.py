"""Runs of approved ensembles on a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from imaging.choices import ensembles_open_to
from imaging.models import Cohort, Image, Run
from imaging.selectors_cohorts import cohort_images_open_to
from imaging.services.members import MemberChoice
from imaging.services.refusals import NotPossible
from imaging.services.runs import run_submit


def cohort_run_submit(
    *, user: User, cohort: Cohort, ensemble_id: str, chosen: Sequence[UUID] = ()
) -> Run:
    """Run an approved ensemble, as it stands, on pictures of a cohort that is open to `user`.

    `chosen` are ids of the cohort's rows; without any it is all that the ensemble was made for.
    Raises: NotPossible, in words.
    """
    offered = {str(one.pk): one for one in ensembles_open_to(user)}
    ensemble = offered.get(ensemble_id)
    if ensemble is None:
        raise NotPossible(_("Choose an approved ensemble."))
    rows = cohort_images_open_to(user, "run.submit_cohort").filter(cohort=cohort)
    if chosen:
        rows = rows.filter(pk__in=chosen)
    fitting = rows.filter(image__modality__in=ensemble.modalities).values("image")
    images = Image.objects.filter(pk__in=fitting).select_related("organisation", "study")
    members = [
        MemberChoice(one.model_version, one.weight, one.device) for one in ensemble.members.all()
    ]
    if not (found := list(images)):
        raise NotPossible(_("None of these pictures is of a kind that the ensemble was made for."))
    return run_submit(
        user=user,
        images=found,
        members=members,
        threshold=ensemble.threshold,
        ensemble=ensemble,
        name=ensemble.name,
        cohort=cohort,
    )
