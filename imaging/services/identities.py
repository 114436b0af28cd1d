"""Correcting a patient's identity: what it was is kept, and what was signed keeps it too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.vault.fields import Sealed, blind_index
from imaging.models import Correction, Patient
from imaging.models.corrections import IDENTITY
from imaging.services.refusals import NotPossible


class Overtaken(Exception):
    """Somebody corrected the identity meanwhile; `latest` is the patient as they are now."""

    def __init__(self, latest: Patient) -> None:
        super().__init__(latest)
        self.latest = latest


@transaction.atomic
def patient_change(*, by: User, patient: Patient, seen: int, identity: Mapping[str, str]) -> bool:
    """Let the patient be called so from now on; False where nothing differs.

    `seen` is the version that its corrector looked at; the values are sealed and the record
    number's index is written in one transaction. Sent twice, the second finds nothing to change.
    Raises: Overtaken; NotPossible for a record number that another patient has.
    """
    patient = Patient.objects.select_for_update(of=("self",)).get(pk=patient.pk)
    wanted = {name: identity[name].strip() for name in IDENTITY}
    changed = [name for name in IDENTITY if getattr(patient, name) != wanted[name]]
    if not changed:
        return False
    if patient.version != seen:
        raise Overtaken(patient)
    earlier = _kept(patient, by)
    for name in changed:
        setattr(patient, name, wanted[name])
    house = patient.organisation_id
    patient.mrn_index = blind_index(house, "record_number", patient.record_number) or None
    patient.version += 1
    try:
        with transaction.atomic():
            patient.save(update_fields=[*IDENTITY, "mrn_index", "version"])
    except IntegrityError:
        raise NotPossible(
            _(
                "Another patient of this organisation has this record number. Two records are"
                " never joined here: nothing was changed."
            )
        ) from None
    states = {"before": _sealed(earlier), "after": _sealed(patient)}
    audit.record(by, "patient.change", patient, reason=", ".join(changed), **states)
    return True


def identity_at(patient: Patient, moment: datetime | None) -> Patient | Correction:
    """Return who the patient was at that moment; with none, who they are."""
    if moment is None:
        return patient
    return correction_after(patient, moment) or patient


def correction_after(patient: Patient, moment: datetime) -> Correction | None:
    """Return the first correction after that moment: it holds what stood until then."""
    later = Correction.objects.filter(patient=patient, corrected_at__gt=moment)
    return later.select_related("corrected_by").order_by("number").first()


def _kept(patient: Patient, by: User) -> Correction:
    values = {name: getattr(patient, name) for name in IDENTITY}
    return Correction.objects.create(
        organisation_id=patient.organisation_id,
        patient=patient,
        number=patient.version,
        corrected_by=by,
        corrected_at=now(),
        **values,
    )


def _sealed(row: Patient | Correction) -> dict[str, str]:
    """Return the values as ciphertext of the patient's key: the trail outlives an erasure."""
    found = type(row)._base_manager.filter(pk=row.pk).values(*IDENTITY).get()
    return {name: one.text if isinstance(one, Sealed) else "" for name, one in found.items()}
