"""The world of the matrix test: seven roles and four others, and rows that are theirs or not."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from django.test import Client
from django.utils.timezone import now

from accounts import roles
from accounts.models import (
    ApiKey,
    Department,
    Invitation,
    Membership,
    ServiceAccount,
    WebhookDelivery,
    WebhookEndpoint,
)
from accounts.services.outbox import trial_note
from accounts.services.webhooks import webhook_create
from accounts.webhooks.events import EVENTS
from imaging.models import (
    Assignment,
    BreakGlass,
    Cohort,
    Deletion,
    Ensemble,
    Erasure,
    Image,
    MemberOutcome,
    Patient,
    Result,
    ResultSeal,
    Review,
    Rule,
    Run,
    Study,
    Upload,
)
from imaging.services.signing import signature_of
from reports.models import Export, Letterhead
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    StrangerFactory,
    verify,
)
from tests.imaging.factories import (
    AssignmentFactory,
    CohortFactory,
    EnsembleFactory,
    ImageFactory,
    JobFactory,
    ModelVersionFactory,
    ResultFactory,
    ReviewFactory,
    RuleFactory,
    RunFactory,
    UploadFactory,
    sealed,
    stored,
)
from tests.reports.factories import ExportFactory, LetterheadFactory

OWN, DEPARTMENT, ORGANISATION, DELETED = "own", "other department", "other organisation", "deleted"
PLACES = (OWN, DEPARTMENT, ORGANISATION, DELETED)
ANONYMOUS, OPERATOR, FORMER, ELSEWHERE = "anonymous", "operator", "former", "elsewhere"
PEOPLE = (*roles.ROLES, ANONYMOUS, OPERATOR, FORMER, ELSEWHERE)


@dataclass
class World:
    """Who there is, and by kind and place the id that a route is asked for."""

    users: dict = field(default_factory=dict)
    clients: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)  # (kind, place) -> pk, or {person: pk}

    def id_of(self, kind: str, place: str, person: str) -> uuid.UUID:
        found = self.rows[kind, place]
        return found.get(person, found[None]) if isinstance(found, dict) else found


def build() -> World:
    """Make everything once; the caller rolls it back."""
    world = World()
    house, other_house = OrganisationFactory(), OrganisationFactory()
    chest, head = DepartmentFactory.create_batch(2, organisation=house)
    for role in roles.ROLES:
        by_department = role in (roles.RADIOLOGIST, roles.CLINICIAN, roles.TECHNICIAN)
        world.users[role] = MembershipFactory(
            organisation=house, role=role, department=chest if by_department else None
        ).user
    world.users[OPERATOR] = StrangerFactory(is_superuser=True, is_staff=True)
    world.users[FORMER] = MembershipFactory(organisation=house, until=now()).user
    world.users[ELSEWHERE] = MembershipFactory().user
    world.clients[ANONYMOUS] = Client()
    for name, user in world.users.items():
        world.clients[name] = verify(Client(), user)

    integrator = world.users[roles.INTEGRATOR]
    colleague = MembershipFactory(organisation=house).user
    stranger = MembershipFactory(organisation=other_house).user
    places = {
        OWN: (house, chest, integrator),
        DEPARTMENT: (house, head, colleague),
        ORGANISATION: (other_house, None, stranger),
        DELETED: (house, chest, integrator),
    }
    for place, (organisation, department, sender) in places.items():
        _clinical(world, place, organisation, department, sender)
        _kept(world, place, organisation, department, sender)
        world.rows["signed", place] = _signed(world.rows["image", place], sender)
    AssignmentFactory(
        patient_id=world.rows["patient", OWN], organisation=house, user=world.users[roles.CLINICIAN]
    )
    _deleted(world)
    return world


def _clinical(world: World, place, organisation, department, sender) -> None:
    image = ImageFactory(
        study__organisation=organisation, study__department=department, study__uploaded_by=sender
    )
    run = RunFactory(requested_by=sender, organisation=organisation)
    result = ResultFactory(job=JobFactory(run=run, image=image, succeeded=True))
    review = ReviewFactory(
        result=sealed(result), author=sender, decision="edited",
        mask=stored(organisation, bytes(image.width * image.height), "mask", image.patient_id),
    )  # fmt: skip
    failed = JobFactory(run=run, image=image, failed=True)
    upload = UploadFactory(
        user=sender, organisation=organisation, department=department, finished=True
    )
    assignment = AssignmentFactory(patient=image.patient, organisation=organisation)
    glass = BreakGlass(
        organisation=organisation, patient=image.patient, user=assignment.user,
        reason="A reason long enough", opened_at=now(), closed_at=now(),
    )  # fmt: skip
    glass.save(force_insert=True)
    erasure = Erasure.objects.create(
        organisation=organisation, patient_id=image.patient_id, reason="asked", requested_by=sender
    )
    deletion = Deletion.objects.create(
        organisation=organisation, study_id=image.study_id, reason="twice", requested_by=sender
    )
    for kind, row in {
        "study": image.study, "series": image.series, "image": image, "patient": image.patient,
        "run": run, "job": failed, "result": result, "review": review, "upload": upload,
        "assignment": assignment, "glass": glass, "erasure": erasure,
        "deletion": deletion,
        "ensemble": EnsembleFactory(organisation=organisation),
        "cohort": (cohort := _cohort(world, place, image)),
        "cohort image": cohort.images.get(position=1),
        "held image": cohort.images.get(position=2),
    }.items():  # fmt: skip
        world.rows[kind, place] = row.pk


def _signed(image_pk, sender) -> uuid.UUID:
    """A signed decision on a further picture of the same study."""
    image = ImageFactory(study=Image.objects.get(pk=image_pk).study)
    run = RunFactory(requested_by=sender, organisation=image.organisation)
    result = ResultFactory(job=JobFactory(run=run, image=image, succeeded=True))
    review = ReviewFactory(result=sealed(result), author=sender)
    review.signed_by, review.signed_at, review.meaning = sender, now(), "authored"
    review.digest, review.kid, review.mac = signature_of(review)
    review.save()
    return review.pk


def _cohort(world: World, place, image) -> Cohort:
    """A cohort of two pictures, one held back; the researcher was given the first place's."""
    given = place in (OWN, DELETED)
    readers = [world.users[roles.RESEARCHER]] if given else [StrangerFactory()]
    held = ImageFactory(study=image.study)
    return CohortFactory(
        organisation=image.organisation, readers=readers, images=[image], held=[held]
    )


def _kept(world: World, place, organisation, department, sender) -> None:
    """Rows of people: an export each, a membership, an invitation, the organisation itself."""
    somebody = MembershipFactory(organisation=organisation, department=department)
    invitation = Invitation.objects.create(
        organisation=organisation, email=f"{uuid.uuid4()}@example.org", role=roles.CLINICIAN,
        department=department, invited_by=sender, expires_at=now() + timedelta(days=7),
    )  # fmt: skip
    account = ServiceAccount.objects.create(
        organisation=organisation, user=StrangerFactory(), name=f"PACS {place}"
    )
    key = ApiKey.objects.create(
        account=account, prefix=uuid.uuid4().hex[:12], digest="0" * 64, scopes=[],
        created_by=sender, expires_at=now() + timedelta(days=7),
    )  # fmt: skip
    world.rows["key", place] = key.pk
    endpoint = webhook_create(
        by=sender, organisation=organisation, url="https://ris.example.org/", events=list(EVENTS)
    )
    world.rows["webhook", place] = endpoint.pk
    world.rows["delivery", place] = trial_note(endpoint).pk
    rule = RuleFactory(organisation=organisation, created_by=sender, is_on=False)
    world.rows["rule", place] = rule.pk
    world.rows["person", place] = somebody.user_id
    world.rows["membership", place] = somebody.pk
    world.rows["invitation", place] = invitation.pk
    part = DepartmentFactory(organisation=organisation)
    world.rows["department", place] = part.pk
    world.rows["organisation", place] = organisation.pk
    exports = {None: _export(sender, organisation)}
    if place == OWN:  # an export is its maker's alone
        exports |= {name: _export(user, organisation) for name, user in world.users.items()}
    world.rows["export", place] = exports
    world.rows["letterhead", place] = LetterheadFactory(
        organisation=organisation, created_by=sender,
        logo=stored(organisation, b"PNG", "letterhead"),
        specimen=stored(organisation, b"%PDF", "letterhead"),
    ).pk  # fmt: skip
    researcher = world.users[roles.RESEARCHER] if place == OWN else StrangerFactory()
    world.rows["cohort file", place] = _export(
        researcher, organisation, "anon-csv", world.rows["cohort", place]
    )


def _export(user, organisation, kind="pdf", cohort=None) -> uuid.UUID:
    blob = stored(organisation, b"a,b", "export")
    made = ExportFactory(
        user=user, organisation=organisation, results=[], kind=kind, status="succeeded",
        blob=blob, cohort_id=cohort,
    )  # fmt: skip
    return made.pk


def _deleted(world: World) -> None:
    """Take the rows of the last place away; their ids stay in the world."""
    gone = {kind: pk for (kind, place), pk in world.rows.items() if place == DELETED}
    BreakGlass.objects.filter(pk=gone["glass"]).delete()
    Erasure.objects.filter(pk=gone["erasure"]).delete()
    Deletion.objects.filter(pk=gone["deletion"]).delete()
    Assignment.objects.filter(pk=gone["assignment"]).delete()
    Review.objects.filter(pk=gone["review"]).delete()
    Ensemble.objects.filter(pk=gone["ensemble"]).delete()
    Export.objects.filter(pk=gone["cohort file"]).delete()
    Cohort.objects.filter(pk=gone["cohort"]).delete()
    signed = Review.objects.get(pk=gone["signed"]).result
    for kind in (Review, ResultSeal, MemberOutcome):
        kind.objects.filter(result=signed).delete()
    signed.delete()
    signed.job.run.delete()
    ResultSeal.objects.filter(result=gone["result"]).delete()
    MemberOutcome.objects.filter(result=gone["result"]).delete()
    Result.objects.filter(pk=gone["result"]).delete()
    Run.objects.filter(pk=gone["run"]).delete()
    Image.objects.filter(study=gone["study"]).delete()
    Study.objects.filter(pk=gone["study"]).delete()
    Patient.objects.filter(pk=gone["patient"]).delete()
    Upload.objects.filter(pk=gone["upload"]).delete()
    Export.objects.filter(pk__in=gone["export"].values()).delete()
    ApiKey.objects.filter(pk=gone["key"]).delete()
    WebhookDelivery.objects.filter(pk=gone["delivery"]).delete()
    WebhookEndpoint.objects.filter(pk=gone["webhook"]).delete()
    Rule.objects.filter(pk=gone["rule"]).delete()
    Membership.objects.filter(pk=gone["membership"]).delete()
    Invitation.objects.filter(pk=gone["invitation"]).delete()
    Department.objects.filter(pk=gone["department"]).delete()
    Letterhead.objects.filter(pk=gone["letterhead"]).delete()
    for place in (OWN, DEPARTMENT, ORGANISATION):
        world.rows["model", place] = ModelVersionFactory(state="checked").pk
    world.rows["model", DELETED] = uuid.uuid4()
    world.rows["organisation", DELETED] = world.rows["person", DELETED] = uuid.uuid4()
