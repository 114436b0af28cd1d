"""S54: signing asks for both components, shows its meaning, is superseded, breaks with one bit."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils.timezone import now
from pypdf import PdfReader

from imaging.models import Result, ResultMap, Review
from imaging.services.reviews import review_save, review_sign
from imaging.services.signing import signature_holds
from reports.making import pdf_of
from tests.accounts.factories import PASSWORD, UserFactory, code_at, enrol, verify
from tests.imaging.factories import LOWER, ResultFactory, operating_row, sealed, stored

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader):
    return sealed(ResultFactory(user=reader, table=[operating_row(), LOWER]))


@pytest.fixture
def draft(reader, result):
    return review_save(
        by=reader, result=result, seen=0, decision="edited", threshold=0.45, comment="Left lung"
    )


@pytest.fixture
def signed(reader, draft):
    return review_sign(by=reader, review=draft, meaning="reviewed")


def sign(client, review, **fields):
    address = reverse("imaging:review-sign", args=[review.pk])
    return client.post(address, {"meaning": "reviewed"} | fields)


# --- both components, at that moment


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"password": PASSWORD},
        {"code": "right"},
        {"password": "wrong", "code": "right"},
        {"password": PASSWORD, "code": "000000"},
    ],
)
def test_half_a_proof_signs_nothing(client, reader, draft, fields):
    verify(client, reader)  # even right after signing in
    enrol(reader)
    if fields.get("code") == "right":
        fields = fields | {"code": code_at()}
    answer = sign(client, draft, **fields)
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert not draft.is_signed


def test_password_and_code_sign_and_the_next_signature_asks_the_code(client, reader, draft):
    verify(client, reader)
    enrol(reader)
    assert sign(client, draft, password=PASSWORD, code=code_at()).status_code == 302
    draft.refresh_from_db()
    assert (draft.signed_by, draft.meaning) == (reader, "reviewed")
    other = sealed(ResultFactory(user=reader))
    review = review_save(by=reader, result=other, seen=0, decision="accepted")
    page = client.get(reverse("imaging:review-sign", args=[review.pk])).content.decode()
    assert 'name="code"' in page
    assert 'name="password"' not in page
    assert sign(client, review).status_code == 422
    enrol(reader)
    assert sign(client, review, code=code_at()).status_code == 302


def test_a_signature_without_meaning_spends_no_code(client, reader, draft):
    verify(client, reader)
    enrol(reader)
    code = code_at()
    assert sign(client, draft, meaning="", password=PASSWORD, code=code).status_code == 422
    assert sign(client, draft, password=PASSWORD, code=code).status_code == 302


def test_who_has_no_factor_is_told_to_set_one_up(client, reader, draft):
    client.force_login(reader)
    answer = sign(client, draft, password=PASSWORD)
    assert reverse("mfa_index") in answer.content.decode()
    draft.refresh_from_db()
    assert not draft.is_signed


# --- name, time and meaning, on screen and on paper


def test_the_page_shows_name_meaning_and_digest(client, reader, signed):
    client.force_login(reader)
    page = client.get(reverse("imaging:review-detail", args=[signed.pk])).content.decode()
    for words in (str(reader), "Reviewed: I have checked the findings", signed.digest, "It fits"):
        assert words in page


def test_the_pdf_shows_name_meaning_and_digest(signed, reader):
    text = pdf_text(signed.result)
    for words in (str(reader), "Reviewed: I have", signed.digest[:20], "31.00 %"):
        assert words in text
    assert "Unsigned" not in text


def test_a_draft_says_so_on_paper(draft):
    assert "Unsigned draft" in pdf_text(draft.result)


def pdf_text(result) -> str:
    pages = PdfReader(io.BytesIO(pdf_of(Result.objects.get(pk=result.pk)))).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


# --- an edit supersedes


def test_an_amendment_follows_and_the_signed_version_stays_as_it_was(client, reader, signed):
    before = plain(signed)
    review_save(
        by=reader, result=signed.result, seen=1, decision="rejected", reason="picture",
        amendment="The picture is rotated",
    )  # fmt: skip
    assert plain(fresh(signed)) == before
    assert signature_holds(Review.objects.get(pk=signed.pk))
    client.force_login(reader)
    page = client.get(reverse("imaging:review-detail", args=[signed.pk])).content.decode()
    assert "Version 2 followed this one" in page
    assert "Unsigned draft" in pdf_text(signed.result)


# --- one bit


CHANGES = {
    "decision": {
        "decision": "accepted",
        "threshold": None,
        "level": None,
        "row": None,
        "dice": None,
    },
    "comment": {"comment": "Left lunG"},
    "amendment": {"amendment": "x"},
    "threshold": {"threshold": 0.4500001},
    "level": {"level": 114},
    "row": {"row": {"area_px": 201}},
    "meaning": {"meaning": "approved"},
    "signed_at": {"signed_at": now() + timedelta(seconds=1)},
    "number": {"number": 2},
    "digest": {"digest": "0" * 64},
    "mac": {"mac": "0" * 64},
}


@pytest.mark.parametrize("change", CHANGES)
def test_one_change_breaks_the_signature(signed, change):
    assert signature_holds(fresh(signed))
    review = fresh(signed)
    for name, value in CHANGES[change].items():
        setattr(review, name, value)
    review.save()
    assert not signature_holds(fresh(signed))


def test_another_signer_breaks_it(signed):
    Review.objects.filter(pk=signed.pk).update(signed_by=UserFactory())
    assert not signature_holds(fresh(signed))


def test_a_change_of_the_result_below_breaks_it(signed, capsys):
    Result.objects.filter(pk=signed.result_id).update(severity_reason="otherwise")
    assert not signature_holds(fresh(signed))
    with pytest.raises(SystemExit):
        call_command("verify_results")
    assert f"review {signed.pk}" in capsys.readouterr().out


def test_another_map_below_breaks_it(signed):
    result = signed.result
    blob = stored(result.organisation, b"other", "map", result.patient_id)
    ResultMap.objects.filter(result=result).update(blob=blob)
    assert not signature_holds(fresh(signed))


def test_a_broken_signature_is_shouted_on_page_and_paper(client, reader, signed):
    Review.objects.filter(pk=signed.pk).update(meaning="approved")
    client.force_login(reader)
    page = client.get(reverse("imaging:review-detail", args=[signed.pk])).content.decode()
    assert "The signature does not fit" in page
    assert "does not fit its content" in client.get(result_page(signed)).content.decode()
    assert "Signature does not fit its content" in pdf_text(signed.result)


def result_page(review) -> str:
    return reverse("imaging:result-detail", args=[review.result_id])


def plain(review: Review) -> list:
    return [getattr(review, field.attname) for field in Review._meta.concrete_fields]


def fresh(review: Review) -> Review:
    return Review.objects.get(pk=review.pk)
