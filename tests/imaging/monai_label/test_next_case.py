"""POST /activelearning/waiting: the most urgent case that waits for this reader."""

from __future__ import annotations

import hashlib

import pytest
from django.utils.timezone import now

from imaging.models import Study
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ImageFactory, ResultFactory, ReviewFactory
from tests.imaging.monai_label.calls import Caller, body, token_of

pytestmark = pytest.mark.django_db
NEXT = "/activelearning/waiting"


def asked(ml) -> str:
    return ml.post_json(NEXT, {"client_id": "user-xyz"}).json().get("id", "")


def test_the_most_urgent_first_then_the_others_then_the_first_again(ml, user):
    fresh = ImageFactory(user=user)
    low, high = ResultFactory(user=user, severity="low"), ResultFactory(user=user)
    order = [str(high.image_id), str(low.image_id), str(fresh.pk)]
    assert [asked(ml) for _turn in range(4)] == [*order, order[0]]
    assert asked(Caller(token_of(user))) == order[0], "another client begins anew"


def test_whoever_reads_first_learns_nothing_from_the_order(ml, user):
    low, high = ResultFactory(user=user, severity="low"), ResultFactory(user=user)
    type(user).objects.filter(pk=user.pk).update(read_first=True)
    assert [asked(ml), asked(ml)] == [str(low.image_id), str(high.image_id)]


def test_what_was_read_and_what_is_anothers_does_not_wait(ml, user):
    assert asked(ml) == ""
    read, given = ResultFactory(user=user), ResultFactory(user=user)
    ReviewFactory(result=read, signed_at=now(), signed_by=user, meaning="reviewed", mac="x")
    reader = UserFactory(organisation=given.organisation)
    Study.objects.filter(pk=given.image.study_id).update(reader=reader)
    ResultFactory(user=UserFactory())
    assert asked(ml) == ""
    Study.objects.filter(pk=given.image.study_id).update(reader=user)
    assert asked(ml) == str(given.image_id)


def test_its_checksum_is_that_of_the_file(ml, user):
    ImageFactory(user=user)
    case = ml.post_json(NEXT, {}).json()
    content = body(ml.get("/datastore/image", image=case["id"]))
    assert case["checksum"] == f"SHA256:{hashlib.sha256(content).hexdigest()}"
    assert (case["path"], case["name"][-4:]) == ("", ".nii")


def test_there_is_one_strategy(ml):
    answer = ml.post_json("/activelearning/random", {}, status=404)
    assert "waiting" in answer.json()["detail"]
