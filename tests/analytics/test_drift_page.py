"""Drift: against the first month of the ensemble that is used most, said in a sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.timezone import now

from analytics.drift_page import drift_of
from analytics.filters import Filters
from imaging.models import Ensemble, Image, Review
from tests.accounts.factories import StrangerFactory, UserFactory
from tests.analytics.crowd import crowd

pytestmark = pytest.mark.django_db
URL = "/analytics/drift/"
HALF_A_YEAR = timedelta(days=180)


def page(user, filters: Filters = Filters(period="28")):  # noqa: B008
    return drift_of(user, filters, now())


def figure(user, key: str):
    return next(one for one in page(user).figures if one.key == key)


def both(reader, n: int = 30, **later):
    """A first month, and results of today that are of the same ensemble."""
    old = crowd(n, reader=reader, ago=HALF_A_YEAR, step=timedelta(hours=-1))
    new = crowd(n, reader=reader, **later)
    first, second = (one[0].job.run for one in (old, new))
    first.refresh_from_db()
    type(second).objects.filter(pk=second.pk).update(ensemble=first.ensemble)
    return old, new


def bright(results, low: float, high: float) -> None:
    pks = [one.image_id for one in results]
    Image.objects.filter(pk__in=pks).update(facts={"low": low, "high": high})


def test_images_as_bright_as_ever_raise_no_alert():
    reader = UserFactory()
    both(reader)
    assert page(reader).flags == []
    assert page(reader).rule.startswith("Nothing stands out.")
    row, *rest = figure(reader, "brightness").rows
    assert row[0] == "First month"
    assert row[1] == 30
    assert rest[-1][1] == 30
    assert rest[-1][2] == pytest.approx(row[2])


def test_brighter_images_are_told_in_a_sentence(client):
    reader = UserFactory()
    old, new = both(reader)
    bright(old[:15], 0, 100)
    bright(old[15:], 20, 120)  # 50 and 70: a mean of 60, a spread of 10
    bright(new, 40, 160)
    assert figure(reader, "brightness").rows[0][2] == pytest.approx(60)
    flags = page(reader).flags
    said = flags[0].said
    assert said.startswith("Brightness of the images, Lung fields: 100.0 lately (n = 30), 60.0")
    assert said.endswith("(n = 30).")
    client.force_login(reader)
    here = client.get(URL).content.decode()
    assert said in here
    assert 'href="#figure-brightness"' in here
    assert 'id="figure-brightness"' in here
    assert "one standard deviation" in here
    first = client.get("/analytics/").content.decode()
    assert said in first
    assert f'href="{URL}?' in first


@pytest.mark.parametrize(
    ("later", "key"),
    [({"gate_verdict": "warn"}, "gate"), ({"severity_of": lambda at: "high"}, "high"),
     ({"review_of": lambda at: "rejected"}, "rejected")],
)  # fmt: skip
def test_a_share_that_moved_is_told_and_the_others_are_not(later, key):
    reader = UserFactory()
    both(reader, **later)
    found = figure(reader, key)
    assert found.rows[-1][2] == 1.0
    assert found.rows[0][2] <= 0.2
    assert len(page(reader).flags) == 1
    assert page(reader).flags[0].said.startswith(found.title)


def test_of_too_few_it_is_said_that_they_are(client):
    reader = UserFactory()
    both(reader, n=29, gate_verdict="warn")
    found = page(reader)
    assert found.flags == []
    assert "Warned of or refused by the input check, n = 29 of 30" in found.few
    assert "Nothing stands out." not in found.rule
    client.force_login(reader)
    for address in (URL, "/analytics/"):
        text = client.get(address).content.decode()
        assert "Too few to say:" in text
        assert "n = 29 of 30" in text
        assert "by 5 percentage points or more" in text


def test_a_small_house_is_told_of_its_newest_thirty_together():
    reader = UserFactory()
    old = crowd(30, reader=reader, ago=HALF_A_YEAR, step=timedelta(hours=-1))
    first = old[0].job.run
    first.refresh_from_db()
    for weeks in range(3):
        new = crowd(10, reader=reader, ago=timedelta(weeks=weeks, hours=1), gate_verdict="warn")
        run = new[0].job.run
        type(run).objects.filter(pk=run.pk).update(ensemble=first.ensemble)
    assert [one.figure for one in page(reader).flags] == ["gate"]
    assert "(n = 30)" in page(reader).flags[0].said


def test_a_stranger_is_told_nothing_of_it(client):
    reader, stranger = UserFactory(), UserFactory()
    both(reader, gate_verdict="warn")
    assert len(page(reader).flags) == 1
    of_a_stranger = page(stranger)
    assert [*of_a_stranger.flags, *of_a_stranger.few, of_a_stranger.rule] == [""]
    client.force_login(stranger)
    text = client.get("/analytics/").content.decode()
    assert "input check, Lung fields" not in text
    assert "Too few to say" not in text


def test_an_image_without_numbers_is_not_counted_as_dark():
    reader = UserFactory()
    results = crowd(6, reader=reader)
    bright(results, 0, 100)
    Image.objects.filter(pk=results[0].image_id).update(facts={"low": None})
    assert figure(reader, "brightness").rows[-1][1:] == [5, pytest.approx(50)]


def test_the_ensemble_that_is_used_most_is_the_one_that_is_watched():
    reader = UserFactory()
    crowd(6, reader=reader, title="Chest")
    crowd(9, reader=reader, title="Brain")
    assert page(reader).said.startswith("Brain")
    chest = Ensemble.objects.get(title="Chest")
    assert page(reader, Filters(ensemble=str(chest.pk))).said.startswith("Chest")


def test_nothing_yet_and_nothing_of_others():
    crowd(9, reader=UserFactory())
    assert {one.n for one in page(UserFactory()).figures} == {0}
    assert {one.n for one in page(StrangerFactory()).figures} == {0}


def test_few_are_hidden_and_many_cost_no_more_statements(client):
    reader = UserFactory()
    crowd(4, reader=reader)
    client.force_login(reader)
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        page_of_few = client.get(URL).content.decode()
    assert "Not enough data (n = 4)" in page_of_few
    assert "stands out" not in page_of_few  # of four nothing can be said
    both(reader, n=200)
    assert Review.objects.count() == 404
    with CaptureQueriesContext(connection) as many:
        assert client.get(URL).status_code == 200
    assert len(many) == len(few)
