"""What a sender mends before anything is analysed: a study's title, its kind, whose it is."""

from __future__ import annotations

import json
from contextlib import ExitStack
from itertools import chain

from django.db import transaction
from django.db.models import ProtectedError, Q
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Blob, User
from accounts.vault.storage import blob_copied, blobs_replace
from imaging.models import Image, Job, Modality, Patient, Study
from imaging.services.refusals import NotPossible

MOST_BYTES = 256 << 20  # of files that are encrypted anew while somebody waits


def is_analysed(study: Study) -> bool:
    """Whether anything of it was ever sent on; then it stays as it was when it was."""
    return Job.objects.filter(image__study=study).exists()


def says_its_kind(study: Study) -> bool:
    """Whether its files say what they show, as DICOM does; then they are believed."""
    return study.images.filter(source__format="dicom").exists()


def names_its_patient(study: Study) -> bool:
    """Whether one of its files carries a record number or a name."""
    heads = (json.loads(image.header or "{}") for image in study.images.all())
    return any(head.get("patient_id") or head.get("patient_name") for head in heads)


@transaction.atomic
def study_correct(*, by: User, study: Study, title: str, modality: str) -> bool:
    """Let the study have this title and its pictures be of this kind; False if nothing differs.

    Raises: NotPossible once something of it was analysed, or where its files say their kind.
    """
    study = _unanalysed(study)
    changed = [name for name, value in (("title", title), ("modality", modality))
               if getattr(study, name) != value]  # fmt: skip
    if not changed:
        return False
    if "modality" in changed and (modality not in Modality.values or says_its_kind(study)):
        raise NotPossible(_("These files say themselves what they show, and are believed."))
    before = {name: getattr(study, name) for name in changed}
    study.title, study.modality = title, modality
    study.save(update_fields=["title", "modality", "updated_at"])
    if "modality" in changed:
        study.images.update(modality=modality)
    after = {name: getattr(study, name) for name in changed}
    audit.record(by, "study.correct", study, reason=", ".join(changed), before=before, after=after)
    return True


def study_give(*, by: User, study: Study, patient: Patient) -> bool:
    """Let the study be `patient`'s, files and words under their key; False if it is already.

    Raises: NotPossible once something of it was analysed, where its files name their patient,
    where it is large, and where it changed meanwhile.
    """
    if study.patient_id == patient.pk:
        return False
    if patient.organisation_id != study.organisation_id:
        raise NotPossible(_("The patient belongs to another organisation."))
    if is_analysed(study):
        raise NotPossible(_analysed())
    if names_its_patient(study):
        raise NotPossible(_("These files name their patient themselves, and are believed."))
    blobs = list(_blobs(study))
    if sum(blob.size for blob in blobs) > MOST_BYTES:
        raise NotPossible(
            _("This study is too large to be given to somebody else. Ask for its deletion, and"
              " send it again with the record number in its files.")
        )  # fmt: skip
    with ExitStack() as staged:
        copies = []
        for blob in blobs:  # slow: before others must wait
            copies.append((blob, blob_copied(blob, patient_id=patient.pk)))
            staged.callback(copies[-1][1].discard)  # nothing, once it was published
        _move(by, study, patient, copies)
    return True


@transaction.atomic
def _move(by: User, study: Study, patient: Patient, copies: list) -> None:
    study, earlier = _unanalysed(study), study.patient
    if not blobs_replace(copies):
        raise NotPossible(_("This study changed meanwhile. Look at it again."))
    for row in chain([study], study.series.all(), study.images.all(), study.instances.all()):
        sealed = [field.name for field in row._meta.fields if hasattr(field, "unseal")]
        for name in sealed:
            getattr(row, name)  # opened under the earlier patient's key
        row.patient = patient
        row.save(update_fields=["patient", *sealed])
    states = {"before": {"patient": str(earlier.pk)}, "after": {"patient": str(patient.pk)}}
    audit.record(by, "study.correct", study, reason="patient", **states)
    _forget(earlier)


def _forget(patient: Patient) -> None:
    """Remove a record that was made for this study alone: nobody's, and empty now."""
    if patient.mrn_index or patient.studies.exists():
        return
    try:
        with transaction.atomic():
            patient.delete()
    except ProtectedError:  # somebody opened it in an emergency, or corrected it: it stays
        return


def _unanalysed(study: Study) -> Study:
    locked = Study.objects.select_for_update(of=("self",)).get(pk=study.pk)
    if is_analysed(locked):
        raise NotPossible(_analysed())
    return locked


def _analysed() -> str:
    return _("Something of this study was analysed already: it stays as it was then.")


def _blobs(study: Study):
    mine = Image.objects.filter(study=study)
    kept = Q(pk__in=mine.values("pixels")) | Q(pk__in=mine.values("thumbnail"))
    kept |= Q(pk__in=mine.values("files__source__blob"))
    kept |= Q(pk__in=study.instances.exclude(native=None).values("native"))
    return Blob.objects.filter(kept).select_related("organisation")
