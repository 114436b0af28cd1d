"""The trail by API: as much of it as the page shows, and that it was read is in it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts import audit
from accounts.models import AuditEvent
from accounts.roles import ADMINISTRATOR, AUDITOR
from tests.accounts.api.calls import bearer, pair_of
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def house():
    return OrganisationFactory()


def rows_of(client, user, query: str = "", status: int = 200):
    headers = bearer(pair_of(client, user)["access"])
    answer = client.get(reverse("api:audit-event-list") + query, headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()["results"] if status == 200 else answer.json()


def written(house, reader):
    """Somebody of the house renamed it, and somebody elsewhere another."""
    audit.record(reader, "organisation.change", house, reason="a reason")
    audit.record(UserFactory(), "organisation.change", OrganisationFactory())


def test_an_auditor_reads_all_of_the_house(client, house):
    reader, auditor = UserFactory(organisation=house), MembershipFactory(
        organisation=house, role=AUDITOR
    ).user  # fmt: skip
    written(house, reader)
    (row,) = [r for r in rows_of(client, auditor) if r["action"] == "organisation.change"]
    assert (row["actor"], row["reason"], row["is_full"]) == (str(reader.pk), "a reason", True)
    assert row["target"] == f"organisation:{house.pk}"
    assert AuditEvent.objects.filter(actor=auditor, action="audit.view").count() == 1


def test_an_administrator_reads_that_it_was_not_on_whom(client, house):
    head = MembershipFactory(organisation=house, role=ADMINISTRATOR).user
    written(house, UserFactory(organisation=house))
    (row,) = [r for r in rows_of(client, head) if r["action"] == "organisation.change"]
    assert (row["is_full"], row["target"], row["reason"]) == (False, "", "")


def test_everybody_else_reads_their_own(client, house):
    reader, other = UserFactory(organisation=house), UserFactory(organisation=house)
    written(house, other)
    audit.record(reader, "organisation.change", house)
    rows = [r for r in rows_of(client, reader) if r["action"] == "organisation.change"]
    assert [row["actor"] for row in rows] == [str(reader.pk)]


def test_filters_are_those_of_the_page_and_nonsense_is_refused(client, house):
    auditor = MembershipFactory(organisation=house, role=AUDITOR).user
    written(house, UserFactory(organisation=house))
    there = f"?object=organisation:{house.pk}"
    assert [row["action"] for row in rows_of(client, auditor, there)] == ["organisation.change"]
    assert rows_of(client, auditor, there + "&outcome=refused") == []
    assert rows_of(client, auditor, "?until=2001-01-01") == []
    assert rows_of(client, auditor, "?outcome=x", 400)["errors"][0]["field"] == "outcome"
    assert rows_of(client, auditor, "?name=x", 400)["code"] == "invalid"


def test_pages_follow_one_another_without_a_gap(client, house):
    auditor = MembershipFactory(organisation=house, role=AUDITOR).user
    for _ in range(5):
        audit.record(auditor, "organisation.change", house)
    headers = bearer(pair_of(client, auditor)["access"])
    seen, there = [], reverse("api:audit-event-list") + f"?object=organisation:{house.pk}&limit=2"
    while there:
        page = client.get(there, headers=headers).json()
        seen += [row["id"] for row in page["results"]]
        there = page["next"]
    assert len(seen) == len(set(seen)) == 5


def test_the_anonymous_are_refused(client):
    assert client.get(reverse("api:audit-event-list")).status_code == 401
