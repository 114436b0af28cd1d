"""A decision is a version of its own; two readers at once lose nothing; signed is closed."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.models import AuditEvent
from imaging.models import Result, Review
from imaging.services.refusals import NotPossible
from imaging.services.reviews import Overtaken, review_save, review_sign
from tests.accounts.factories import MembershipFactory, UserFactory, verify
from tests.imaging.factories import LOWER, ResultFactory, operating_row, sealed

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader):
    return sealed(ResultFactory(user=reader, table=[operating_row(), LOWER]))


@pytest.fixture
def colleague(result):
    return MembershipFactory(organisation=result.organisation, role="radiologist").user


def saved(reader, result, seen=0, decision="accepted", **words) -> Review:
    return review_save(by=reader, result=result, seen=seen, decision=decision, **words)


def post(client, result, **fields):
    return client.post(
        reverse("imaging:review-create", args=[result.pk]), {"seen": 0, "comment": ""} | fields
    )


# --- the service


def test_each_saving_is_the_next_version(reader, result):
    first = saved(reader, result, comment="clear lungs")
    second = saved(reader, result, seen=1, decision="rejected", reason="picture")
    assert [first.number, second.number] == [1, 2]
    assert Review.objects.get(pk=first.pk).comment == "clear lungs"


def test_the_same_sent_twice_is_one_version(reader, result):
    assert saved(reader, result).pk == saved(reader, result).pk
    assert AuditEvent.objects.filter(action="review.save").count() == 1


def test_the_second_of_two_readers_sees_the_first(reader, colleague, result):
    first = saved(reader, result)
    with pytest.raises(Overtaken) as overtaken:
        saved(colleague, result, decision="rejected", reason="picture")
    assert overtaken.value.latest == first
    assert Review.objects.count() == 1


def test_of_two_at_the_same_instant_the_constraint_keeps_one(
    reader, colleague, result, monkeypatch
):
    theirs = saved(reader, result)
    answers = iter([None, theirs])
    monkeypatch.setattr("imaging.services.reviews.latest_review", lambda result: next(answers))
    with pytest.raises(Overtaken):
        saved(colleague, result, decision="rejected", reason="picture")
    assert list(Review.objects.all()) == [theirs]


def test_an_edit_keeps_a_threshold_of_the_table_and_its_numbers(reader, result):
    review = saved(reader, result, decision="edited", threshold=0.45)
    assert (review.level, review.row) == (115, LOWER)
    assert review.dice == 0.8  # 200 of the 300 pixels
    result.refresh_from_db()
    assert result.level == 128
    event = AuditEvent.objects.get(action="review.save")
    assert event.reason == "edited, threshold 0.5 to 0.45"


@pytest.mark.parametrize(
    ("decision", "words", "sentence"),
    [
        ("", {}, "accept, edit or reject"),
        ("maybe", {}, "accept, edit or reject"),
        ("rejected", {}, "why the result is rejected"),
        ("rejected", {"reason": "other"}, "into the comment"),
        ("edited", {}, "thresholds of the slider"),
        ("edited", {"threshold": 0.123}, "thresholds of the slider"),
        ("edited", {"threshold": 0.5}, "nothing is edited"),
    ],
)
def test_what_is_no_decision_is_refused_in_words(reader, result, decision, words, sentence):
    with pytest.raises(NotPossible, match=sentence):
        saved(reader, result, decision=decision, **words)
    assert not Review.objects.exists()


@pytest.mark.parametrize("role", ["clinician", "technician", "administrator", "auditor"])
def test_other_roles_decide_nothing(role, result):
    other = MembershipFactory(organisation=result.organisation, role=role).user
    with pytest.raises(PermissionDenied):
        saved(other, result)


def test_a_signed_version_is_followed_only_with_a_reason(reader, result):
    first = review_sign(by=reader, review=saved(reader, result), meaning="reviewed")
    with pytest.raises(NotPossible, match="why it is amended"):
        saved(reader, result, seen=1, decision="rejected", reason="picture")
    second = saved(
        reader, result, 1, "rejected", reason="picture", amendment="Seen again with the prior"
    )
    assert second.number == 2
    assert Review.objects.get(pk=first.pk).mac == first.mac


def test_a_draft_carries_no_reason_of_amendment(reader, result):
    assert saved(reader, result, amendment="what for").amendment == ""


def test_nobody_signs_for_a_result_that_was_changed(reader, result):
    review = saved(reader, result)
    Result.objects.filter(pk=result.pk).update(severity="low")
    with pytest.raises(NotPossible, match="changed since it was stored"):
        review_sign(by=reader, review=Review.objects.get(pk=review.pk), meaning="reviewed")


def test_only_the_version_that_counts_can_be_signed(reader, result):
    first = saved(reader, result)
    saved(reader, result, seen=1, decision="rejected", reason="picture")
    with pytest.raises(Overtaken):
        review_sign(by=reader, review=first, meaning="reviewed")


def test_signing_twice_is_one_signature_and_another_person_is_told(reader, colleague, result):
    review = saved(reader, result)
    signed = review_sign(by=reader, review=review, meaning="reviewed")
    again = review_sign(by=reader, review=review, meaning="reviewed")
    assert (again.mac, again.signed_at) == (signed.mac, signed.signed_at)
    assert AuditEvent.objects.filter(action="review.sign").count() == 1
    with pytest.raises(Overtaken):
        review_sign(by=colleague, review=review, meaning="approved")


def test_a_signature_without_its_name_is_impossible(reader, result):
    review = saved(reader, result)
    with pytest.raises(IntegrityError), transaction.atomic():
        Review.objects.filter(pk=review.pk).update(meaning="reviewed")


# --- the pages


def test_nothing_is_chosen_beforehand(client, reader, result):
    client.force_login(reader)
    page = client.get(result.get_absolute_url()).content.decode()
    panel = page[page.index('id="decision"') : page.index("<dialog data-shortcuts")]
    assert panel.count('type="radio"') == 3
    assert " checked" not in panel
    assert "</textarea>" in panel


def test_a_decision_is_kept_and_shown(client, reader, result):
    client.force_login(reader)
    answer = post(client, result, decision="rejected", reason="picture", comment="Rotated <b>")
    assert answer.status_code == 302
    page = client.get(result.get_absolute_url()).content.decode()
    assert "Rotated &lt;b&gt;" in page
    assert "not signed" in page


def test_a_wrong_form_comes_back_with_what_was_typed(client, reader, result):
    client.force_login(reader)
    answer = post(client, result, decision="rejected", comment="Rotated")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose why the result is rejected." in page
    assert "Rotated" in page


def test_two_readers_get_409_with_both_versions_and_none_is_lost(client, reader, colleague, result):
    saved(reader, result, comment="their words")
    client.force_login(colleague)
    answer = post(client, result, decision="rejected", reason="picture", comment="my words")
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "their words" in page
    assert "my words" in page
    post(client, result, seen=1, decision="rejected", reason="picture", comment="my words")
    assert Review.objects.count() == 2


def test_strangers_find_nothing_and_roles_are_named(client, reader, result):
    review = saved(reader, result)
    stranger, clinician = UserFactory(), MembershipFactory(role="clinician").user
    verify(client, stranger)
    for name, pk in (("review-create", result.pk), ("review-sign", review.pk)):
        assert client.post(reverse(f"imaging:{name}", args=[pk])).status_code == 404
    assert client.get(reverse("imaging:review-detail", args=[review.pk])).status_code == 404
    client.force_login(clinician)
    answer = post(client, result, decision="accepted")
    assert answer.status_code == 403
    assert "Radiologist" in answer.content.decode()


def test_the_anonymous_are_sent_to_sign_in(client, reader, result):
    review = saved(reader, result)
    for name, pk in (
        ("review-create", result.pk), ("review-sign", review.pk), ("review-detail", review.pk),
    ):  # fmt: skip
        answer = client.get(reverse(f"imaging:{name}", args=[pk]))
        assert answer.status_code == 302
        assert "/accounts/login/" in answer["Location"]


def test_the_page_costs_the_same_with_many_versions(
    client, reader, result, django_assert_max_num_queries
):
    client.force_login(reader)
    saved(reader, result)
    client.get(result.get_absolute_url())
    with django_assert_max_num_queries(40) as few:
        client.get(result.get_absolute_url())
    for number in range(1, 8):
        saved(reader, result, seen=number, decision="accepted", comment=str(number))
    with django_assert_max_num_queries(40) as many:
        client.get(result.get_absolute_url())
    assert len(many) <= len(few) + 1  # the list of earlier versions opens


def test_save_and_next_goes_on_where_the_reader_may(client, reader, result):
    client.force_login(reader)
    near, strange = ResultFactory(user=reader), ResultFactory()
    assert post(client, result, decision="accepted", next=near.pk).url == near.get_absolute_url()
    answer = post(client, near, decision="accepted", next=strange.pk)
    assert answer.url == Review.objects.get(result=near).get_absolute_url()
