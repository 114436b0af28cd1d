"""One factory per model from upload to result, each making the smallest valid row.

Rows of one story share the organisation: `ResultFactory()` makes a radiologist,
an image with pixels in the vault, an active model, a run, a job and a result.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import factory
import numpy as np
from django.utils.timezone import localdate, now

from accounts.roles import CLINICIAN
from accounts.selectors import home_organisation
from accounts.vault.storage import blob_write
from imaging.models import (
    Assignment,
    Cohort,
    CohortImage,
    CohortReader,
    Ensemble,
    EnsembleMember,
    Image,
    ImageFile,
    ItemStatus,
    Job,
    JobStatus,
    Member,
    MemberOutcome,
    ModelState,
    ModelVersion,
    Patient,
    Result,
    ResultMap,
    Review,
    Rule,
    Run,
    Series,
    SourceFile,
    Study,
    Upload,
    UploadItem,
)
from imaging.services.seals import CHILD_FIELDS, result_seal
from imaging.services.standings import standings_settle
from tests.accounts.factories import OrganisationFactory, StrangerFactory, UserFactory

SHAPE = (1, 24, 32)
THUMBNAIL = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"
    b"\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82"
)


def new_uid() -> str:
    return f"2.25.{uuid.uuid4().int}"


def ramp(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """uint8 (Z, Y, X) that rises along X and never repeats a row."""
    z, y, x = np.indices(shape)
    return ((7 * x + 3 * y + z) % 256).astype(np.uint8)


def disc_map(
    shape: tuple[int, int, int] = SHAPE, radius: float = 8, level: int = 230
) -> np.ndarray:
    """A probability map, uint8 (Z, Y, X): a disc in the middle of every slice."""
    _, y, x = np.indices(shape)
    inside = (y - shape[1] / 2) ** 2 + (x - shape[2] / 2) ** 2 <= radius**2
    return np.where(inside, level, 5).astype(np.uint8)


def stored(organisation, data: bytes, kind: str, patient_id=None):
    return blob_write(organisation=organisation, chunks=[data], kind=kind, patient_id=patient_id)


class _Of(factory.django.DjangoModelFactory):
    class Meta:
        abstract = True


class _Settled(_Of):
    """A row that changes how its study stands, settled as the services settle it."""

    class Meta:
        abstract = True

    @classmethod
    def _after_postgeneration(cls, instance, create, results=None):
        super()._after_postgeneration(instance, create, results)
        standings_settle(
            [(instance.result if isinstance(instance, Review) else instance).image.study_id]
        )


class PatientFactory(_Of):
    class Meta:
        model = Patient

    organisation = factory.SubFactory(OrganisationFactory)


class StudyFactory(_Of):
    class Meta:
        model = Study

    class Params:
        user = None

    organisation = factory.LazyAttribute(
        lambda o: home_organisation(o.user) if o.user else OrganisationFactory()
    )
    patient = factory.SubFactory(
        PatientFactory, organisation=factory.SelfAttribute("..organisation")
    )
    study_instance_uid = factory.LazyFunction(new_uid)
    modality = "xray"
    uploaded_by = factory.LazyAttribute(
        lambda o: o.user or UserFactory(organisation=o.organisation)
    )


class AssignmentFactory(_Of):
    class Meta:
        model = Assignment

    patient = factory.SubFactory(PatientFactory)
    organisation = factory.SelfAttribute("patient.organisation")
    user = factory.LazyAttribute(lambda o: UserFactory(organisation=o.organisation, role=CLINICIAN))
    assigned_by = factory.LazyAttribute(lambda o: UserFactory(organisation=o.organisation))


class SeriesFactory(_Of):
    class Meta:
        model = Series

    study = factory.SubFactory(StudyFactory)
    organisation = factory.SelfAttribute("study.organisation")
    patient = factory.SelfAttribute("study.patient")
    series_instance_uid = factory.LazyFunction(new_uid)


class SourceFileFactory(_Of):
    class Meta:
        model = SourceFile

    organisation = factory.SubFactory(OrganisationFactory)
    name = "chest.png"
    sha256 = factory.Sequence("{:064x}".format)
    size = 10
    format = "png"
    blob = factory.LazyAttribute(lambda o: stored(o.organisation, b"0123456789", "source"))


class ImageFactory(_Of):
    """A readable image; `array` (Z, Y, X) is what lies in the vault."""

    class Meta:
        model = Image
        skip_postgeneration_save = True

    class Params:
        array = factory.LazyFunction(ramp)
        user = None

    study = factory.SubFactory(
        StudyFactory, modality=factory.SelfAttribute("..modality"),
        user=factory.SelfAttribute("..user"),
    )  # fmt: skip
    organisation = factory.SelfAttribute("study.organisation")
    patient = factory.SelfAttribute("study.patient")
    series = factory.LazyAttribute(lambda o: SeriesFactory(study=o.study))
    source = factory.SubFactory(
        SourceFileFactory, organisation=factory.SelfAttribute("..organisation")
    )
    sop_instance_uid = factory.LazyFunction(new_uid)
    modality = "xray"
    depth = factory.LazyAttribute(lambda o: o.array.shape[0])
    height = factory.LazyAttribute(lambda o: o.array.shape[1])
    width = factory.LazyAttribute(lambda o: o.array.shape[2])
    dtype = factory.LazyAttribute(lambda o: o.array.dtype.name)
    facts = factory.LazyAttribute(
        lambda o: {
            "slope": 1.0, "intercept": 0.0, "spacing_mm": None, "spacing_kind": "none",
            "unit": "stored value", "bits": 8, "raster": True, "affine": None, "padding": None,
            "window": None, "low": float(np.percentile(o.array, 1)),
            "high": float(np.percentile(o.array, 99)), "minimum": float(o.array.min()),
            "maximum": float(o.array.max()),
        }
    )  # fmt: skip
    pixels = factory.LazyAttribute(
        lambda o: stored(o.organisation, o.array.tobytes(), "pixels", o.patient.pk)
    )
    thumbnail = factory.LazyAttribute(
        lambda o: stored(o.organisation, THUMBNAIL, "thumbnail", o.patient.pk)
    )

    @factory.post_generation
    def files(self, create, extracted, **kwargs):
        for position, source in enumerate(extracted or [self.source]):
            ImageFile.objects.create(
                image=self, source=source, position=position,
                sop_instance_uid=self.sop_instance_uid if position == 0 else new_uid(),
            )  # fmt: skip


class UploadFactory(_Of):
    class Meta:
        model = Upload

    class Params:
        finished = factory.Trait(finished_at=factory.LazyFunction(now))

    user = factory.SubFactory(UserFactory)
    organisation = factory.LazyAttribute(lambda o: home_organisation(o.user))
    modality = "xray"


class UploadItemFactory(_Of):
    """A waiting item; traits `refused` and `accepted` for those that are done."""

    class Meta:
        model = UploadItem

    class Params:
        data = b"not an image"
        refused = factory.Trait(
            status=ItemStatus.REFUSED, code="empty", reason="The file is empty.", blob=None
        )
        accepted = factory.Trait(
            status=ItemStatus.ACCEPTED, blob=None,
            image=factory.LazyAttribute(lambda o: ImageFactory(user=o.upload.user)),
        )  # fmt: skip

    upload = factory.SubFactory(UploadFactory)
    organisation = factory.SelfAttribute("upload.organisation")
    position = factory.LazyAttribute(lambda o: o.upload.items.count())
    name = "chest.png"
    size = factory.LazyAttribute(lambda o: len(o.data))
    blob = factory.LazyAttribute(lambda o: stored(o.organisation, o.data, "source"))


class ModelVersionFactory(_Of):
    """An active model of lung fields on X-rays."""

    class Meta:
        model = ModelVersion

    name = factory.Sequence("model-{}".format)
    version = "1.0.0"
    type = "segmentation"
    framework = "onnx"
    modalities = factory.LazyFunction(lambda: ["xray"])
    labels = factory.LazyFunction(lambda: ["lung fields"])
    metadata = factory.LazyFunction(
        lambda: {
            "input_shape": [None, 1, 256, 256],
            "card": {
                "intended_use": "Tests", "training_data": "None", "evaluation": {"dice": 0.5},
                "limitations": "All", "licence": "MIT", "authors": ["A. B."],
            },
        }
    )  # fmt: skip
    sha256 = factory.LazyAttribute(lambda o: {"model.onnx": f"{abs(hash(o.name)):064x}"})
    state = ModelState.ACTIVE


class EnsembleFactory(_Of):
    """A built-in ensemble of one model; `members` sets how many."""

    class Meta:
        model = Ensemble
        skip_postgeneration_save = True

    name = factory.Sequence("ensemble-{}".format)
    title = factory.LazyAttribute(lambda o: o.name.title())
    state = "approved"
    modalities = factory.LazyFunction(lambda: ["xray"])

    @factory.post_generation
    def members(self, create, count, **kwargs):
        for position in range(count or 1):
            EnsembleMember.objects.create(
                ensemble=self, model_version=ModelVersionFactory(), position=position
            )


class RuleFactory(_Of):
    """Every new X-ray of the organisation, by a built-in ensemble of one model; on."""

    class Meta:
        model = Rule

    organisation = factory.SubFactory(OrganisationFactory)
    name = factory.Sequence("rule-{}".format)
    modality = "xray"
    ensemble = factory.SubFactory(EnsembleFactory)
    is_on = True
    created_by = factory.SubFactory(StrangerFactory)


class CohortFactory(_Of):
    """A cohort for `readers` (users): of `images`, and of `held`, which wait for a look."""

    class Meta:
        model = Cohort
        skip_postgeneration_save = True

    organisation = factory.SubFactory(OrganisationFactory)
    name = factory.Sequence("cohort-{}".format)
    purpose = "To see how well it works"
    until = factory.LazyFunction(lambda: localdate() + timedelta(days=30))
    made_by = factory.SubFactory(StrangerFactory)

    @factory.post_generation
    def readers(self, create, users, **kwargs):
        for user in users or []:
            CohortReader.objects.create(cohort=self, user=user)

    @factory.post_generation
    def images(self, create, images, **kwargs):
        for image in images or []:
            _into(self, image, "free", "")

    @factory.post_generation
    def held(self, create, images, **kwargs):
        for image in images or []:
            _into(self, image, "held", "picture")


def _into(cohort: Cohort, image: Image, state: str, hold: str) -> None:
    place = cohort.images.count() + 1
    CohortImage.objects.create(
        cohort=cohort, image=image, position=place, year="2004", state=state, hold=hold
    )


class RunFactory(_Of):
    """A run of one member without jobs; `models` gives others."""

    class Meta:
        model = Run
        skip_postgeneration_save = True

    class Params:
        versions = factory.LazyFunction(lambda: [ModelVersionFactory()])

    requested_by = factory.SubFactory(UserFactory)
    organisation = factory.LazyAttribute(lambda o: home_organisation(o.requested_by))
    title = "Lung fields"
    threshold = 0.5
    frozen = factory.LazyAttribute(
        lambda o: {
            "name": "", "type": "segmentation", "labels": ["lung fields"],
            "threshold": o.threshold, "severity": None,
            "members": [
                {"model": one.name, "version": one.version, "weight": 1.0, "device": "auto",
                 "sha256": one.sha256}
                for one in o.versions
            ],
        }
    )  # fmt: skip

    @factory.post_generation
    def members(self, create, extracted, **kwargs):
        frozen = self.frozen["members"]
        for position, member in enumerate(frozen):
            Member.objects.create(
                run=self,
                model_version=ModelVersion.objects.get(
                    name=member["model"], version=member["version"]
                ),
                position=position,
                weight=member["weight"],
                share=1 / len(frozen),
                device=member["device"],
            )


class JobFactory(_Settled):
    """A queued job; traits `running`, `dead` (lease over), `failed`, `succeeded`, `cancelled`."""

    class Meta:
        model = Job

    class Params:
        user = factory.SubFactory(UserFactory)
        running = factory.Trait(
            status=JobStatus.RUNNING, attempt=1, started_at=factory.LazyFunction(now),
            lease_until=factory.LazyFunction(lambda: now() + timedelta(seconds=60)),
            rung_at=factory.LazyFunction(now),
        )  # fmt: skip
        dead = factory.Trait(
            running=True, lease_until=factory.LazyFunction(lambda: now() - timedelta(seconds=1))
        )
        failed = factory.Trait(
            status=JobStatus.FAILED, attempt=1, error="It failed.",
            finished_at=factory.LazyFunction(now),
        )  # fmt: skip
        cancelled = factory.Trait(status=JobStatus.CANCELLED, finished_at=factory.LazyFunction(now))
        succeeded = factory.Trait(
            status=JobStatus.SUCCEEDED, attempt=1, started_at=factory.LazyFunction(now),
            finished_at=factory.LazyFunction(now),
        )  # fmt: skip

    run = factory.LazyAttribute(lambda o: RunFactory(requested_by=o.user))
    organisation = factory.SelfAttribute("run.organisation")
    image = factory.LazyAttribute(lambda o: ImageFactory(user=o.run.requested_by))
    position = factory.LazyAttribute(lambda o: o.run.jobs.count())


def operating_row(**changes) -> dict:
    """One row of a threshold table, at 0.5, as imaging.measures writes it."""
    row = {
        "t": 0.5, "level": 128, "raw_px": 200, "area_px": 200, "reference_px": 768,
        "area_hundredths": 2604, "area_percent": 26.04, "area_text": "26.04 %",
        "denominator": "whole image", "area_mm2": None, "volume_ml": None, "outside_px": 0,
        "average_intensity": 120.5, "mean": 120.5, "sd": 40.2, "p10": 60.0, "p50": 121.0,
        "p90": 180.0, "unit": "stored value", "ratio": 1.2, "z": 0.4, "circularity": 0.93,
        "sphericity": None, "lesions": 1, "largest_px": 200, "specks": 0, "specks_px": 0,
        "severity": "high", "severity_reason": "26.04 % is above 7.5 %.", "warning": "",
        "reasons": {
            "area_mm2": "The file gives no pixel spacing.",
            "volume_ml": "A single picture has no volume.",
            "sphericity": "A single picture has no sphericity.",
        },
    }  # fmt: skip
    return row | changes


LOWER = operating_row(t=0.45, level=115, raw_px=300, area_text="31.00 %")


class ResultFactory(_Settled):
    """The result of a succeeded job with an ensemble map and one outcome per member."""

    class Meta:
        model = Result
        skip_postgeneration_save = True

    class Params:
        user = factory.SubFactory(UserFactory)

    job = factory.LazyAttribute(lambda o: JobFactory(user=o.user, succeeded=True))
    organisation = factory.SelfAttribute("job.organisation")
    image = factory.SelfAttribute("job.image")
    patient = factory.SelfAttribute("job.image.patient")
    labels = factory.LazyFunction(lambda: ["lung fields"])
    threshold = 0.5
    level = 128
    severity = "high"
    severity_reason = "26.04 % is above 7.5 %."
    severity_rule = factory.LazyFunction(
        lambda: {
            "rule": "area-circularity", "version": 1, "basis": "whole image",
            "area": [1.5, 7.5], "circularity": [0.45, 0.75], "denominator": "whole image",
        }
    )  # fmt: skip
    area_hundredths = 2604
    intensity_range = factory.LazyFunction(lambda: [0.0, 255.0])
    table = factory.LazyFunction(lambda: [operating_row()])
    agreement = None
    timings = factory.LazyFunction(lambda: {"forward_ms": 10.0, "total_ms": 20.0, "loads": 1})
    versions = factory.LazyFunction(lambda: {"numpy": "2.4.6"})

    @factory.post_generation
    def maps(self, create, extracted, **kwargs):
        data = disc_map(self.image.shape).tobytes()
        ResultMap.objects.create(
            organisation=self.organisation,
            result=self,
            name="ensemble",
            blob=stored(self.organisation, data, "map", self.patient_id),
        )

    @factory.post_generation
    def outcomes(self, create, extracted, **kwargs):
        for member in self.job.run.members.all():
            MemberOutcome.objects.create(
                organisation=self.organisation, result=self, member=member, device_used="cpu",
                load_ms=5, run_ms=10, area_px=200,
            )  # fmt: skip


class ReviewFactory(_Settled):
    """The first version of a decision on a result: accepted, not signed."""

    class Meta:
        model = Review

    result = factory.SubFactory(ResultFactory)
    organisation = factory.SelfAttribute("result.organisation")
    patient = factory.SelfAttribute("result.patient")
    author = factory.SelfAttribute("result.job.run.requested_by")
    number = 1
    decision = "accepted"


def sealed(result: Result) -> Result:
    """Seal a stored result, as the worker does in the same transaction."""
    rows = [row for model in CHILD_FIELDS for row in model.objects.filter(result=result)]
    result_seal(result, rows).save(force_insert=True)
    return result
