"""The audit page: auditors read all of their organisation, administrators an outline of it."""

import csv
import io
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import audit
from accounts.audit.page import events_visible_to
from accounts.models import AuditEvent
from accounts.services.sealing import checkpoint_now, trail_seal
from tests.accounts.factories import (
    MembershipFactory,
    OrganisationFactory,
    StrangerFactory,
    UserFactory,
)
from tests.accounts.trail import triggers_lifted
from tests.imaging.factories import ResultFactory

pytestmark = pytest.mark.django_db
LIST = "trail:list"


@pytest.fixture
def hospital():
    return OrganisationFactory()


@pytest.fixture
def auditor(hospital):
    return UserFactory(organisation=hospital, role="auditor", name="Ada Auditor")


@pytest.fixture
def radiologist(hospital):
    return UserFactory(organisation=hospital, name="Rita Radiologist")


@pytest.fixture
def event(hospital, radiologist):
    return audit.record(radiologist, "result.view", organisation=hospital, reason="why so")


def text_of(client, user, query=""):
    client.force_login(user)
    response = client.get(reverse(LIST) + query)
    assert response.status_code == 200
    return response.content.decode()


def test_an_auditor_reads_who_did_what_on_what(client, auditor, event):
    text = text_of(client, auditor)
    assert "Rita Radiologist" in text
    assert "Result opened" in text
    assert "why so" in text


def test_an_administrator_reads_the_outline_only(client, hospital, event):
    text = text_of(client, UserFactory(organisation=hospital, role="administrator"))
    assert "Rita Radiologist" in text
    assert "Result opened" in text
    assert "why so" not in text
    assert "Shown to auditors" in text


def test_others_read_their_own(client, hospital, radiologist, event):
    other = UserFactory(organisation=hospital)
    assert event in events_visible_to(radiologist)
    assert event not in events_visible_to(other)
    assert "why so" in text_of(client, radiologist)
    assert "why so" not in text_of(client, other)


def test_a_strange_auditor_reads_nothing_of_it(client, event):
    assert "Rita" not in text_of(client, UserFactory(role="auditor"))


def test_the_anonymous_and_people_without_a_role_are_sent_away(client):
    assert client.get(reverse(LIST)).status_code == 302
    client.force_login(StrangerFactory())
    assert client.get(reverse(LIST)).status_code == 403


def test_sign_ins_without_an_organisation_are_seen_by_who_oversees_the_person(auditor, radiologist):
    mine = audit.record(radiologist, "session.start", radiologist)
    strange = audit.record(UserFactory(), "session.start")
    seen = events_visible_to(auditor)
    assert mine in seen
    assert strange not in seen


def test_filters_stand_in_the_address_and_name_nobody(client, auditor, radiologist, event):
    audit.record(auditor, "plan.change", organisation=event.organisation, outcome="failed")
    client.force_login(auditor)

    def actions(**query):
        page = client.get(reverse(LIST), query).context["page"]
        return {line.event.action for line in page.lines} - {"audit.view", "session.start"}

    assert actions() == {"result.view", "plan.change"}
    assert actions(group="records") == {"result.view"}
    assert actions(outcome="failed") == {"plan.change"}
    assert actions(who=radiologist.pk) == {"result.view"}
    assert actions(since="2999-01-01") == set()
    assert actions(until="2000-01-01") == set()


def test_an_object_is_found_by_its_id_or_its_patients(client, auditor, hospital):
    result = ResultFactory()
    audit.record(auditor, "result.view", result, organisation=hospital)
    client.force_login(auditor)
    for text in (f"result:{result.pk}", str(result.pk), str(result.patient_id)):
        page = client.get(reverse(LIST), {"object": text}).context["page"]
        assert [line.event.action for line in page.lines] == ["result.view"]


def test_a_wrong_filter_shows_nothing_and_says_so(client, auditor, event):
    client.force_login(auditor)
    response = client.get(reverse(LIST), {"since": "yesterday"})
    assert response.status_code == 422
    assert not response.context["page"].lines


def test_a_person_is_looked_for_by_post(client, auditor, radiologist):
    client.force_login(auditor)
    response = client.post(reverse("trail:find"), {"email": radiologist.email.upper()})
    assert response.url == f"{reverse(LIST)}?who={radiologist.pk}"
    response = client.post(reverse("trail:find"), {"email": StrangerFactory().email})
    assert response.url == reverse(LIST)


def test_pages_follow_each_other_without_gap_or_double(client, auditor, hospital):
    for number in range(120):
        audit.record(None, "plan.change", organisation=hospital, reason=str(number))
    client.force_login(auditor)
    seen, query = [], {"group": "people"}
    while True:
        page = client.get(reverse(LIST), query).context["page"]
        seen += [int(line.event.reason) for line in page.lines]
        if not page.next_after:
            break
        query["after"] = page.next_after
    assert seen == list(range(119, -1, -1))


def test_the_number_of_queries_does_not_grow(client, auditor, hospital):
    client.force_login(auditor)
    client.get(reverse(LIST))

    def count():
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(LIST))
        return len(queries)

    few = count()
    for _ in range(60):
        audit.record(UserFactory(organisation=hospital), "plan.change", organisation=hospital)
    assert count() == few <= 12


def test_reading_the_trail_stands_in_the_trail(client, auditor):
    text_of(client, auditor, "?outcome=failed")
    event = AuditEvent.objects.get(action="audit.view")
    assert (event.actor, event.reason) == (auditor, "outcome")


# --- verify


def test_an_auditor_verifies(client, auditor, event):
    client.force_login(auditor)
    response = client.post(reverse("trail:verify"), follow=True)
    assert "The trail is whole from entry 1" in response.content.decode()
    assert AuditEvent.objects.get(action="audit.verify").actor == auditor


def test_damage_is_shown_with_its_neighbours(client, auditor, hospital):
    events = [audit.record(None, "plan.change", organisation=hospital) for _ in range(9)]
    trail_seal()
    checkpoint_now()
    key = events[4].pk.hex if connection.vendor == "sqlite" else events[4].pk
    with triggers_lifted(), connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_auditevent SET outcome = 'x' WHERE id = %s", [key])
    client.force_login(auditor)
    response = client.post(reverse("trail:verify"), follow=True)
    assert response.redirect_chain[-1][0] == reverse("trail:entry", args=[5])
    text = response.content.decode()
    assert "the row was edited or forged" in text
    assert [link.seq for link in response.context["links"]] == [3, 4, 5, 6, 7]
    whole = client.get(reverse("trail:entry", args=[1])).content.decode()
    assert "These entries are whole" in whole


@pytest.mark.parametrize("name", ["trail:verify", "trail:export"])
def test_only_auditors_verify_and_export(client, hospital, name):
    client.force_login(UserFactory(organisation=hospital, role="administrator"))
    response = client.post(reverse(name))
    assert response.status_code == 403
    assert "Auditor" in response.content.decode()


# --- export


def test_an_export_asks_for_a_proof_first(client, auditor):
    client.force_login(auditor)
    response = client.post(reverse("trail:export"), {"format": "csv"})
    assert response.status_code == 302
    assert "reauthenticate" in response.url


def test_csv_is_whole_and_no_formula(verified_client, auditor, hospital):
    audit.record(auditor, "plan.change", organisation=hospital, reason="=1+1")
    trail_seal()
    client = verified_client(auditor)
    response = client.post(reverse("trail:export"), {"format": "csv", "group": "people"})
    rows = list(csv.DictReader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
    assert rows[0]["reason"] == "'=1+1"
    assert rows[0]["action"] == "plan.change"
    assert rows[0]["seq"] == "1"
    assert len(rows[0]["hmac"]) == 64
    assert AuditEvent.objects.get(action="audit.export").reason == "csv, group"


def test_json_is_json(verified_client, auditor, hospital):
    audit.record(auditor, "plan.change", organisation=hospital)
    client = verified_client(auditor)
    response = client.post(reverse("trail:export"), {"format": "json", "group": "people"})
    said = json.loads(response.getvalue())
    assert [row["action"] for row in said["rows"]] == ["plan.change"]
    assert client.post(reverse("trail:export"), {"format": "xml"}).status_code == 404


def test_an_export_holds_no_other_organisation(verified_client, auditor, event):
    other = UserFactory(role="auditor")
    MembershipFactory(user=other, organisation=OrganisationFactory(), role="auditor")
    client = verified_client(other)
    text = client.post(reverse("trail:export"), {"format": "json"}).getvalue().decode()
    assert str(event.pk) not in text
