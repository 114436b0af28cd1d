"""What comes by DIMSE: an association that stores something is an upload, open while it lasts."""

from __future__ import annotations

import io
from datetime import timedelta
from threading import Lock

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Department, Organisation, User
from accounts.selectors import may_at
from accounts.services.machines import machine_named
from imaging.models import Upload, UploadItem
from imaging.services.parcels import upload_close
from imaging.services.quotas import StorageRoom
from imaging.services.uploads import upload_add

KEPT_OPEN = timedelta(minutes=15)  # after the last file of a listener that died, the worker reads


def sender_of(organisation: Organisation, ae_title: str) -> User:
    """Return the account of a machine that sends by DIMSE, made if need be."""
    return machine_named(organisation=organisation, name=f"DICOM {ae_title}", by=None).user


def may_send(user: User, organisation: Organisation) -> bool:
    return may_at(user, "upload.create", organisation.pk)


class Association:
    """One association of one AE; `take` keeps a file before it is answered, `close` ends it."""

    def __init__(
        self,
        *,
        user: User,
        organisation: Organisation,
        department: Department | None,
        ae_title: str,
    ) -> None:
        self._user, self._organisation = user, organisation
        self._department, self._ae_title = department, ae_title
        self._upload: Upload | None = None
        self._room = StorageRoom(organisation)
        self._lock, self._is_over = Lock(), False
        self._taken = 0

    def take(self, data: bytes) -> UploadItem:
        """Keep one DICOM file, encrypted, or refuse it; either stands on the receipt.

        Raises: RuntimeError once it is closed: nobody would read what came later.
        """
        with self._lock:
            if self._is_over:
                raise RuntimeError("the association is over")
            if self._upload is None:
                self._upload = self._begin()
            name = f"instance-{self._taken + 1}.dcm"
            file = UploadedFile(file=io.BytesIO(data), name=name, size=len(data))
            item = upload_add(self._upload, self._taken, file, self._room)
            Upload.objects.filter(pk=self._upload.pk).update(open_until=Now() + KEPT_OPEN)
            self._taken += 1
            return item

    def close(self) -> None:
        """Give what came to the worker; a broken association too, since it was answered for."""
        with self._lock:
            self._is_over = True
            if self._upload is not None:
                upload_close(self._upload)

    @transaction.atomic
    def _begin(self) -> Upload:
        upload = Upload.objects.create(
            organisation=self._organisation,
            department=self._department,
            user=self._user,
            open_until=Now() + KEPT_OPEN,
        )
        audit.record(
            self._user, "upload.create", upload, reason=f"by DIMSE from AE {self._ae_title}"
        )
        return upload
