"""What is stored: Upload → Patient, Study, Series, Image → Run, Job → Result."""

from __future__ import annotations

import math
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.timezone import now
from django.utils.translation import gettext_lazy

from accounts.tracing import current_request_id
from accounts.vault.fields import SealedTextField
from imaging.answer_tables import ResultBox as ResultBox
from imaging.answer_tables import ResultClass as ResultClass
from imaging.cohort_table import Cohort as Cohort
from imaging.cohort_table import CohortImage as CohortImage
from imaging.cohort_table import CohortReader as CohortReader
from imaging.correction_table import Correction as Correction
from imaging.deletion_table import Deletion as Deletion
from imaging.erasure_table import Erasure as Erasure
from imaging.impression_table import Impression as Impression
from imaging.measures.size import area_text
from imaging.model_tables import ModelApproval as ModelApproval
from imaging.model_tables import ModelUpload as ModelUpload
from imaging.order_table import Order as Order
from imaging.part_table import UploadPart as UploadPart
from imaging.review_table import Decision as Decision
from imaging.review_table import Meaning as Meaning
from imaging.review_table import RejectReason as RejectReason
from imaging.review_table import Review as Review
from imaging.seal_table import ResultSeal as ResultSeal
from imaging.standing_table import Reading as Reading
from imaging.standing_table import Standing
from imaging.standing_table import Work as Work
from imaging.view_table import SavedView as SavedView


class Clinical(models.Model):
    """A row of one organisation, known by a UUID before it is saved."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


def _blob(**options) -> models.ForeignKey:
    return models.ForeignKey(
        "accounts.Blob", models.PROTECT, related_name="+", editable=False, **options
    )


def _department() -> models.ForeignKey:
    """Whose study it is within the house; null: nobody's but the whole organisation's."""
    return models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+"
    )


class Modality(models.TextChoices):
    """What a person chooses between; DICOM codes are finer (CR and DX are X-rays)."""

    XRAY = "xray", gettext_lazy("X-ray")
    MRI = "mri", gettext_lazy("MRI")
    CT = "ct", "CT"


# --- in


class Upload(Clinical):
    """One act of sending files.

    Whoever works on it holds the lease: the web process while files arrive,
    then the worker that reads them. `attempt` and `deaths` as in Job. Sent in
    pieces, it is open until then, or until `open_until`, and no worker looks at it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="uploads")
    department = _department()
    modality = models.CharField(max_length=8, choices=Modality, blank=True)
    first_volume = models.BooleanField(
        default=False, help_text="of a NIfTI file of several volumes take the first"
    )
    keep_known = models.BooleanField(
        default=False, help_text="keep a second copy of a picture that is here; never of DICOM"
    )
    open_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempt = models.PositiveIntegerField(default=0, editable=False)
    deaths = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["organisation", "-created_at"])]

    def __str__(self) -> str:
        return f"Upload {self.pk}"

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
    blob = _blob()

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
    blob = _blob(null=True, blank=True)
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


# --- who and what


class Patient(Clinical):
    """A person of one organisation; identity is sealed, the record number found by blind index."""

    name = SealedTextField(blank=True, default="")
    record_number = SealedTextField(blank=True, default="")
    birth_date = SealedTextField(blank=True, default="")
    sex = SealedTextField(blank=True, default="")
    mrn_index = models.CharField(max_length=32, null=True, blank=True, editable=False)  # noqa: DJ001
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="one more with each correction of the identity"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "mrn_index"], name="patient_mrn_once")
        ]

    def __str__(self) -> str:
        return f"Patient {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:patient-detail", args=[self.pk])

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.pk


class OfPatient(Clinical):
    """A row whose sealed fields fall under its patient's key."""

    class Meta:
        abstract = True

    @property
    def vault_patient_id(self) -> uuid.UUID:
        return self.patient_id


class Study(OfPatient, Standing):
    """A DICOM study: the images of one visit of one patient. A PNG has one of its own."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="studies")
    department = _department()
    study_instance_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=8, choices=Modality)
    title = SealedTextField(blank=True, default="")
    accession_number = SealedTextField(blank=True, default="")
    accession_index = models.CharField(max_length=32, blank=True, editable=False)
    studied_at = SealedTextField(blank=True, default="")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="studies"
    )
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="nobody sees it; it may still be restored"
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "studies"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "study_instance_uid"], name="study_uid_once"
            )
        ]
        indexes = [
            models.Index(fields=["organisation", "-created_at", "-id"]),
            models.Index(fields=["organisation", "modality", "-created_at", "-id"]),
            models.Index(fields=["organisation", "urgency", "created_at", "id"]),
            models.Index(fields=["organisation", "place", "-created_at", "-id"]),
            models.Index(fields=["organisation", "accession_index"]),
        ]

    def __str__(self) -> str:
        return f"Study {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:study-detail", args=[self.pk])


class Series(OfPatient):
    """A DICOM series."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, models.CASCADE, related_name="series")
    series_instance_uid = models.CharField(max_length=64)
    description = SealedTextField(blank=True, default="")

    class Meta:
        ordering = ["created_at"]
        verbose_name_plural = "series"
        constraints = [
            models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_uid_once")
        ]

    def __str__(self) -> str:
        return f"Series {self.pk}"


class Image(OfPatient):
    """One analysable picture on one grid: a radiograph (1, Y, X) or a whole volume (Z, Y, X).

    DICOM calls it an Instance; PNG and NIfTI share the row, and so does a
    volume whose slices came as one file each: `files` names them all, `source`
    is the first of them. `facts` holds the Volume's numbers without its pixels
    (slope, intercept, spacing_mm, spacing_kind, unit, bits, raster, affine,
    padding, window as [center, width], missing = indices of slices that were
    not sent, low, high = P1 and P99 in real values, minimum, maximum) and no
    identity.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    study = models.ForeignKey(Study, models.CASCADE, related_name="images")
    series = models.ForeignKey(Series, models.CASCADE, related_name="images")
    source = models.ForeignKey(SourceFile, models.PROTECT, related_name="images")
    sop_instance_uid = models.CharField(max_length=64)
    modality = models.CharField(max_length=8, choices=Modality)
    dicom_modality = models.CharField(max_length=16, blank=True)
    depth = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    dtype = models.CharField(max_length=8)
    facts = models.JSONField(default=dict)
    header = SealedTextField(blank=True, default="", help_text="JSON of the file's header")
    warnings = models.JSONField(default=list)
    pixels = _blob()
    thumbnail = _blob()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["study", "sop_instance_uid"], name="image_uid_once")
        ]

    def __str__(self) -> str:
        return f"Image {self.pk}"

    @property
    def kind(self) -> str:
        """The one word for what it is: MRI, CT, X-ray, and DICOM's beside it where it is finer."""
        word = str(self.get_modality_display())
        finer = self.modality == Modality.XRAY and self.dicom_modality
        return f"{word} ({finer})" if finer else word

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.depth, self.height, self.width)


class ImageFile(models.Model):
    """One original file of an image, in the order of its slices.

    A file of several stacks stands under each of their images.
    """

    image = models.ForeignKey(Image, models.CASCADE, related_name="files")
    source = models.ForeignKey(SourceFile, models.PROTECT, related_name="image_files")
    position = models.PositiveIntegerField()
    sop_instance_uid = models.CharField(max_length=64, db_index=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["image", "position"], name="image_file_position")
        ]

    def __str__(self) -> str:
        return f"File {self.position} of image {self.image_id}"


# --- who says what


class ModelState(models.TextChoices):
    DRAFT = "draft"
    CHECKED = "checked"
    ACTIVE = "active"
    RETIRED = "retired"
    QUARANTINED = "quarantined"


class ModelOrigin(models.TextChoices):
    FOLDER = "folder", gettext_lazy("The models folder")
    STORE = "store", gettext_lazy("Taken in")


class ModelVersion(models.Model):
    """One version of one model in the registry.

    Its files lie in models/<name>/, or where it was taken in (`origin`) in the store as
    <name>@<version>. `signature` is the registry key's over name, version, hashes and metadata;
    `facts` says how the file was converted, tried and timed.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    type = models.CharField(max_length=16)
    framework = models.CharField(max_length=16)
    modalities = models.JSONField(default=list, help_text='for instance ["xray"]')
    labels = models.JSONField(default=list, help_text="finding labels, in channel order")
    threshold = models.FloatField(default=0.5)
    metadata = models.JSONField(default=dict)
    sha256 = models.JSONField(default=dict, help_text="{file: hex} of every model file")
    origin = models.CharField(max_length=8, choices=ModelOrigin, default=ModelOrigin.FOLDER)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    signature = models.CharField(max_length=128, blank=True, editable=False)
    facts = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=16, choices=ModelState, default=ModelState.DRAFT)
    problem = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="model_version_once"),
            models.CheckConstraint(
                condition=~Q(state=ModelState.ACTIVE) | Q(problem=""),
                name="model_active_without_problem",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:model-detail", args=[self.pk])


class Fusion(models.TextChoices):
    """How the members of an ensemble become one."""

    MEAN = "mean", gettext_lazy("Weighted mean")
    MAJORITY = "majority", gettext_lazy("Weighted majority vote")
    STAPLE = "staple", "STAPLE"


class EnsembleState(models.TextChoices):
    """A saved choice is a proposal until an administrator approves it; one of a name serves."""

    PROPOSED = "proposed", gettext_lazy("Proposed")
    APPROVED = "approved", gettext_lazy("Approved")
    DECLINED = "declined", gettext_lazy("Declined")
    REPLACED = "replaced", gettext_lazy("Replaced")


class Ensemble(models.Model):
    """A saved choice of members; without an organisation it came with models/ and is everyone's.

    A row never changes what it says: a change of an ensemble is a new row of the same name,
    proposed by one person, and serves once another has approved it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        "accounts.Organisation", models.CASCADE, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=64)
    title = models.CharField(max_length=200, blank=True)
    type = models.CharField(max_length=16, default="segmentation")
    modalities = models.JSONField(default=list)
    threshold = models.FloatField(default=0.5)
    severity = models.JSONField(null=True, blank=True)
    fusion = models.CharField(max_length=12, choices=Fusion, default=Fusion.MEAN)
    thresholds = models.JSONField(
        default=dict, blank=True, help_text="its own, by label, for classes and boxes"
    )
    union = models.BooleanField(
        default=False, help_text="classification: each label is averaged over who knows it"
    )
    suggested = models.JSONField(
        null=True, blank=True, help_text="weights and threshold that tune_ensemble proposed"
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    number = models.PositiveSmallIntegerField(default=1, help_text="its version under this name")
    state = models.CharField(max_length=12, choices=EnsembleState, default=EnsembleState.PROPOSED)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="none: the machine's operator, or it came with the house",
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was declined")

    class Meta:
        ordering = ["name", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "name"],
                condition=Q(organisation__isnull=False, state="approved"),
                name="ensemble_name_once",
            ),
            models.UniqueConstraint(
                fields=["organisation", "name"],
                condition=Q(organisation__isnull=False, state="proposed"),
                name="ensemble_one_proposal",
            ),
            models.UniqueConstraint(
                fields=["organisation", "name", "number"],
                condition=Q(organisation__isnull=False),
                name="ensemble_number_once",
            ),
            models.CheckConstraint(
                condition=Q(organisation__isnull=False) | Q(state="approved"),
                name="ensemble_builtin_serves",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | Q(created_by=None) | ~Q(decided_by=F("created_by")),
                name="ensemble_by_two_people",
            ),
            models.CheckConstraint(
                condition=~Q(state="proposed") | Q(decided_by=None, decided_at=None),
                name="ensemble_proposed_is_open",
            ),
            models.CheckConstraint(
                condition=Q(state="declined") & ~Q(reason="") | ~Q(state="declined") & Q(reason=""),
                name="ensemble_declined_says_why",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(organisation__isnull=True),
                name="ensemble_builtin_name_once",
            ),
            models.CheckConstraint(
                condition=Q(threshold__gt=0) & Q(threshold__lte=1), name="ensemble_threshold"
            ),
            models.CheckConstraint(
                condition=~Q(fusion="staple") | Q(type="segmentation"), name="ensemble_staple"
            ),
        ]

    def __str__(self) -> str:
        name = self.title or self.name
        return f"{name} v{self.number}" if self.number > 1 else name


class EnsembleMember(models.Model):
    """One model of a saved ensemble with its weight and device."""

    ensemble = models.ForeignKey(Ensemble, models.CASCADE, related_name="members")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    weight = models.FloatField(default=1)
    device = models.CharField(max_length=16, default="auto")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["ensemble", "model_version"], name="ensemble_member_once"
            ),
            models.CheckConstraint(condition=Q(weight__gte=0), name="ensemble_member_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} × {self.weight:g}"


# --- a request and its answers


class Run(Clinical):
    """One request: these images, this ensemble (frozen copy), by this person."""

    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="runs")
    ensemble = models.ForeignKey(
        Ensemble, models.SET_NULL, null=True, blank=True, related_name="runs"
    )
    title = models.CharField(max_length=200)
    threshold = models.FloatField()
    frozen = models.JSONField(help_text="the EnsembleSpec as it was when the run was asked for")
    token = models.CharField(
        max_length=64, blank=True, editable=False, help_text="the form's own: sent twice, one run"
    )
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    cancelled_at = models.DateTimeField(null=True, blank=True)
    skipped = models.JSONField(
        default=list, editable=False, help_text="images that were asked for and not taken, and why"
    )
    override_of = models.ForeignKey(
        "Result",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="overrides",
        help_text="the refusal of the input gate that a person set aside",
    )
    override_reason = SealedTextField(blank=True, default="")
    cohort = models.ForeignKey(
        Cohort,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="runs",
        help_text="a researcher's: it stands in no record and no list of those who treat",
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["organisation", "-created_at", "-id"]),
            models.Index(fields=["requested_by", "-created_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "token"], condition=~Q(token=""), name="run_token_once"
            )
        ]

    def __str__(self) -> str:
        return f"Run {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:run-detail", args=[self.pk])


class Member(models.Model):
    """One model in a Run: the weight and the device that were asked for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    run = models.ForeignKey(Run, models.CASCADE, related_name="members")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    weight = models.FloatField()
    share = models.FloatField(help_text="weight over the sum of weights, 0 to 1")
    device = models.CharField(max_length=16)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "model_version"], name="member_once"),
            models.CheckConstraint(condition=Q(weight__gte=0), name="member_weight"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} × {self.weight:g}"


class JobStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE = [JobStatus.QUEUED, JobStatus.RUNNING]
FINISHED = [JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED]


class JobQuerySet(models.QuerySet):
    def live(self) -> JobQuerySet:
        return self.filter(status__in=LIVE)


class Job(Clinical):
    """One image of a Run: queued → running → succeeded, failed or cancelled.

    `attempt` counts the claims and fences the writes: only the worker of the
    latest attempt may finish it. `lease_until` is the database's time; past it
    the worker is taken for dead, and `deaths` counts that. `rung_at` is when the
    queue was last told of it; null: it waits for its user's turn.
    """

    run = models.ForeignKey(Run, models.CASCADE, related_name="jobs")
    image = models.ForeignKey(Image, models.CASCADE, related_name="jobs")
    position = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=16, choices=JobStatus, default=JobStatus.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0, editable=False)
    deaths = models.PositiveSmallIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    rung_at = models.DateTimeField(null=True, blank=True, editable=False)
    request_id = models.CharField(
        max_length=32, blank=True, default=current_request_id, editable=False
    )
    step = models.CharField(max_length=120, blank=True)
    steps_done = models.PositiveSmallIntegerField(default=0)
    steps_total = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True, help_text="Shown to the user.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "image"],
                condition=Q(status__in=LIVE),
                name="job_one_live_per_run_and_image",
            ),
            models.CheckConstraint(
                condition=(Q(status__in=FINISHED) & Q(finished_at__isnull=False))
                | (Q(status__in=LIVE) & Q(finished_at__isnull=True)),
                name="job_finished_at_iff_finished",
            ),
            models.CheckConstraint(
                condition=Q(status=JobStatus.FAILED) | Q(error=""),
                name="job_error_only_if_failed",
            ),
            models.CheckConstraint(
                condition=~Q(status=JobStatus.RUNNING) | Q(lease_until__isnull=False),
                name="job_running_has_lease",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "lease_until"]),
            models.Index(fields=["run", "position"]),
            models.Index(fields=["image", "-created_at"]),
        ]

    def __str__(self) -> str:
        return f"Job {self.pk} ({self.status})"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class Severity(models.TextChoices):
    LOW = "low", gettext_lazy("Low")
    MODERATE = "moderate", gettext_lazy("Moderate")
    HIGH = "high", gettext_lazy("High")
    NO_FINDING = "no finding", gettext_lazy("No Finding")
    NOT_ASSESSED = "not assessed", gettext_lazy("Not Assessed")


class GateVerdict(models.TextChoices):
    """What the input gate said, the worst of its checks."""

    PASS = "pass", gettext_lazy("Analysed")
    WARN = "warn", gettext_lazy("Analysed with a warning")
    REFUSE = "refuse", gettext_lazy("Not analysed")


class Result(OfPatient):
    """What a succeeded Job says, at the saved threshold and on the table of others.

    `table` is the threshold table of MEASURES §3 (rows as imaging.measures
    writes them); the row of `threshold` is the one that counts. A stored
    result is never changed. Classes and boxes have rows of their own instead, and where the
    input gate refused there is neither: `is_analysed` says so.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, models.PROTECT, related_name="result")
    image = models.ForeignKey(Image, models.PROTECT, related_name="results")
    type = models.CharField(max_length=16, default="segmentation")
    labels = models.JSONField(default=list)
    threshold = models.FloatField()
    level = models.PositiveSmallIntegerField(help_text="in the mask iff map >= level")
    severity = models.CharField(max_length=16, choices=Severity)
    severity_reason = models.CharField(max_length=300)
    severity_rule = models.JSONField()
    area_hundredths = models.PositiveIntegerField(null=True)
    intensity_range = models.JSONField(null=True)
    table = models.JSONField()
    ranges = models.JSONField(
        null=True,
        help_text="MEASURES §4, bands; null where they were not kept yet",
    )
    slices = models.JSONField(
        null=True,
        help_text="of a volume: for the slices of each axis their pixels and highest level",
    )
    agreement = models.JSONField(null=True)
    disagree = models.BooleanField(default=False)
    headline = models.CharField(
        max_length=200, blank=True, help_text="what lists show where it is no area"
    )
    fusion = models.CharField(max_length=12, choices=Fusion, default=Fusion.MEAN)
    decision = models.JSONField(default=dict, help_text="thresholds and overlaps that decided")
    gate = models.JSONField(default=dict, help_text="MEASURES §14; empty: from before the gate")
    gate_verdict = models.CharField(max_length=8, choices=GateVerdict, blank=True)
    timings = models.JSONField(default=dict)
    versions = models.JSONField(default=dict)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["organisation", "-created_at", "-id"]),
            models.Index(fields=["image", "-created_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(level__gte=1) & Q(level__lte=255), name="result_level"
            ),
            models.CheckConstraint(
                condition=Q(type="segmentation") | Q(severity=Severity.NOT_ASSESSED),
                name="result_severity_of_masks_only",
            ),
        ]

    def __str__(self) -> str:
        return f"Result {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("imaging:result-detail", args=[self.pk])

    @property
    def area_text(self) -> str:
        """The affected area as people read it, without the table: 27.31 %, <0.01 %, —."""
        if self.area_hundredths is None:
            return "—"
        return area_text(self.area_hundredths, px=int(self.severity != Severity.NO_FINDING))

    @property
    def denominator(self) -> str:
        return self.severity_rule.get("denominator") or self.severity_rule.get("basis", "")

    @property
    def said(self) -> str:
        """What a list shows: 27.31 % of organ; tuberculosis 0.87; 2 boxes; not analysed."""
        return self.headline or f"{self.area_text} of {self.denominator}"

    @property
    def is_analysed(self) -> bool:
        """False where the input gate refused and nobody set that aside: there are no numbers."""
        return self.gate_verdict != GateVerdict.REFUSE or self.gate.get("overridden", False)

    @property
    def is_measured(self) -> bool:
        """Whether there is a map with a threshold table."""
        return bool(self.table)

    @property
    def operating(self) -> dict:
        """The row of the saved threshold."""
        return next(row for row in self.table if row["level"] == self.level)


class ResultMap(Clinical):
    """One uint8 map on the image's grid: ensemble, disagreement, a member's, a label's."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="maps")
    name = models.CharField(max_length=80, help_text="ensemble, disagreement, member-0, label-0")
    blob = _blob()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["result", "name"], name="result_map_name_once")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.result_id}"


class MemberOutcome(Clinical):
    """How one member of the run fared on this image."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="members")
    member = models.ForeignKey(Member, models.PROTECT, related_name="outcomes")
    device_used = models.CharField(max_length=16, blank=True, help_text="blank: not run")
    fallback = models.CharField(max_length=300, blank=True)
    load_ms = models.FloatField(default=0)
    run_ms = models.FloatField(default=0)
    area_px = models.PositiveBigIntegerField(null=True)

    class Meta:
        ordering = ["member__position"]
        constraints = [
            models.UniqueConstraint(fields=["result", "member"], name="member_outcome_once")
        ]

    def __str__(self) -> str:
        return f"Outcome of {self.member_id}"


class Lesion(Clinical):
    """One connected region at the saved threshold; `facts` as imaging.measures writes them."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="lesions")
    position = models.PositiveIntegerField()
    tracking_uid = models.CharField(max_length=64)
    facts = models.JSONField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["result", "position"], name="lesion_position_once")
        ]

    def __str__(self) -> str:
        return f"L{self.position} of {self.result_id}"


class Measurement(Clinical):
    """One number of a result at its saved threshold, with all that gives it meaning."""

    result = models.ForeignKey(Result, models.CASCADE, related_name="measurements")
    name = models.CharField(max_length=64)
    value = models.FloatField(null=True)
    reason = models.CharField(max_length=200, blank=True, help_text="why there is no value")
    unit = models.CharField(max_length=32, blank=True)
    scope = models.CharField(max_length=16, default="image")
    denominator = models.CharField(max_length=32, blank=True)
    threshold = models.FloatField()
    rule = models.CharField(max_length=64)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["result", "name", "scope"], name="measurement_name_once"
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=False) | ~Q(reason=""), name="measurement_null_explained"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


class Heartbeat(models.Model):
    """The last sign of life of a supervising process, by name."""

    name = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


# --- who may see whom


class Assignment(Clinical):
    """A patient is given to a clinician; it ends by deletion, the trail remembers it."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="assignments")
    assigned_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["user", "patient"], name="assignment_once")]

    def __str__(self) -> str:
        return f"Assignment {self.pk}"


class Verdict(models.TextChoices):
    APPROVED = "approved", gettext_lazy("Approved")
    OBJECTED = "objected", gettext_lazy("Objected")


GLASS_OPEN = timedelta(minutes=60)


class BreakGlass(OfPatient):
    """An emergency access to one patient: opened for an hour, told, and reviewed afterwards."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = SealedTextField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True, help_text="given back early")
    verdict = models.CharField(max_length=16, choices=Verdict, blank=True)
    comment = SealedTextField(blank=True, default="")
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-opened_at"]
        indexes = [
            models.Index(fields=["user", "-opened_at"]),
            models.Index(fields=["organisation", "verdict", "-opened_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict="", reviewed_by=None, reviewed_at=None)
                | Q(verdict__in=Verdict.values, reviewed_by__isnull=False,
                    reviewed_at__isnull=False),
                name="break_glass_reviewed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by=None) | ~Q(reviewed_by=models.F("user")),
                name="break_glass_not_reviewed_by_oneself",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(closed_at__gte=models.F("opened_at")),
                name="break_glass_closed_after_opened",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"Emergency access {self.pk}"

    @property
    def ends_at(self) -> datetime:
        return self.opened_at + GLASS_OPEN

    @property
    def minutes_left(self) -> int:
        return max(0, math.ceil((self.ends_at - now()).total_seconds() / 60))
