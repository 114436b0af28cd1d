"""The overview: the right numbers, few of them hidden, of whom one may count and nobody else."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts import roles
from analytics.counting import between, took_by
from analytics.filters import Buckets, Filters, Span
from analytics.overview import overview_of
from imaging.models import Job, Review
from tests.accounts.factories import (
    DepartmentFactory,
    MembershipFactory,
    OrganisationFactory,
    PlanFactory,
    UserFactory,
)
from tests.analytics.crowd import crowd, failures

pytestmark = pytest.mark.django_db
URL = "/analytics/"
NOTHING = Filters()


def figure(user, key: str, filters: Filters = NOTHING):
    return next(one for one in overview_of(user, filters, now()).figures if one.key == key)


def kpis(user, filters: Filters = NOTHING) -> list:
    return list(overview_of(user, filters, now()).kpis)


def overview_flags(user) -> list[str]:
    flags = overview_of(user, Filters(period="28"), now()).flags
    return [one.said for one in flags if one.figure == "failures"]


def page_of(client, user, query: str = "") -> str:
    client.force_login(user)
    answer = client.get(URL + query)
    assert answer.status_code == 200
    return answer.content.decode()


def file_of(client, query: str = "", page: str = "overview") -> list[list[str]]:
    answer = client.get(reverse("analytics:figures-csv", args=[page]) + query)
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


def test_nothing_yet_says_so_in_place_of_each_chart(client):
    page = page_of(client, UserFactory())
    assert page.count("Not enough data (n = 0)") == 6
    assert 'class="ch' not in page


def test_the_volume_counts_studies_by_day_and_kind():
    reader = UserFactory()
    crowd(7, reader=reader, modality_of=lambda at: "ct" if at == 0 else "xray")
    found = figure(reader, "volume")
    assert len(found.rows) == 28
    in_the_last_hours = [row[1:] for row in found.rows[-2:]]  # an hour ago may be yesterday
    assert [6, 0, 1] in in_the_last_hours
    assert found.n == 7
    assert kpis(reader)[0].value == "7"


def test_the_time_to_the_result_is_median_p90_and_p95_by_nearest_rank():
    reader = UserFactory()
    crowd(20, reader=reader, seconds_of=lambda at: at + 1)
    assert figure(reader, "time-to-result").rows[-1][1:] == [20, 10, 18, 19]
    assert kpis(reader)[1].value == "10 s"


def test_percentiles_are_those_of_each_group():
    reader = UserFactory()
    crowd(5, reader=reader, seconds_of=lambda at: 10)
    crowd(5, reader=reader, seconds_of=lambda at: 30, ago=timedelta(days=3))
    rows = figure(reader, "time-to-result").rows
    assert [row[2] for row in rows] == [30, 10]


def test_four_results_are_too_few_for_a_median_or_a_share(client):
    reader = UserFactory()
    crowd(4, reader=reader)
    page = page_of(client, reader)
    assert page.count("Not enough data (n = 4)") == 3  # times, decisions, severity
    assert figure(reader, "volume").is_enough  # work is counted, persons are not told by it
    assert [one.value for one in kpis(reader)[1:]] == ["—", "—", "—"]


def test_a_day_of_four_is_left_out_beside_a_day_of_five():
    reader = UserFactory()
    crowd(5, reader=reader)
    crowd(4, reader=reader, ago=timedelta(days=2))
    found = figure(reader, "time-to-result")
    assert [row[1] for row in found.rows] == [4, 5]
    assert found.rows[0][2:] == [None, None, None]
    assert "fewer than 5" in found.note
    assert [cell[0] for cell in found.lines[0]][2:] == ["too few"] * 3


def test_what_readers_said_is_counted_by_ensemble_and_only_the_latest_version():
    reader = UserFactory()
    results = crowd(10, reader=reader, title="Chest")
    crowd(4, reader=reader, title="Rare")
    Review.objects.create(
        organisation=results[0].organisation, patient=results[0].patient, result=results[0],
        number=2, author=reader, decision="rejected", reason="other",
    )  # fmt: skip
    assert figure(reader, "decisions").rows == [
        ["Chest", 10, 0.5, 0.2, 0.3],
        ["Rare", 4, None, None, None],
    ]


def test_the_accepted_are_set_against_the_days_before():
    reader = UserFactory()
    crowd(10, reader=reader, review_of=lambda at: "accepted" if at < 8 else "rejected")
    crowd(10, reader=reader, ago=timedelta(days=40), review_of=lambda at: "accepted")
    found = kpis(reader)[2]
    assert (found.value, found.change, found.tone) == ("80", "20 points lower", "bad")


def test_the_severity_mix_is_of_what_has_a_severity():
    reader = UserFactory()
    crowd(10, reader=reader)
    crowd(10, reader=reader, severity_of=lambda at: "not assessed", type="classification")
    row = figure(reader, "severity").rows[-1]
    assert row[1:] == [10, 0.2, 0.4, 0.2, 0.2]


def test_failures_stand_by_reason_the_most_frequent_first():
    reader = UserFactory()
    failures(2, reader=reader, error="=HYPERLINK(1)")
    failures(3, reader=reader, error="Out of memory.")
    crowd(5, reader=reader)
    found = figure(reader, "failures")
    assert found.rows == [("Out of memory.", 3), ("=HYPERLINK(1)", 2)]
    assert kpis(reader)[3].value == "50"


def test_that_more_jobs_fail_is_said_with_both_counts_and_to_nobody_else():
    reader = UserFactory()
    before = timedelta(days=40)
    crowd(40, reader=reader, ago=before)
    crowd(30, reader=reader)
    assert overview_flags(reader) == []
    failures(10, reader=reader, error="Out of memory.")
    said = "More jobs fail: 10 of 40, 0 of 40 in the days before."
    assert said in overview_flags(reader)
    assert overview_flags(UserFactory()) == []


def test_of_too_few_jobs_nothing_is_said_but_that():
    reader = UserFactory()
    crowd(29, reader=reader, ago=timedelta(days=40))
    failures(40, reader=reader, error="Out of memory.")
    found = overview_of(reader, Filters(period="28"), now())
    assert [one for one in found.flags if one.figure == "failures"] == []
    assert "Failed jobs, n = 29 of 30" in found.few


def test_signatures_are_timed_from_the_request_to_the_first_of_them():
    reader = UserFactory()
    results = crowd(5, reader=reader)
    for one in results:
        job = Job.objects.get(pk=one.job_id)
        Review.objects.filter(result=one).update(
            signed_by=reader, meaning="authored", mac="m", digest="d",
            signed_at=job.created_at + timedelta(minutes=30),
        )  # fmt: skip
        Review.objects.create(
            organisation=one.organisation, patient=one.patient, result=one, number=2,
            author=reader, decision="accepted", signed_by=reader, meaning="authored", mac="m",
            digest="d", signed_at=now(), amendment="Later, for a reason",
        )  # fmt: skip
    found = figure(reader, "time-to-signature")
    assert found.n == 5
    assert found.rows[-1][2] == 1800


def test_filters_narrow_by_kind_department_and_ensemble(client):
    house = OrganisationFactory()
    head = MembershipFactory(organisation=house, role=roles.AUDITOR).user
    reader = UserFactory(organisation=house)
    chest = DepartmentFactory(organisation=house, name="Chest unit")
    crowd(6, reader=reader, department=chest)
    (one, *_) = crowd(7, reader=reader, modality_of=lambda at: "ct")
    ensemble = Job.objects.get(pk=one.job_id).run.ensemble_id
    assert figure(head, "volume").n == 13
    assert figure(head, "volume", Filters(modality="ct")).n == 7
    assert figure(head, "volume", Filters(department=str(chest.pk))).n == 6
    assert figure(head, "volume", Filters(ensemble=str(ensemble))).n == 7
    page = page_of(client, head, f"?department={chest.pk}&modality=xray&period=7")
    assert "X-ray, Chest unit" in page
    assert f'value="{chest.pk}" selected' in page


@pytest.mark.parametrize(
    "query", ["?period=5000", "?department=1", "?modality=x'&ensemble=%F0%9F%A9%BB"]
)
def test_what_makes_no_sense_is_left_out(client, query):
    page_of(client, UserFactory(), query)


def test_a_reader_counts_their_own_department_and_a_stranger_nothing():
    house = OrganisationFactory()
    chest, brain = DepartmentFactory.create_batch(2, organisation=house)
    mine = MembershipFactory(organisation=house, role=roles.RADIOLOGIST, department=chest).user
    sender = UserFactory(organisation=house)
    crowd(6, reader=sender, department=chest)
    crowd(9, reader=sender, department=brain)
    assert figure(mine, "volume").n == 6
    assert figure(mine, "decisions").rows[0][1] == 6
    assert figure(UserFactory(), "volume").n == 0


@pytest.mark.parametrize("role", [roles.CLINICIAN, roles.TECHNICIAN, roles.RESEARCHER])
def test_other_roles_are_refused_by_name_and_have_no_entry(client, role):
    client.force_login(MembershipFactory(role=role).user)
    answer = client.get(URL)
    assert answer.status_code == 403
    assert "Auditor" in answer.content.decode()
    assert f'href="{URL}"' not in client.get("/dashboard/").content.decode()


def test_the_anonymous_are_sent_to_sign_in(client):
    assert client.get(URL).status_code == 302
    assert client.get(URL + "overview.csv").status_code == 302


def test_the_entry_is_there_for_those_who_may(client):
    client.force_login(UserFactory())
    assert f'href="{URL}"' in client.get("/dashboard/").content.decode()


def test_the_plan_is_shown_to_those_who_see_it_and_only_to_them():
    house = OrganisationFactory(plan=PlanFactory(runs_per_month=10))
    reader = UserFactory(organisation=house)
    crowd(5, reader=reader)
    head = MembershipFactory(organisation=house, role=roles.ADMINISTRATOR).user
    found = figure(head, "plan")
    assert found.rows[-1][1:] == [1, 0.1]
    assert "10 a month" in found.sub
    assert "plan" not in {one.key for one in overview_of(reader, NOTHING, now()).figures}


def test_the_file_says_its_scope_and_holds_no_formula(client):
    reader = UserFactory()
    crowd(5, reader=reader, title="=1+1")
    failures(1, reader=reader, error="@SUM(A1)")
    client.force_login(reader)
    lines = file_of(client, "?modality=xray")
    assert "Research use only" in lines[0][0]
    assert lines[1][0].endswith("X-ray")
    cells = {cell for line in lines for cell in line}
    assert {"'=1+1", "'@SUM(A1)"} <= cells
    one = file_of(client, "?figure=failures")
    assert [line[0] for line in one if line][2] == "Failures by reason"
    assert len(one) < len(lines)


def test_a_file_hides_what_the_page_hides(client):
    reader = UserFactory()
    crowd(4, reader=reader)
    client.force_login(reader)
    assert ["Not enough data (n = 4)"] in file_of(client, "?figure=severity")


@pytest.mark.parametrize("address", ["nothing.csv", "overview.csv?figure=nothing"])
def test_an_unknown_file_is_not_found(client, address):
    client.force_login(UserFactory())
    assert client.get(URL + address).status_code == 404


def test_five_thousand_results_cost_as_many_statements_as_five(client):
    house = OrganisationFactory()
    head = MembershipFactory(organisation=house, role=roles.ADMINISTRATOR).user
    reader = UserFactory(organisation=house)
    crowd(5, reader=reader)
    client.force_login(head)
    client.get(URL)
    few = statements(client, URL)
    crowd(5_000, reader=reader, step=timedelta(minutes=15), modality_of=lambda at: "ct",
          title="Another")  # fmt: skip
    failures(50, reader=reader)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum does; a planner that expects one row joins badly
    assert statements(client, URL) == few
    assert figure(head, "volume").n > 2_000


def statements(client, address: str) -> int:

    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_weeks_begin_on_monday_and_days_are_whole(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    at = now().replace(year=2026, month=4, day=1, hour=12)
    span = Span.of(Filters(period="7"), at)
    starts = Buckets(span, weekly=False).starts
    assert len(starts) == 7
    assert {(one.hour, one.minute) for one in starts} == {(0, 0)}  # across summer time
    weeks = Buckets(Span.of(Filters(period="91"), at), weekly=True).starts
    assert {one.weekday() for one in weeks} == {0}


def test_percentiles_of_nothing_are_none():
    assert took_by(Job.objects.none(), between("created_at", "finished_at"), {}) == {}
