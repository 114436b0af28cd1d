"""Files that are sent in pieces: what is coming, what is here, and where to go on after a break.

An upload is open until its sender closes it or nothing came for a day. A file is
sent in pieces of PART_BYTES, each with its hash; a file that is no larger is its own
piece, and many of those share a request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Max, QuerySet, Sum, When
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import Department, Organisation, User
from imaging.formats.sniffing import clean_name
from imaging.models import ItemStatus, Modality, Upload, UploadItem
from imaging.services.pieces import open_end, unread_refuse
from imaging.services.quotas import GB
from imaging.services.refusals import NotPossible
from imaging.services.uploads import upload_end
from imaging.types import Refused

MOST_OPEN = 5  # unfinished uploads of one person
HALF = "Only a part of this file arrived before the upload was closed. Send it again."
GIVEN_UP = "The upload was given up before this file was read."


@dataclass(frozen=True, slots=True)
class Coming:
    """A file that somebody is about to send."""

    name: str
    size: int
    fingerprint: str


def uploads_open(user: User) -> QuerySet[Upload]:
    """Return the uploads of `user` that were begun and not closed, the latest first."""
    return Upload.objects.filter(user=user, open_until__gt=Now())


def uploads_unfinished(user: User) -> QuerySet[Upload]:
    """Return the open uploads with the bytes that they are to have, and those that are here."""
    received = Case(
        When(items__status=ItemStatus.COMING, then="items__received"), default="items__size"
    )
    return uploads_open(user).annotate(bytes=Sum("items__size"), here=Sum(received))


@transaction.atomic
def upload_open(
    *,
    user: User,
    organisation: Organisation,
    files: Sequence[Coming],
    modality: str = "",
    department: Department | None = None,
    first_volume: bool = False,
    keep_known: bool = False,
) -> tuple[Upload, list[UploadItem]]:
    """Return an open upload and, for each of `files`, its item: those of a broken one go on.

    Raises: NotPossible when nothing is sent, or more than one person may have under way.
    """
    if not files:
        raise NotPossible(_("Choose at least one file."))
    if modality and modality not in Modality.values:
        raise NotPossible(_("Choose X-ray, MRI or CT."))
    User.objects.select_for_update().get(pk=user.pk)  # two tabs of one person, one after another
    choice = {"modality": modality, "first_volume": first_volume, "keep_known": keep_known}
    upload = _broken(user, organisation, department, choice, files) or _begun(
        user, organisation, department, choice
    )
    known = _known(upload)
    found = [_matching(known, file) for file in files]
    fresh = [file for file, item in zip(files, found, strict=True) if item is None]
    _check_bounds(user, fresh)
    made = iter(_announced(upload, fresh))
    return upload, [item or next(made) for item in found]


@transaction.atomic
def upload_close(upload: Upload) -> bool:
    """End the sending: what is here goes to the worker, half a file is refused. Twice: nothing."""
    if not _shut(upload):
        return False
    for item in upload.items.filter(status=ItemStatus.COMING):
        unread_refuse(_of(upload, item), Refused("interrupted", HALF))
    upload_end(upload)
    return True


@transaction.atomic
def upload_give_up(upload: Upload) -> bool:
    """End the sending and keep nothing of it but the receipt."""
    if not _shut(upload):
        return False
    unread = upload.items.filter(status__in=(ItemStatus.COMING, ItemStatus.WAITING))
    for item in unread.select_related("blob"):
        unread_refuse(_of(upload, item), Refused("given-up", GIVEN_UP))
    upload_end(upload)
    return True


def uploads_expire() -> int:
    """Close the uploads of which nothing came for a day; return how many."""
    old = Upload.objects.filter(open_until__lte=Now()).select_related("organisation", "user")
    return sum(upload_close(upload) for upload in old)


# --- what is coming


def _broken(user, organisation, department, choice: dict, files) -> Upload | None:
    """The open upload for the same place, said to be the same, that knows one of these files."""
    same = uploads_open(user).filter(organisation=organisation, department=department, **choice)
    hashes = {file.fingerprint for file in files}
    return next((one for one in same if not hashes.isdisjoint(_known(one))), None)


def _begun(user, organisation, department, choice: dict) -> Upload:
    if uploads_open(user).count() >= MOST_OPEN:
        raise NotPossible(
            _("%(n)d of your uploads are unfinished. Finish one or give it up, then send these.")
            % {"n": MOST_OPEN}
        )
    upload = Upload.objects.create(
        organisation=organisation,
        department=department,
        user=user,
        open_until=open_end(),
        **choice,
    )
    audit.record(user, "upload.create", upload)
    return upload


def _known(upload: Upload) -> dict[str, list[UploadItem]]:
    known: dict[str, list[UploadItem]] = {}
    for item in upload.items.exclude(fingerprint=""):
        known.setdefault(item.fingerprint, []).append(item)
    return known


def _matching(known: dict[str, list[UploadItem]], file: Coming) -> UploadItem | None:
    """Take the item of a file out of `known`: two equal files are two items."""
    same = [item for item in known.get(file.fingerprint, ()) if item.size == file.size]
    if not same:
        return None
    known[file.fingerprint].remove(same[0])
    return same[0]


def _check_bounds(user: User, fresh: Sequence[Coming]) -> None:
    coming = UploadItem.objects.filter(upload__in=uploads_open(user), status=ItemStatus.COMING)
    under_way = coming.aggregate(n=Sum("size"))["n"] or 0
    if under_way + sum(file.size for file in fresh) > settings.UPLOAD_OPEN_BYTES:
        raise NotPossible(
            _("At most %(limit).1f GB may be under way at once. Send these in several uploads.")
            % {"limit": settings.UPLOAD_OPEN_BYTES / GB}
        )


def _announced(upload: Upload, files: Sequence[Coming]) -> list[UploadItem]:
    last = upload.items.aggregate(last=Max("position"))["last"]
    start = 0 if last is None else last + 1
    items = [
        UploadItem(
            organisation=upload.organisation,
            upload=upload,
            position=start + number,
            name=clean_name(file.name),
            size=file.size,
            fingerprint=file.fingerprint,
            status=ItemStatus.COMING,
        )
        for number, file in enumerate(files)
    ]
    return UploadItem.objects.bulk_create(items, batch_size=500)


def _of(upload: Upload, item: UploadItem) -> UploadItem:
    item.upload, item.organisation = upload, upload.organisation
    return item


def _shut(upload: Upload) -> int:
    return Upload.objects.filter(pk=upload.pk, open_until__isnull=False).update(open_until=None)
