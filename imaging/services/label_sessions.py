"""Files of MONAI Label sessions: kept encrypted, filed when a model is asked, deleted on time."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from accounts.vault.spool import SealedSpool
from accounts.vault.staging import StagedBlob
from accounts.vault.storage import blob_delete, blob_keep, blob_open
from imaging.formats.budgets import HEAD_BYTES
from imaging.formats.sniffing import clean_name, is_archive, screen
from imaging.models import LabelSession, Upload
from imaging.places import Place
from imaging.services.quotas import StorageRoom
from imaging.services.refusals import NotPossible
from imaging.services.screening import pieces
from imaging.services.uploads import upload_receive
from imaging.types import Refused

MOST_LIVE = 10
PASSING = {"no-space", "quota-storage", "unexpected"}  # refusals that are no fault of the file


def label_session_open(
    *, user: User, place: Place, file: UploadedFile, life: timedelta | None = None
) -> LabelSession:
    """Keep `file` for an hour at most; a file that the same person has here is the same session.

    What its first bytes prove wrong is refused, as in an upload. Raises: NotPossible, in words.
    """
    longest = timedelta(minutes=settings.LABEL_SESSION_MINUTES)
    name = clean_name(file.name or "")
    _check(place, file, name)
    with StagedBlob(organisation=place.organisation, kind="session") as staged:
        for piece in pieces(file):
            staged.write(piece)
        staged.close()
        if known := _known(user, place, staged.sha256):
            staged.discard()
            return known
        if LabelSession.objects.live().filter(user=user).count() >= MOST_LIVE:
            said = _("%(n)d of your files are kept here. Delete one, or wait until one expires.")
            raise NotPossible(said % {"n": MOST_LIVE})
        with transaction.atomic():
            session = LabelSession.objects.create(
                organisation=place.organisation,
                department=place.department,
                user=user,
                name=name,
                size=staged.size,
                sha256=staged.sha256,
                blob=blob_keep(staged),
                expires_at=now() + min(life or longest, longest),
            )
            audit.record(user, "label_session.create", session)
    return session


@transaction.atomic
def label_session_end(*, session: LabelSession, by: User | None) -> None:
    """Delete the file; what was filed of it for an analysis stays, as of every upload."""
    held = LabelSession.objects.select_for_update(of=("self",)).filter(pk=session.pk).first()
    if held is None:
        return
    audit.record(by, "label_session.delete", held)
    held.delete()
    blob_delete(held.blob)


def label_sessions_expire() -> int:
    """Delete the files whose time is over; return how many."""
    over = LabelSession.objects.filter(expires_at__lte=now()).select_related("blob")
    ended = list(over.order_by("expires_at")[:100])
    for session in ended:
        label_session_end(session=session, by=None)
    return len(ended)


def label_session_file(*, session: LabelSession, modality: str) -> Upload:
    """Send the file through the house's own door, as an upload of its sender; once.

    modality  for files that do not say it: as another kind it is another picture. Of two calls
    at once the later upload finds the picture known.
    """
    upload = session.upload
    if upload is not None and _is_answered_by(upload, modality):
        return upload
    filed = upload_receive(
        user=session.user,
        organisation=session.organisation,
        department=session.department,
        files=[_as_sent(session)],
        modality=modality,
    )
    LabelSession.objects.filter(pk=session.pk, upload=upload).update(upload=filed)
    return filed


def _is_answered_by(upload: Upload, modality: str) -> bool:
    """Whether sending it anew would say the same; DICOM says its kind by itself."""
    items = list(upload.items.select_related("image"))
    if any(item.code in PASSING for item in items):
        return False
    is_dicom = any(item.image is not None and item.image.dicom_modality for item in items)
    return is_dicom or upload.modality == modality


def _check(place: Place, file: UploadedFile, name: str) -> None:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    try:
        if file.size > settings.UPLOAD_MAX_FILE_BYTES:
            limit = settings.UPLOAD_MAX_FILE_BYTES // 2**20
            raise Refused("too-large", _("The file is larger than %d MiB.") % limit)
        if not is_archive(head, name):
            screen(head, name, file.size)
        StorageRoom(place.organisation).take(file.size)
    except Refused as refusal:
        raise NotPossible(refusal.sentence) from None


def _known(user: User, place: Place, sha256: str) -> LabelSession | None:
    mine = LabelSession.objects.live().filter(user=user, organisation=place.organisation)
    return mine.filter(department=place.department, sha256=sha256).first()


def _as_sent(session: LabelSession) -> UploadedFile:
    """The file as a form brings it; on the disk it stays encrypted."""
    spool = SealedSpool()
    with blob_open(session.blob) as reader:
        for piece in reader.chunks():
            spool.write(piece)
    spool.seek(0)
    return UploadedFile(file=spool, name=session.name, size=session.size)
