"""Regions removed one by one: saved as an edit, measured by the engine, told everywhere alike."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from django.urls import reverse
from django.utils.timezone import now

from accounts.models import AuditEvent
from accounts.vault.storage import blob_open
from imaging import tasks
from imaging.mask_files import mask_file
from imaging.models import Review
from imaging.region_places import place_words
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_save, review_sign
from imaging.services.signing import signature_holds
from imaging.sides import Sides
from reports.csv import csv_lines
from reports.gather import report_content
from reports.table import HEAD, table_rows
from tests.accounts.factories import UserFactory
from tests.imaging.volumes import NIFTI, SHAPE, volume_result

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader, tmp_path):
    """Two balls in a volume: L1 and L2."""
    return volume_result(reader, tmp_path, affine=NIFTI)


def without(reader, result, *removed, seen=0, **words) -> Review:
    return review_save(
        by=reader, result=result, seen=seen, decision="edited", removed=removed, **words
    )


def post(client, result, **fields):
    return client.post(reverse("imaging:review-create", args=[result.pk]), {"seen": 0} | fields)


# --- the service


def test_removing_is_an_edit_that_the_worker_measures(reader, result, queued):
    review = without(reader, result, 2)
    assert queued == [("imaging.tasks.measure_review", str(review.pk))]
    assert (review.removed, review.threshold, review.mask_id, review.is_waiting) == (
        [2], None, None, True,
    )  # fmt: skip
    assert AuditEvent.objects.get(action="review.save").reason == "edited, without L2"
    with pytest.raises(NotPossible, match="wait a moment"):
        review_sign(by=reader, review=review, meaning="reviewed")


def test_the_same_sent_twice_is_one_version_and_another_region_is_another(reader, result):
    first = without(reader, result, 2)
    assert without(reader, result, 2).pk == first.pk
    assert without(reader, result, 1, seen=1).number == 2


def test_only_at_the_saved_threshold_and_only_what_is_there(reader, result):
    with pytest.raises(NotPossible, match="set it back"):
        without(reader, result, 1, threshold=0.3)
    with pytest.raises(NotPossible, match="not in this result"):
        without(reader, result, 3)
    assert not Review.objects.exists()


@pytest.mark.engine
def test_measured_by_the_real_engine_all_numbers_follow(reader, result):
    review = without(reader, result, 1)
    tasks.measure_review(str(review.pk))
    review = Review.objects.select_related("mask").get(pk=review.pk)
    second = result.lesions.get(position=2).facts
    assert review.problem == ""
    assert (review.row["lesions"], review.row["area_px"]) == (1, second["px"])
    first, rest = result.lesions.get(position=1).facts["px"], second["px"]
    assert review.dice == pytest.approx(2 * rest / (first + 2 * rest), abs=1e-6)
    assert review.row["volume_ml"] == second["volume_ml"]
    assert review.lesions[0]["centroid"] == second["centroid"]
    mask = np.frombuffer(blob_open(review.mask).read(), np.uint8).reshape(SHAPE)
    assert mask.sum() == second["px"] + result.operating["specks_px"]
    content = report_content(result, made_at=now())
    said = {one.name: one.value for one in [*content.measures, *content.origin]}
    assert said["Mask"] == "without L1 by the reader"
    assert said["Regions"] == "1"
    _, cells = csv.reader(
        io.StringIO(b"".join(csv_lines(table_rows([result], notice="x"))).decode("utf-8-sig"))
    )
    assert cells[HEAD.index("lesions")] == "1"
    assert mask_file(result)[0] == "nii.gz"
    signed = review_sign(by=reader, review=review, meaning="reviewed")
    assert signature_holds(signed)
    Review.objects.filter(pk=signed.pk).update(removed=[2])
    assert not signature_holds(Review.objects.get(pk=signed.pk))


@pytest.mark.engine
def test_a_map_that_is_not_that_of_the_list_is_told(reader, result):
    one = result.lesions.get(position=1)
    one.facts["px"] += 1
    one.save()
    review = without(reader, result, 1)
    tasks.measure_review(str(review.pk))
    review.refresh_from_db()
    assert "not those that are listed" in review.problem
    assert review.mask_id is None


# --- the page


def test_each_region_says_where_it_lies_and_can_be_removed(client, reader, result):
    client.force_login(reader)
    page = client.get(result.get_absolute_url()).content.decode()
    assert page.count('name="removed"') == 2
    assert 'value="1" form="review-form"' in page
    assert "slice 4, " in page
    assert "patient&#x27;s" in page


def test_ticking_alone_is_an_edit_and_another_verdict_contradicts(client, reader, result, queued):
    client.force_login(reader)
    answer = post(client, result, decision="accepted", removed=["2"])
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "choose Edit, or keep them all" in page
    assert 'data-remove="1" checked' in page
    assert post(client, result, removed=["2"]).status_code == 302
    review = Review.objects.get()
    assert (review.decision, review.removed) == ("edited", [2])
    page = client.get(result.get_absolute_url()).content.decode()
    assert "being measured" in page
    assert 'data-remove="1" checked' in page  # who decides anew goes on from there


def test_a_region_that_is_none_is_refused(client, reader, result):
    client.force_login(reader)
    assert post(client, result, decision="edited", removed=["9"]).status_code == 422
    assert post(client, result, decision="edited", removed=["x"]).status_code == 422
    assert not Review.objects.exists()


def test_who_comes_second_keeps_the_removed_regions(client, reader, result):
    review_save(by=reader, result=result, seen=0, decision="accepted")
    client.force_login(reader)
    answer = post(client, result, removed=["1", "2"])
    assert answer.status_code == 409
    page = answer.content.decode()
    assert page.count('name="removed"') == 2


# --- places in words


@pytest.mark.parametrize(
    ("at", "sides", "words"),
    [
        ((1, 1), None, "upper third, left in the picture"),
        ((28, 38), None, "lower third, right in the picture"),
        ((14, 19), None, "in the middle"),
        ((1, 19), None, "upper third"),
        ((1, 1), Sides("R", "L", "S", "I"), "upper third, patient's right"),
        ((28, 38), Sides("R", "L", "A", "P"), "back, patient's left"),
    ],
)
def test_a_place_is_a_third_of_the_picture_and_a_side_only_where_known(at, sides, words):
    assert place_words(at, (30, 40), sides) == words
