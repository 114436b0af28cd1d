"""What is said of models: by version, against each other, against readers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import now

from analytics.filters import Filters
from analytics.models_page import models_of
from imaging.models import Review
from tests.accounts.factories import UserFactory
from tests.analytics.crowd import crowd
from tests.imaging.factories import ModelVersionFactory

pytestmark = pytest.mark.django_db


def figure(user, key: str):
    return next(one for one in models_of(user, Filters(), now()).figures if one.key == key)


def agreement(*pairs) -> dict:
    listed = [{"a": a, "b": b, "dice": dice} for a, b, dice in pairs]
    known = [dice for _a, _b, dice in pairs if dice is not None]
    return {"pairwise_dice": listed, "mean_dice": sum(known) / len(known) if known else None}


def test_decisions_stand_under_each_version_that_took_part():
    reader = UserFactory()
    old, new = (ModelVersionFactory(name="lungs", version=one) for one in ("1.0.0", "2.0.0"))
    other = ModelVersionFactory(name="heart")
    crowd(5, reader=reader, models=[old], review_of=lambda at: "rejected")
    crowd(10, reader=reader, models=[other], review_of=lambda at: "accepted")
    crowd(5, reader=reader, models=[new], review_of=lambda at: "accepted")
    assert figure(reader, "by-model").rows == [
        ["heart 1.0.0", 10, 1.0, 0.0, 0.0],
        ["lungs 1.0.0", 5, 0.0, 0.0, 1.0],
        ["lungs 2.0.0", 5, 1.0, 0.0, 0.0],
    ]
    rows = {row[0]: row for row in figure(reader, "models").rows}
    assert rows["lungs 2.0.0"][3:7] == ["dice 0.5", 5, 1.0, 5]


def test_pairs_are_joined_whatever_their_order_and_both_empty_is_no_dice():
    reader = UserFactory()
    three = ModelVersionFactory.create_batch(3)
    said = agreement(("a", "b", 0.9), ("a", "c", 0.5), ("b", "c", None))
    crowd(6, reader=reader, models=three, agreement=said)
    crowd(6, reader=reader, agreement=agreement(("b", "a", 0.5)))
    crowd(6, reader=reader)
    found = figure(reader, "agreement")
    assert [row[:2] for row in found.rows] == [["a / b", 12], ["a / c", 6]]
    assert [row[2] for row in found.rows] == [pytest.approx(0.7), pytest.approx(0.5)]


def test_agreement_over_time_counts_what_disagrees_and_leaves_few_out():
    reader = UserFactory()
    crowd(6, reader=reader, agreement=agreement(("a", "b", 0.4)), disagree=True)
    crowd(3, reader=reader, ago=timedelta(days=15), agreement=agreement(("a", "b", 0.9)))
    rows = figure(reader, "agreement-time").rows
    assert [row[1:] for row in rows] == [[3, None, None], [6, pytest.approx(0.4), 1.0]]


def test_edited_masks_stand_by_their_dice():
    reader = UserFactory()
    crowd(6, reader=reader, review_of=lambda at: "edited")
    for one, dice in zip(Review.objects.all(), (0.0, 0.45, 0.85, 0.9, 1.0), strict=False):
        Review.objects.filter(pk=one.pk).update(dice=dice)
    found = figure(reader, "edits")
    assert [row[1] for row in found.rows] == [2, 0, 0, 1, 2]
    assert found.n == 5  # the sixth is not measured yet
    assert "0.64" in found.sub


def test_rejections_stand_by_their_coded_reason():
    reader = UserFactory()
    crowd(6, reader=reader, review_of=lambda at: "rejected")
    Review.objects.filter(pk__in=list(Review.objects.values_list("pk", flat=True)[:4])).update(
        reason="missed region"
    )
    assert figure(reader, "rejections").rows == [["Missed something", 4], ["Other", 2]]


def test_four_are_too_few_and_many_cost_no_more_statements(client):
    reader = UserFactory()
    pairs = agreement(("a", "b", 0.9))
    crowd(4, reader=reader, agreement=pairs)
    client.force_login(reader)
    address = reverse("analytics:models")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        page = client.get(address).content.decode()
    assert page.count("Not enough data (n = 4)") == 3  # decisions, pairs, agreement
    crowd(300, reader=reader, agreement=pairs, step=timedelta(hours=2), title="Another")
    with CaptureQueriesContext(connection) as many:
        assert "Not enough data (n = 4)" not in client.get(address).content.decode()
    assert len(many) == len(few)


def test_the_file_has_the_tables_of_this_page(client):
    reader = UserFactory()
    crowd(5, reader=reader)
    client.force_login(reader)
    text = client.get(reverse("analytics:figures-csv", args=["models"])).getvalue().decode()
    assert "Reader decisions by model" in text
    assert "Why results were rejected" in text
