"""What people send: uploads, their files and what became of each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.tracing import current_request_id
from accounts.vault.fields import SealedTextField
from imaging.models.base import Clinical, Modality, blob_key, department_key


class Upload(Clinical):
    """One act of sending files.

    Whoever works on it holds the lease: the web process while files arrive,
    then the worker that reads them. `attempt` and `deaths` as in Job. Sent in
    pieces, it is open until then, or until `open_until`, and no worker looks at it.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="uploads", verbose_name=_("sent by")
    )
    department = department_key()
    modality = models.CharField(_("modality"), max_length=8, choices=Modality, blank=True)
    first_volume = models.BooleanField(
        _("first volume"),
        default=False,
        help_text=_("of a NIfTI file of several volumes take the first"),
    )
    keep_known = models.BooleanField(
        _("keep known pictures"),
        default=False,
        help_text=_("keep a second copy of a picture that is here; never of DICOM"),
    )
    study_instance_uid = models.CharField(
        max_length=64, blank=True, editable=False, help_text=_("the only study that it may bring")
    )
    open_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempt = models.PositiveIntegerField(_("attempt"), default=0, editable=False)
    deaths = models.PositiveSmallIntegerField(_("lost workers"), default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("upload")
        verbose_name_plural = _("uploads")
        indexes = [models.Index(fields=["organisation", "-created_at"])]

    def __str__(self) -> str:
        return gettext("Upload %(id)s") % {"id": self.pk}

    def get_absolute_url(self) -> str:
        return reverse("imaging:upload-detail", args=[self.pk])

    @property
    def is_live(self) -> bool:
        """Whether a worker reads it, or is about to."""
        return self.finished_at is None and self.open_until is None


class SourceFile(Clinical):
    """One original file, kept encrypted and byte-identical."""

    name = SealedTextField()
    sha256 = models.CharField(max_length=64, editable=False)
    size = models.PositiveBigIntegerField(editable=False)
    format = models.CharField(max_length=16, editable=False)
    blob = blob_key()

    class Meta:
        indexes = [models.Index(fields=["organisation", "sha256"])]

    def __str__(self) -> str:
        return f"Source file {self.pk}"


class ItemStatus(models.TextChoices):
    """COMING is not whole yet; LISTED a list of files (ZIP, DICOMDIR), each an item of its own."""

    COMING = "coming"
    WAITING = "waiting"
    LISTED = "listed"
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class UploadItem(Clinical):
    """The receipt for one sent file: what became of it, in words.

    kind         what its first bytes say it is.
    received     bytes that are here of a file that is sent in pieces.
    fingerprint  by which the sender's browser knows the file again: a hash of its name, size and
                 ends.
    batch  files of one series are read together; the worker sets it when it has seen them all.
    """

    upload = models.ForeignKey(Upload, models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    name = SealedTextField()
    size = models.PositiveBigIntegerField()
    status = models.CharField(max_length=16, choices=ItemStatus, default=ItemStatus.WAITING)
    code = models.CharField(max_length=64, blank=True)
    reason = SealedTextField(blank=True, default="")
    kind = models.CharField(max_length=16, blank=True, editable=False)
    batch = models.CharField(max_length=64, blank=True, editable=False)
    received = models.PositiveBigIntegerField(default=0, editable=False)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    blob = blob_key(null=True, blank=True)
    image = models.ForeignKey(
        "Image", models.SET_NULL, null=True, blank=True, related_name="upload_items"
    )

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["upload", "position"], name="upload_item_position"),
            models.CheckConstraint(
                condition=Q(status=ItemStatus.REFUSED) | Q(code=""), name="upload_item_code"
            ),
        ]

    def __str__(self) -> str:
        return f"Item {self.position} of {self.upload_id}"
