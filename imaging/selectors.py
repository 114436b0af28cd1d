"""What each person may see. Every view starts from here; a stranger finds nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
)

from accounts.roles import DEPARTMENT, ORGANISATION
from accounts.selectors import grants_of, organisations_of, reads_first_at
from accounts.vault.fields import blind_index
from imaging.models import (
    Image,
    Impression,
    Instance,
    Job,
    JobStatus,
    ModelState,
    ModelVersion,
    Order,
    Patient,
    Result,
    Review,
    Run,
    Series,
    Study,
    Upload,
    UploadItem,
)
from imaging.scope import Paths, may_see, parts_of, whole_of, within

STUDY = Paths("department", "patient", "uploaded_by", "deleted_at", "created_at")
IMAGE = Paths(
    "study__department", "patient", "study__uploaded_by", "study__deleted_at", "created_at"
)
INSTANCE = Paths(
    "study__department", "patient", "study__uploaded_by", "study__deleted_at", "source__created_at"
)
UPLOAD = Paths("department", "", "user", "", "created_at")
JOB = Paths(
    "image__study__department",
    "image__patient",
    "run__requested_by",
    "image__study__deleted_at",
    cohort="run__cohort",
)
RESULT = Paths(
    "image__study__department",
    "patient",
    "job__run__requested_by",
    "image__study__deleted_at",
    cohort="job__run__cohort",
)
KEPT_JOBS = Q(jobs__image__study__deleted_at=None)  # those that a run counts


def studies_visible_to(user) -> QuerySet[Study]:
    return Study.objects.filter(within(user, "study.view", STUDY))


def series_visible_to(user) -> QuerySet[Series]:
    """Return the series with images; those of SEG and SR are DICOMweb's alone."""
    pictured = Exists(Image.objects.filter(series=OuterRef("pk")))
    return Series.objects.filter(pictured, study__in=studies_visible_to(user).order_by())


def studies_movable_by(user) -> QuerySet[Study]:
    return Study.objects.filter(within(user, "study.move", STUDY))


def studies_within(user, action: str) -> QuerySet[Study]:
    return Study.objects.filter(within(user, action, STUDY))


def patients_within(user, action: str) -> QuerySet[Patient]:
    """Return the patients of organisations that `user` reaches whole, and of studies they reach."""
    found = whole_of(user, action) or Q(pk__in=[])
    parts = parts_of(user, action, STUDY)
    if parts is not None:
        found |= Exists(Study.objects.filter(parts, STUDY.kept, patient=OuterRef("pk")))
    return Patient.objects.filter(found)


def patients_visible_to(user) -> QuerySet[Patient]:
    return patients_within(user, "study.view")


def patients_found(user, record_number: str) -> QuerySet[Patient]:
    """Return those with exactly this record number where `user` may search; it shows no record."""
    houses = organisations_of(user, "patient.find")
    wanted = [
        Q(organisation=house, mrn_index=blind_index(house, "record_number", record_number))
        for house in houses
    ]
    found = Q(pk__in=[])
    for one in wanted:
        found |= one
    return Patient.objects.filter(found).select_related("organisation")


def images_visible_to(user, action: str = "study.view") -> QuerySet[Image]:
    """Return the images on which `user` may do `action`; seeing one is not yet its pixels."""
    images = Image.objects.filter(within(user, action, IMAGE))
    return images.select_related("study", "pixels", "thumbnail")


def instances_visible_to(user, action: str = "study.view") -> QuerySet[Instance]:
    """Return the DICOM instances on which `user` may do `action`; those not told are nobody's.

    What was made of a result is there for whoever may see the result, and has read first.
    """
    came = within(user, action, INSTANCE) & Q(made_of=None)
    if not may_see(user, "result.view"):  # of an API key: within its scopes
        return Instance.objects.filter(came, problem="")
    results = results_visible_to(user).order_by().values("pk")
    made = INSTANCE.kept & Q(made_of__result__in=results)
    return Instance.objects.filter(came | made, problem="")


def pixels_open(user, images) -> set:
    """Return the ids of those of `images` (ids) whose pictures `user` may see."""
    found = Image.objects.filter(within(user, "pixels.view", IMAGE), pk__in=list(images))
    return set(found.values_list("pk", flat=True))


def uploads_visible_to(user) -> QuerySet[Upload]:
    return Upload.objects.filter(within(user, "upload.create", UPLOAD))


def items_told() -> QuerySet[UploadItem]:
    """Return what became of sent files; those of a study that was deleted are not told."""
    return UploadItem.objects.exclude(image__study__deleted_at__isnull=False)


def runs_visible_to(user) -> QuerySet[Run]:
    """Return the runs of whole organisations, and those with an image that `user` may see."""
    found = whole_of(user, "run.view") or Q(pk__in=[])
    parts = parts_of(user, "run.view", JOB)
    if parts is not None:
        found |= Exists(Job.objects.filter(parts, JOB.kept, run=OuterRef("pk")))
    return Run.objects.filter(found, cohort=None).exclude(all_deleted())


def all_deleted() -> Q:
    """The condition for runs whose every image is of a study that was deleted."""
    jobs = Job.objects.filter(run=OuterRef("pk")).order_by()
    return Q(Exists(jobs.exclude(JOB.kept))) & ~Q(Exists(jobs.filter(JOB.kept)))


def orders_visible_to(user) -> QuerySet[Order]:
    """Return the orders that `user` placed, where they may still run; nobody sees another's."""
    own = Order.objects.filter(user=user, organisation__in=organisations_of(user, "run.submit"))
    return own.select_related("upload").prefetch_related(Prefetch("upload__items", items_told()))


def runs_counted(user) -> QuerySet[Run]:
    """Return the runs that `user` may see, with their members and how many jobs stand where."""
    counts = {
        status.value: Count("jobs", filter=Q(jobs__status=status) & KEPT_JOBS, distinct=True)
        for status in JobStatus
    }
    return runs_visible_to(user).annotate(**counts).prefetch_related("members__model_version")


def jobs_told(user) -> QuerySet[Job]:
    """Return the jobs that `user` may see; `result_shown` is the result that they may see too."""
    shown = results_visible_to(user).order_by().filter(job=OuterRef("pk")).values("pk")
    found = Job.objects.filter(within(user, "run.view", JOB))
    return found.annotate(result_shown=Subquery(shown[:1]))


def jobs_visible_to(user, action: str = "run.view") -> QuerySet[Job]:
    """Return the jobs on which `user` may do `action`."""
    jobs = Job.objects.filter(within(user, action, JOB))
    return jobs.select_related("run", "image")


def unread_first(user) -> Q | None:
    """Return the condition for results that `user` is not sent yet: their images are not read.

    None: nothing is held back from them. Who decided on an image has read it.
    """
    houses = reads_first_at(user)
    if not houses:
        return None
    told = Impression.objects.filter(author=user, image=OuterRef("image"))
    decided = Review.objects.filter(author=user, result__image=OuterRef("image"))
    return Q(organisation__in=houses) & ~Exists(told) & ~Exists(decided)


def _sent(user, results: QuerySet[Result]) -> QuerySet[Result]:
    held_back = unread_first(user)
    return results if held_back is None else results.filter(~held_back)


def results_readable_by(user) -> QuerySet[Result]:
    """Return the results that `user` may see, now or once they have read the picture first."""
    return Result.objects.filter(within(user, "result.view", RESULT))


def results_held_back(user) -> QuerySet[Result]:
    """Return the results that `user` may see once they have written down what they see."""
    held_back = unread_first(user)
    if held_back is None:
        return Result.objects.none()
    return results_readable_by(user).filter(held_back)


def images_held_back(user, study: Study) -> set:
    """Return the ids of the study's images that `user` is to read first."""
    if not reads_first_at(user):
        return set()
    held = results_held_back(user).filter(image__study=study)
    return set(held.order_by().values_list("image", flat=True))


def results_visible_to(user) -> QuerySet[Result]:
    """Return what `user` may see; what they must read first is as if it were not there."""
    results = _sent(user, results_readable_by(user))
    return results.select_related("job__run", "image__study", "image__pixels", "patient")


def results_detailed(user) -> QuerySet[Result]:
    """Return what `user` may see, with classes, boxes, members and the names of the maps."""
    return results_visible_to(user).prefetch_related(
        "classes", "boxes", "maps", "members__member__model_version"
    )


def reviews_visible_to(user) -> QuerySet[Review]:
    """Return every version of the verdicts on results that `user` may see."""
    results = results_visible_to(user).order_by().values("pk")
    found = Review.objects.filter(result__in=results)
    return found.select_related("author", "result", "patient")


def results_told_wholly(user) -> bool:
    """Say whether `user` may see every result of every study that they see.

    Who may, is spared a question per row: the worklist asks it of ten thousand.
    """
    if reads_first_at(user):
        return False
    return results_readable_wholly(user)


def results_readable_wholly(user) -> bool:
    """Say the same of results that `user` may see now or once they have read first."""
    wide = (ORGANISATION, DEPARTMENT)
    studies = {one for one in grants_of(user, "study.view") if one.scope in wide}
    return (
        bool(studies)
        and studies == set(grants_of(user, "study.view"))
        and studies <= set(grants_of(user, "result.view"))
    )


def results_within(user, action: str) -> QuerySet[Result]:
    """Return the results on which `user` may do `action`, which asks more than to see them."""
    return _sent(user, Result.objects.filter(within(user, action, RESULT)))


def allowed_on(user, result: Result, actions: Iterable[str]) -> set[str]:
    """Return those of `actions` that `user` may do on `result`, by one query."""
    asked = {action.replace(".", "_"): action for action in actions}
    flags = {
        name: ExpressionWrapper(within(user, action, RESULT), output_field=BooleanField())
        for name, action in asked.items()
    }
    found = Result.objects.filter(pk=result.pk).annotate(**flags).values(*flags).get()
    return {action for name, action in asked.items() if found[name]}


def models_choosable() -> QuerySet[ModelVersion]:
    """The models that a new run may take."""
    return ModelVersion.objects.filter(state=ModelState.ACTIVE)
