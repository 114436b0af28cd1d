"""Deleted studies whose time is over go for good, with every row and file that hangs on them."""

from __future__ import annotations

from django.db import transaction
from django.utils.timezone import now

from accounts import audit
from imaging.models import Deletion, Image, Job, Review, SourceFile, Study
from imaging.services.shredding import rows_doomed, rows_shred


def studies_purge() -> int:
    """Remove what was deleted and is kept no longer; return how many studies.

    May be called at any time by several processes: each study in a transaction of its own,
    its files after the commit. What a kill leaves of them, the sweep of blobs without a row takes.
    """
    over = Deletion.objects.kept().filter(keep_until__lte=now())
    return sum(_purge(pk) for pk in list(over.values_list("pk", flat=True)))


@transaction.atomic
def _purge(pk) -> bool:
    held = Deletion.objects.select_for_update(of=("self",)).get(pk=pk)
    if not held.is_kept:  # restored, or purged by another process, while we waited
        return False
    study = Study.objects.select_for_update().filter(pk=held.study_id).first()
    if study is not None:  # none: the patient was erased meanwhile
        held.digests = signed_digests(study)
        gone = {"signed_sha256": held.digests, "images": study.images.count()}
        audit.record(None, "study.purge", study, reason=held.reason, before=gone)
        study_shred(study)
    held.purged_at = now()
    held.save(update_fields=["digests", "purged_at"])
    return True


def signed_digests(study: Study) -> list[str]:
    """Return the sha256 of every signed decision on the study's results."""
    signed = Review.objects.filter(result__image__study=study).exclude(signed_at=None)
    return sorted(signed.values_list("digest", flat=True))


@transaction.atomic
def study_shred(study: Study) -> None:
    """Delete the study and all that hangs on it, files on commit; the patient stays.

    An original that another study's image shows too stays with that image.
    """
    list(Job.objects.select_for_update().filter(image__study=study))  # no late result
    images = Image.objects.filter(study=study)
    elsewhere = Image.objects.exclude(study=study)
    sources = SourceFile.objects.filter(image_files__image__in=images)
    shared = sources.filter(image_files__image__in=elsewhere)
    own = set(sources.values_list("pk", flat=True)) - set(shared.values_list("pk", flat=True))
    rows_shred(rows_doomed({Study: {study.pk}, SourceFile: own}))
