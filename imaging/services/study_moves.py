"""A study is given to another department of its house; who sees it changes with that."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Department, User
from imaging.models import Study
from imaging.services.refusals import NotPossible


@transaction.atomic
def study_move(*, by: User, study: Study, department: Department) -> bool:
    """Let `department` have the study, its images and results; False when it has it already.

    Raises: NotPossible for a department of another house.
    """
    if department.organisation_id != study.organisation_id:
        raise NotPossible(_("The department belongs to another organisation."))
    study = Study.objects.select_for_update().get(pk=study.pk)
    before = study.department_id
    if before == department.pk:
        return False
    study.department = department
    study.save(update_fields=["department", "updated_at"])
    states = {"before": {"department": before}, "after": {"department": department.pk}}
    audit.record(by, "study.move", study, **states)
    return True
