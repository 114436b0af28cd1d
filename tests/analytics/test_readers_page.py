"""What is said of readers: one's own figures to oneself, names to administrators only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from accounts import roles
from analytics.filters import Filters
from analytics.readers_page import readers_of
from imaging.models import Review
from tests.accounts.factories import MembershipFactory, OrganisationFactory, UserFactory
from tests.analytics.crowd import crowd

pytestmark = pytest.mark.django_db
URL = "/analytics/readers/"


@pytest.fixture
def house(db):
    return OrganisationFactory()


@pytest.fixture
def head(house):
    return MembershipFactory(organisation=house, role=roles.ADMINISTRATOR).user


def reader_of(house, name: str):
    reader = UserFactory(organisation=house)
    reader.name = name
    reader.save()
    return reader


def figure(user, key: str):
    return next(one for one in readers_of(user, Filters(), now()).figures if one.key == key)


def test_an_administrator_sees_each_reader_by_name(house, head):
    anna, bob = reader_of(house, "Anna"), reader_of(house, "Bob")
    crowd(10, reader=anna, review_of=lambda at: "accepted" if at < 9 else "rejected")
    crowd(5, reader=bob, review_of=lambda at: "edited")
    Review.objects.filter(author=bob).update(dice=0.8)
    assert figure(head, "by-reader").rows == [
        ["Anna", 10, 0.9, 0.0, 0.1],
        ["Bob", 5, 0.0, 1.0, 0.0],
    ]
    anna_row, bob_row = figure(head, "readers").rows
    assert anna_row == ["Anna", 10, 0.9, 0.0, 0.1, 600, 600, 0, None]
    assert bob_row[7:] == [5, pytest.approx(0.8)]


def test_two_of_one_name_are_told_apart(house, head):
    twins = [reader_of(house, "Kim") for _ in range(2)]
    for one in twins:
        crowd(5, reader=one)
    assert {row[0] for row in figure(head, "by-reader").rows} == {one.email for one in twins}


def test_a_reader_sees_nobody_but_themselves(house, client):
    anna, bob = reader_of(house, "Anna"), reader_of(house, "Bob")
    crowd(6, reader=anna)
    crowd(6, reader=bob)
    assert [row[0] for row in figure(anna, "by-reader").rows] == ["Anna"]
    client.force_login(anna)
    page = client.get(URL).content.decode()
    assert "Bob" not in page
    assert bob.email not in page
    file = client.get(reverse("analytics:figures-csv", args=["readers"])).getvalue().decode()
    assert "Anna" in file
    assert "Bob" not in file


def test_an_auditor_has_totals_and_no_names(house, client):
    crowd(6, reader=reader_of(house, "Anna"))
    auditor = MembershipFactory(organisation=house, role=roles.AUDITOR).user
    client.force_login(auditor)
    assert client.get(URL).status_code == 403
    assert client.get(reverse("analytics:figures-csv", args=["readers"])).status_code == 403
    overview = client.get("/analytics/").content.decode()
    assert f'href="{URL}' not in overview
    assert "Anna" not in overview


def test_an_administrator_of_another_house_sees_nobody(house):
    crowd(6, reader=reader_of(house, "Anna"))
    stranger = MembershipFactory(role=roles.ADMINISTRATOR).user
    assert figure(stranger, "by-reader").n == 0


def test_four_decisions_are_too_few_and_many_cost_no_more_statements(house, head, client):
    crowd(4, reader=reader_of(house, "Anna"))
    client.force_login(head)
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        page = client.get(URL).content.decode()
    assert "Not enough data (n = 4)" in page
    for place in range(4):
        crowd(60, reader=reader_of(house, f"Reader {place}"), step=timedelta(hours=3))
    with CaptureQueriesContext(connection) as many:
        assert "Reader 3" in client.get(URL).content.decode()
    assert len(many) == len(few)
