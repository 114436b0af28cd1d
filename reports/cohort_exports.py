"""Files of a cohort: asked for by its researcher, seen while the cohort is open to them."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from imaging import queue
from imaging.models import Cohort
from imaging.selectors_cohorts import cohort_images_open_to, cohorts_open_to
from imaging.services.refusals import NotPossible
from reports.models import COHORT_KINDS, Export
from reports.services import TASK

ACTION = "export.create_deidentified"


@transaction.atomic
def cohort_export_create(*, user: User, cohort: Cohort, kind: str) -> Export:
    """Ask for a file of what is in the cohort when it is made. Raises NotPossible."""
    if kind not in COHORT_KINDS:
        raise NotPossible(_("There is no such kind of export."))
    if not cohort_images_open_to(user, ACTION).filter(cohort=cohort).exists():
        raise NotPossible(_("No picture of this cohort is free yet."))
    export = Export(
        organisation_id=cohort.organisation_id, user=user, kind=kind, cohort=cohort, rung_at=now()
    )
    export.save(force_insert=True)
    audit.record(user, "export.create", export)
    queue.enqueue(TASK, str(export.pk))
    return export


def cohort_exports_of(user) -> QuerySet[Export]:
    """Return the files that `user` made of cohorts that are still open to them."""
    return Export.objects.filter(user=user, cohort__in=cohorts_open_to(user, ACTION))


def is_closed(user, export: Export) -> bool:
    """Say whether the file holds a picture that is no longer in the cohort."""
    shown = cohort_images_open_to(user, ACTION).filter(cohort=export.cohort_id)
    return not set(export.rows) <= {str(pk) for pk in shown.values_list("pk", flat=True)}
