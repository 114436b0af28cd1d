"""Who may take what out of the house, and for how long: one report, or many in one file."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.roles import CLINICIAN, RADIOLOGIST
from accounts.vault.storage import blob_write
from imaging.models import BreakGlass
from reports.models import Export
from tests.accounts.factories import (
    PASSWORD,
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    UserFactory,
    verify,
)
from tests.imaging.factories import (
    AssignmentFactory,
    ImageFactory,
    JobFactory,
    ResultFactory,
    RunFactory,
)
from tests.reports.factories import ExportFactory

pytestmark = pytest.mark.django_db
BULK = ("csv", "xlsx", "masks", "pdfs")
THERE = "reports:export-create"


@pytest.fixture
def clinician(client):
    person = UserFactory(role=CLINICIAN)
    verify(client, person)
    return person


def result_of(house, department=None):
    """A result of that house, asked for by somebody else there."""
    image = ImageFactory(study__organisation=house, study__department=department)
    run = RunFactory(requested_by=UserFactory(organisation=house))
    return ResultFactory(job=JobFactory(run=run, image=image, succeeded=True))


def assigned(user, results=1):
    """Results of patients that `user`, a clinician, was given."""
    house = user.memberships.get().organisation
    found = []
    for _ in range(results):
        found.append(result_of(house))
        AssignmentFactory(patient=found[-1].patient, organisation=house, user=user)
    return found


def ask(client, kind, results):
    return client.post(reverse(THERE), {"kind": kind, "result": [one.pk for one in results]})


def finished(user, results, kind="pdf") -> Export:
    house = results[0].organisation
    return ExportFactory(
        user=user, organisation=house, results=results, items=results, kind=kind,
        status="succeeded", blob=blob_write(organisation=house, chunks=[b"a,b"], kind="export"),
        expires_at=now() + timedelta(days=7),
    )  # fmt: skip


def taken(client, export) -> int:
    answer = client.get(reverse("reports:export-download", args=[export.pk]))
    answer.getvalue()
    if answer.status_code == 403:
        assert "no longer yours to export" in answer.content.decode()
    return answer.status_code


# --- what may be asked for


@pytest.mark.parametrize("kind", BULK)
def test_a_clinician_makes_no_file_of_many(client, clinician, queued, kind):
    answer = ask(client, kind, assigned(clinician))
    assert answer.status_code == 403
    assert "Radiologist" in answer.content.decode()
    assert not Export.objects.exists()


def test_a_clinician_makes_one_report_and_no_zip_by_asking_for_several(client, clinician, queued):
    results = assigned(clinician, 2)
    assert ask(client, "pdf", results).status_code == 403
    assert ask(client, "pdf", results[:1]).status_code == 302
    assert Export.objects.get().kind == "pdf"


def test_what_one_reads_in_another_role_elsewhere_is_not_in_the_file(client, clinician, queued):
    theirs = assigned(clinician)[0]
    house = MembershipFactory(user=clinician, role=RADIOLOGIST).organisation
    verify(client, clinician)
    own = result_of(house)
    ask(client, "csv", [own, theirs])
    assert [item.result for item in Export.objects.get().items.all()] == [own]


@pytest.mark.parametrize("kind", BULK)
def test_a_file_of_many_waits_for_a_proof_and_loses_no_tick(client, queued, kind):
    user = UserFactory()
    client.force_login(user)
    results = [ResultFactory(user=user) for _ in range(3)]
    asked = ask(client, kind, results)
    assert asked.url.startswith(reverse("account_reauthenticate"))
    assert not Export.objects.exists()
    answer = client.post(asked.url, {"password": PASSWORD, "next": reverse(THERE)})
    export = Export.objects.get()
    assert answer.url == export.get_absolute_url()
    assert export.kind == kind
    assert {item.result for item in export.items.all()} == set(results)


def test_several_reports_are_a_zip_and_wait_too(client, queued):
    user = UserFactory()
    client.force_login(user)
    results = [ResultFactory(user=user) for _ in range(2)]
    assert "reauthenticate" in ask(client, "pdf", results).url
    assert ask(client, "pdf", results[:1]).url == Export.objects.get().get_absolute_url()


@pytest.mark.parametrize("role", [RADIOLOGIST, CLINICIAN])
def test_only_the_buttons_that_work_are_shown(client, role):
    person = UserFactory(role=role)
    verify(client, person)
    (result,) = assigned(person)
    for page in (
        reverse("imaging:study-list"), result.job.run.get_absolute_url(),
        result.get_absolute_url(), reverse("reports:export-list"),
    ):  # fmt: skip
        shown = client.get(page).content.decode()
        for kind, words in (("csv", "CSV, XLSX"), ("xlsx", "XLSX or masks")):
            assert (f'value="{kind}"' in shown or words in shown) == (role == RADIOLOGIST)
        assert ('value="pdf"' in shown or 'value="pdfs"' in shown) == ("exports" not in page)


# --- what may be taken away


def test_a_report_is_closed_when_the_assignment_ends(client, clinician):
    results = assigned(clinician)
    export = finished(clinician, results)
    assert taken(client, export) == 200
    results[0].patient.assignments.all().delete()
    assert taken(client, export) == 403
    page = client.get(export.get_absolute_url()).content.decode()
    assert "no longer yours to export" in page
    assert reverse("reports:export-download", args=[export.pk]) not in page
    page = client.get(reverse("reports:export-list")).content.decode()
    assert "No longer yours to take" in page
    assert reverse("reports:export-download", args=[export.pk]) not in page


def test_an_open_emergency_access_shows_a_record_and_hands_out_no_file(client, clinician, queued):
    house = clinician.memberships.get().organisation
    result = result_of(house)
    glass = BreakGlass(
        organisation=house, patient=result.patient, user=clinician,
        reason="A reason long enough", opened_at=now(),
    )  # fmt: skip
    glass.save(force_insert=True)
    export = finished(clinician, [result])
    shown = client.get(result.get_absolute_url())
    assert shown.status_code == 200
    assert 'value="pdf"' not in shown.content.decode()
    ask(client, "pdf", [result])
    assert Export.objects.get() == export
    assert taken(client, export) == 403
    BreakGlass.objects.update(closed_at=now())
    assert taken(client, export) == 403


def test_a_file_is_closed_when_one_of_its_results_moves_out_of_reach(client):
    house = OrganisationFactory()
    chest, head = DepartmentFactory.create_batch(2, organisation=house)
    user = MembershipFactory(organisation=house, department=chest).user
    verify(client, user)
    first, second = (result_of(house, chest) for _ in range(2))
    export = finished(user, [first, second], "csv")
    assert taken(client, export) == 200
    second.image.study.department = head
    second.image.study.save(update_fields=["department"])
    assert taken(client, export) == 403


def test_a_file_of_many_is_closed_to_whoever_is_no_radiologist_any_more(client):
    user = UserFactory()
    result = ResultFactory(user=user)
    table, report = finished(user, [result], "csv"), finished(user, [result])
    AssignmentFactory(patient=result.patient, organisation=result.organisation, user=user)
    user.memberships.update(role=CLINICIAN)
    verify(client, user)
    assert (taken(client, table), taken(client, report)) == (403, 200)


def test_taking_a_file_costs_the_same_for_one_result_and_for_many(
    client, django_assert_max_num_queries
):
    user = UserFactory()
    verify(client, user)
    export = finished(user, [ResultFactory(user=user) for _ in range(5)], "csv")
    with django_assert_max_num_queries(14):
        assert taken(client, export) == 200
