"""Departments, assigned patients, a day of pixels, one's own: what each reach shows and hides."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent
from accounts.roles import (
    ADMINISTRATOR,
    AUDITOR,
    CLINICIAN,
    INTEGRATOR,
    RADIOLOGIST,
    RESEARCHER,
    TECHNICIAN,
)
from imaging import selectors
from imaging.models import Assignment, Image, Study
from imaging.places import places_of
from imaging.services.assignments import assignment_create, assignment_end, sender_assign
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    UserFactory,
)
from tests.imaging.factories import (
    AssignmentFactory,
    ImageFactory,
    JobFactory,
    PatientFactory,
    ResultFactory,
    RunFactory,
    StudyFactory,
    UploadFactory,
)

pytestmark = pytest.mark.django_db
ROWS = {
    "studies_visible_to": lambda result: result.image.study,
    "images_visible_to": lambda result: result.image,
    "jobs_visible_to": lambda result: result.job,
    "runs_visible_to": lambda result: result.job.run,
    "results_visible_to": lambda result: result,
    "patients_visible_to": lambda result: result.patient,
}


@pytest.fixture
def house():
    return OrganisationFactory()


def result_in(house, department=None):
    """A result whose study belongs to `department`, made by a radiologist of the whole house."""
    result = ResultFactory(user=UserFactory(organisation=house))
    Study.objects.filter(pk=result.image.study_id).update(department=department)
    return result


def person(house, role=RADIOLOGIST, department=None):
    return MembershipFactory(organisation=house, role=role, department=department).user


def seen(user) -> set[str]:
    return {name for name in ROWS if getattr(selectors, name)(user).exists()}


# --- departments


@pytest.mark.parametrize("name", ROWS)
def test_a_department_sees_its_own_and_no_other(house, name):
    chest, head = DepartmentFactory.create_batch(2, organisation=house)
    result, _other, _nobodys = result_in(house, chest), result_in(house, head), result_in(house)
    assert list(getattr(selectors, name)(person(house, department=chest))) == [ROWS[name](result)]


def test_members_of_the_whole_house_see_every_department(house):
    for department in (None, *DepartmentFactory.create_batch(2, organisation=house)):
        result_in(house, department)
    assert selectors.studies_visible_to(person(house)).count() == 3
    assert selectors.runs_visible_to(person(house)).count() == 3


def test_two_departments_and_two_houses_add_up(house):
    chest, head, third = DepartmentFactory.create_batch(3, organisation=house)
    for department in (chest, head, third):
        result_in(house, department)
    somebody = person(house, department=chest)
    MembershipFactory(user=somebody, organisation=house, department=head)
    elsewhere = MembershipFactory(user=somebody).organisation
    result_in(elsewhere)
    assert selectors.results_visible_to(somebody).count() == 3


def test_a_run_over_two_departments_shows_each_its_own_images(client, house):
    chest, head = DepartmentFactory.create_batch(2, organisation=house)
    asker = person(house)
    run = RunFactory(requested_by=asker)
    jobs = [
        JobFactory(run=run, image=ImageFactory(user=asker, study__department=department))
        for department in (chest, head)
    ]
    reader = person(house, department=chest)
    client.force_login(reader)
    page = client.get(reverse("imaging:run-detail", args=[run.pk]))
    assert list(page.context["page"]) == jobs[:1]
    assert str(jobs[1].image_id) not in page.content.decode()


def test_uploads_are_the_departments(house):
    chest = DepartmentFactory(organisation=house)
    sender = person(house, TECHNICIAN, chest)
    upload = UploadFactory(user=sender, department=chest)
    UploadFactory(user=person(house))
    assert list(selectors.uploads_visible_to(person(house, department=chest))) == [upload]


def test_the_places_to_file_under_follow_the_memberships(house):
    chest, head = (DepartmentFactory(organisation=house, name=n) for n in ("Chest", "Head"))
    assert [p.department for p in places_of(person(house, department=head), "upload.create")] == [
        head
    ]
    assert [p.department for p in places_of(person(house), "upload.create")] == [None, chest, head]
    assert places_of(person(house, AUDITOR), "upload.create") == []


def test_an_upload_is_filed_under_the_chosen_department_and_no_strangers(client, house, queued):
    from django.core.files.uploadedfile import SimpleUploadedFile

    from imaging.formats.png import encode_png
    from imaging.models import Upload
    from tests.imaging.factories import ramp

    chest = DepartmentFactory(organisation=house)
    strange = DepartmentFactory()
    client.force_login(person(house))

    def send(place: str):
        picture = SimpleUploadedFile("a.png", encode_png(ramp()[0]))
        form = {"files": [picture], "modality": "xray", "place": place}
        return client.post(reverse("imaging:upload-create"), form)

    assert send(f"{house.pk}:{chest.pk}").status_code == 302
    assert Upload.objects.get().department == chest
    assert send(f"{strange.organisation_id}:{strange.pk}").status_code == 422
    assert Upload.objects.count() == 1


# --- assigned patients


def test_a_clinician_sees_the_patients_given_to_them(house):
    mine, _other = result_in(house), result_in(house)
    clinician = person(house, CLINICIAN)
    assert seen(clinician) == set()
    AssignmentFactory(patient=mine.patient, user=clinician)
    for name, row in ROWS.items():
        assert list(getattr(selectors, name)(clinician)) == [row(mine)]


def test_an_assignment_that_ended_shows_nothing(house):
    clinician = person(house, CLINICIAN)
    assignment = AssignmentFactory(patient=result_in(house).patient, user=clinician)
    assert seen(clinician)
    assignment_end(by=person(house), assignment=assignment)
    assert seen(clinician) == set()
    assert AuditEvent.objects.filter(action="assignment.delete").exists()


def test_an_assignment_without_the_role_shows_nothing(house):
    patient = result_in(house).patient
    former = person(house, RESEARCHER)
    AssignmentFactory(patient=patient, user=former)
    assert seen(former) == set()


def test_only_a_clinician_of_the_house_can_be_given_a_patient(house):
    patient = PatientFactory(organisation=house)
    for wrong in (person(house, RADIOLOGIST), UserFactory(role=CLINICIAN)):
        with pytest.raises(ValidationError, match="Only a clinician"):
            assignment_create(by=person(house), patient=patient, user=wrong)
    assert not Assignment.objects.exists()
    clinician = person(house, CLINICIAN)
    for _ in range(2):
        assignment_create(by=person(house), patient=patient, user=clinician)
    assert AuditEvent.objects.filter(action="assignment.create").count() == 1


def test_a_clinicians_new_patient_is_theirs_and_a_radiologists_is_nobodys(house):
    clinician, radiologist = person(house, CLINICIAN), person(house)
    for user in (clinician, radiologist):
        sender_assign(patient=PatientFactory(organisation=house), user=user)
    assert Assignment.objects.get().user == clinician


# --- a day of pixels, one's own, and those who see none


def test_a_technician_sees_pixels_for_a_day_and_never_a_result(client, house):
    result = result_in(house)
    technician = person(house, TECHNICIAN)
    client.force_login(technician)
    urls = [reverse(f"imaging:image-{what}", args=[result.image_id]) for what in
            ("thumbnail", "pixels")]  # fmt: skip
    assert [client.get(url).status_code for url in urls] == [200, 200]
    assert client.get(result.get_absolute_url()).status_code == 403
    Image.objects.update(created_at=now() - timedelta(hours=25))
    assert [client.get(url).status_code for url in urls] == [404, 404]
    for page in ("imaging:study-list", "imaging:run-list"):
        assert client.get(reverse(page)).status_code == 200
    page = client.get(reverse("imaging:study-list")).content.decode()
    assert urls[0] not in page
    assert "Ready for a reader" in page
    assert "26.04" not in page


def test_a_filter_tells_a_technician_no_severity(client, house):
    result_in(house)
    client.force_login(person(house, TECHNICIAN))
    for severity in ("high", "low"):
        page = client.get(reverse("imaging:study-list"), {"severity": severity})
        assert page.context["page"].rows == []


def test_an_integrator_sees_what_they_sent_and_asked_for(house):
    result_in(house)
    integrator = person(house, INTEGRATOR)
    assert seen(integrator) == set()
    own = ResultFactory(user=integrator)
    assert seen(integrator) == set(ROWS)
    assert list(selectors.results_visible_to(integrator)) == [own]
    assert not selectors.images_visible_to(integrator, "pixels.view").exists()


@pytest.mark.parametrize("role", [RESEARCHER, ADMINISTRATOR, AUDITOR])
def test_these_see_no_patient(house, role):
    result_in(house)
    user = person(house, role)
    assert seen(user) == set()
    assert not selectors.images_visible_to(user, "pixels.view").exists()
    assert not selectors.uploads_visible_to(user).exists()


def test_the_anonymous_see_nothing(house):
    result_in(house)
    assert seen(AnonymousUser()) == set()


# --- cost


@pytest.mark.parametrize("role", [RADIOLOGIST, CLINICIAN])
def test_the_worklist_costs_the_same_for_one_study_and_for_many(client, house, role):
    chest = DepartmentFactory(organisation=house)
    user = person(house, role, chest)
    client.force_login(user)

    def add(count: int) -> None:
        for study in StudyFactory.create_batch(
            count, organisation=house, department=chest, uploaded_by=user
        ):
            AssignmentFactory(patient=study.patient, user=user)

    costs = []
    for count in (1, 9):
        add(count)
        with CaptureQueriesContext(connection) as captured:
            page = client.get(reverse("imaging:study-list"))
        costs.append(len(captured))
    assert len(page.context["page"].rows) == 10
    # names are sealed under a key per patient, which the page fetches at once
    assert costs[0] == costs[1]
