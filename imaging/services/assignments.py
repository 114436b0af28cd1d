"""Patients are given to clinicians, and taken back; both stand in the trail."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Membership, User
from accounts.roles import ASSIGNED, CLINICIAN
from accounts.selectors import grants_of
from imaging.models import Assignment, Patient
from imaging.services.refusals import NotPossible


@transaction.atomic
def assignment_create(*, by: User, patient: Patient, user: User) -> Assignment:
    """Give `patient` to a clinician of the same organisation. Twice, it changes nothing.

    Raises: NotPossible.
    """
    clinicians = Membership.objects.current().filter(
        user=user, organisation=patient.organisation_id, role=CLINICIAN
    )
    if not clinicians.exists():
        raise NotPossible(_("Only a clinician of this organisation can be given a patient."))
    assignment, is_new = Assignment.objects.get_or_create(
        patient=patient,
        user=user,
        defaults={"organisation_id": patient.organisation_id, "assigned_by": by},
    )
    if is_new:
        audit.record(by, "assignment.create", assignment, reason=f"user:{user.pk}")
    return assignment


@transaction.atomic
def assignment_end(*, by: User, assignment: Assignment) -> None:
    """Take the patient back. Twice, it changes nothing."""
    audit.record(by, "assignment.delete", assignment, reason=f"user:{assignment.user_id}")
    Assignment.objects.filter(pk=assignment.pk).delete()


def sender_assign(*, patient: Patient, user: User) -> None:
    """Give a patient who came with an upload to its sender, if they see assigned patients only.

    Only a new patient: a forged record number must not open somebody's record.
    """
    here = [
        grant
        for grant in grants_of(user, "study.view")
        if grant.organisation_id == patient.organisation_id
    ]
    if here and all(grant.scope == ASSIGNED for grant in here):
        assignment_create(by=user, patient=patient, user=user)
