"""The six fields, right for a new person and after work; another's work never moves them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import localtime, now

from accounts import audit, roles
from accounts.models import AuditEvent
from accounts.services.invitations import invitation_send
from accounts.vault.storage import blob_write
from analytics.meters import Meter
from analytics.selectors import dashboard_of
from imaging.models import Run
from tests.accounts.factories import (
    MembershipFactory,
    OrganisationFactory,
    PlanFactory,
    StrangerFactory,
    UserFactory,
)
from tests.imaging.factories import (
    JobFactory,
    ResultFactory,
    RunFactory,
    UploadFactory,
    UploadItemFactory,
)

pytestmark = pytest.mark.django_db
URL = "/dashboard/"


def page_of(client, user) -> str:
    client.force_login(user)
    answer = client.get(URL)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_address_is_the_one_that_login_leads_to():
    assert reverse("analytics:dashboard") == URL


def test_the_anonymous_are_sent_to_the_login_page(client):
    assert client.get(URL).headers["Location"].startswith(reverse("account_login"))


def test_a_new_person_sees_zeros_and_the_first_three_steps(client):
    user = UserFactory()
    page = page_of(client, user)
    assert user.email in page
    assert "Verified" in page
    assert "0 <small>uploads" in page
    assert "0 <small>succeeded" in page
    assert all(step in page for step in ("Upload", "Run", "Result"))
    assert "Recent results" not in page


def test_the_fields_after_one_upload_and_one_prediction(client):
    user = UserFactory()
    upload = UploadFactory(user=user)
    UploadItemFactory(upload=upload, accepted=True)
    ResultFactory(user=user)
    found = dashboard_of(user)
    assert (found.uploads, found.files) == (1, 1)
    assert (found.predictions, found.failed) == (1, 0)
    page = page_of(client, user)
    assert "1 <small>upload<" in page
    assert "26.04 %" in page
    assert "First steps" not in page


def test_refused_files_are_not_counted():
    user = UserFactory()
    upload = UploadFactory(user=user)
    UploadItemFactory(upload=upload, accepted=True)
    UploadItemFactory(upload=upload, accepted=True)
    UploadItemFactory(upload=upload, refused=True)
    UploadItemFactory(upload=UploadFactory(user=user), refused=True)
    found = dashboard_of(user)
    assert (found.uploads, found.files) == (1, 2)


def test_failed_predictions_stand_beside_the_succeeded(client):
    user = UserFactory()
    run = RunFactory(requested_by=user)
    JobFactory(run=run, succeeded=True)
    JobFactory(run=run, failed=True)
    JobFactory(run=run, cancelled=True)
    JobFactory(run=run)
    found = dashboard_of(user)
    assert (found.predictions, found.failed) == (1, 1)
    assert "1 more failed" in page_of(client, user)


def test_another_organisation_never_moves_the_figures():
    user = UserFactory()
    before = dashboard_of(user)
    other = UserFactory()
    UploadItemFactory(upload=UploadFactory(user=other), accepted=True)
    ResultFactory(user=other)
    assert dashboard_of(user) == before


def test_a_colleagues_work_fills_the_plan_but_not_my_totals():
    user = UserFactory()
    organisation = user.memberships.get().organisation
    ResultFactory(user=UserFactory(organisation=organisation))
    found = dashboard_of(user)
    assert (found.predictions, list(found.runs)) == (0, [])
    assert len(found.results) == 1
    assert {meter.name: meter.used for meter in found.meters}["members"] == 2


def test_last_months_runs_do_not_count_against_the_plan():
    user = UserFactory()
    RunFactory(requested_by=user)
    old = RunFactory(requested_by=user)
    month = localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    Run.objects.filter(pk=old.pk).update(created_at=month - timedelta(seconds=1))
    meters = {meter.name: meter.used for meter in dashboard_of(user).meters}
    assert meters["runs"] == 1


def test_storage_is_the_sum_of_the_organisations_files(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    user = UserFactory()
    organisation = user.memberships.get().organisation
    blob_write(organisation=organisation, chunks=[b"x" * 700], kind="source")
    blob_write(organisation=organisation, chunks=[b"x" * 50], kind="source")
    meters = {meter.name: meter.used for meter in dashboard_of(user).meters}
    assert meters["storage"] == 750


def test_the_plan_is_shown_with_its_limits(client):
    plan = PlanFactory(name="Clinic", runs_per_month=1, storage_bytes=None, members=10)
    user = UserFactory(organisation=OrganisationFactory(plan=plan))
    RunFactory(requested_by=user)
    page = page_of(client, user)
    assert "Clinic" in page
    assert "1 of 1 <b>(full)</b>" in page
    assert "no limit" in page
    assert '<meter min="0" max="1" low="0.8" high="0.999" optimum="0" value="1"' in page


@pytest.mark.parametrize(("used", "is_full"), [(0, False), (9, False), (10, True), (11, True)])
def test_a_meter_is_full_at_its_limit(used, is_full):
    assert Meter("runs", "Runs", used, 10).is_full is is_full


def test_no_limit_is_never_full():
    assert not Meter("runs", "Runs", 10**9, None).is_full


def test_an_unverified_address_is_said(client):
    user = UserFactory()
    user.emailaddress_set.update(verified=False)
    assert "Not verified" in page_of(client, user)


def test_the_login_before_this_one_is_shown(client):
    user = UserFactory()
    client.force_login(user)
    assert dashboard_of(user).previous_login is None
    first = AuditEvent.objects.get(action="session.start").at
    audit.record(user, "session.start", user)
    assert dashboard_of(user).previous_login == first
    assert "Not you?" in client.get(URL).content.decode()


def test_a_technician_sees_runs_but_no_results(client):
    organisation = OrganisationFactory()
    ResultFactory(user=UserFactory(organisation=organisation))
    technician = UserFactory(organisation=organisation, role=roles.TECHNICIAN)
    found = dashboard_of(technician)
    assert found.results is None
    assert list(found.runs) == []
    assert "26.04 %" not in page_of(client, technician)


def test_a_person_of_no_organisation_has_no_plan():
    found = dashboard_of(StrangerFactory())
    assert found.plan is None
    assert found.meters == []


def test_an_ended_membership_shows_nothing_of_the_organisation():
    person = StrangerFactory()
    organisation = OrganisationFactory()
    MembershipFactory(user=person, organisation=organisation, until=now() - timedelta(days=1))
    ResultFactory(user=UserFactory(organisation=organisation))
    assert dashboard_of(person).results is None
    assert dashboard_of(person).organisation is None


@pytest.mark.parametrize("amount", [1, 7])
def test_the_number_of_queries_is_constant(client, amount, django_assert_num_queries):
    user = UserFactory()
    for _ in range(amount):
        UploadItemFactory(upload=UploadFactory(user=user), accepted=True)
        ResultFactory(user=user)
    client.force_login(user)
    with django_assert_num_queries(16):  # one is the bell, two the offers to join, three the plan
        client.get(URL)


def test_an_open_invitation_stands_on_the_first_page(client):
    person, house = StrangerFactory(), OrganisationFactory(name="Hillside")
    assert "Hillside" not in page_of(client, person)
    head = UserFactory(organisation=house, role=roles.ADMINISTRATOR)
    invitation_send(by=head, organisation=house, email=person.email, role=roles.TECHNICIAN)
    page = page_of(client, person)
    assert "Hillside" in page
    assert "asks you to join as Technician" in page
    assert reverse("people:invitations") in page
    assert "Hillside" not in page_of(client, StrangerFactory())


def test_the_lists_are_short_and_newest_first():
    user = UserFactory()
    results = [ResultFactory(user=user) for _ in range(7)]
    found = dashboard_of(user)
    assert [result.pk for result in found.results] == [one.pk for one in results[:1:-1]]
    assert len(found.runs) == 5


@pytest.mark.parametrize(("month", "expected"), [(3, (2026, 4)), (12, (2027, 1))])
def test_the_count_starts_anew_with_the_next_month(month, expected):
    from imaging.months import next_month

    day = localtime().replace(year=2026, month=month, day=1)
    assert (next_month(day).year, next_month(day).month) == expected


@pytest.mark.parametrize(
    ("role", "leads_to"), [("researcher", "imaging:cohort-list"), ("auditor", None)]
)
def test_nobody_is_led_to_an_upload_that_is_not_their_role_s(client, role, leads_to):
    client.force_login(UserFactory(role=role))
    page = client.get(reverse("analytics:dashboard")).content.decode()
    assert reverse("imaging:upload-create") not in page
    assert (reverse("imaging:cohort-list") in page) is bool(leads_to)
