"""A painted mask: unpacked, measured once, taken up again, shown and printed as it was painted."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils.timezone import now

from accounts.vault.storage import blob_open
from imaging import tasks
from imaging.engine.client import EngineDied
from imaging.formats.png import encode_png
from imaging.mask_files import mask_file
from imaging.models import Review
from imaging.services import painting
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_save, review_sign
from imaging.services.signing import signature_holds
from imaging.types import InferenceError
from reports.gather import report_content
from reports.pictures import result_pictures
from tests.accounts.factories import StrangerFactory, UserFactory
from tests.imaging.factories import ResultFactory, disc_map, operating_row, sealed, stored

pytestmark = pytest.mark.django_db
ROW = operating_row(t=None, level=None, area_px=7, area_text="0.91 %", severity="low")


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader):
    return sealed(ResultFactory(user=reader))


@pytest.fixture
def mask(result) -> np.ndarray:
    mask = np.zeros(result.image.shape, np.uint8)
    mask[0, 2, 3:10] = 1
    return mask


@pytest.fixture
def review(reader, result, mask, queued) -> Review:
    return review_save(by=reader, result=result, seen=0, decision="edited", mask=[mask.tobytes()])


@pytest.fixture
def engine(monkeypatch) -> list:
    """The calls to an engine that answers ROW, or raises what `engine.error` holds."""

    class Engine(list):
        error: Exception | None = None

        def __call__(self, review, folder):
            self.append(review.pk)
            if self.error:
                raise self.error
            return {"row": ROW, "lesions": [{"label": "L1"}], "dice": 0.8}

    engine = Engine()
    monkeypatch.setattr(painting, "_measured", engine)
    return engine


def fresh(review: Review) -> Review:
    return Review.objects.get(pk=review.pk)


# --- measured once


def test_it_rings_is_measured_and_then_can_be_signed(reader, review, queued, engine):
    assert queued == [("imaging.tasks.measure_review", str(review.pk))]
    with pytest.raises(NotPossible, match="wait a moment"):
        review_sign(by=reader, review=review, meaning="reviewed")
    tasks.measure_review(str(review.pk))
    assert (fresh(review).row, fresh(review).lesions) == (ROW, [{"label": "L1"}])
    assert fresh(review).dice == 0.8
    signed = review_sign(by=reader, review=review, meaning="reviewed")
    assert signature_holds(fresh(signed))


def test_delivered_twice_it_is_measured_once(review, engine):
    tasks.measure_review(str(review.pk))
    tasks.measure_review(str(review.pk))
    assert engine == [review.pk]


def test_the_same_painting_sent_twice_is_one_version(reader, result, mask, review):
    again = review_save(by=reader, result=result, seen=0, decision="edited", mask=[mask.tobytes()])
    assert again.pk == review.pk


def test_what_cannot_be_measured_says_why_and_is_not_signed(reader, review, engine):
    engine.error = InferenceError("The models mark 5,000 regions.")
    tasks.measure_review(str(review.pk))
    assert fresh(review).problem == "The models mark 5,000 regions."
    with pytest.raises(NotPossible, match="5,000 regions"):
        review_sign(by=reader, review=review, meaning="reviewed")


def test_the_third_death_is_the_last(review, engine):
    engine.error = EngineDied("gone")
    for _ in range(4):
        tasks.measure_review(str(review.pk))
    assert len(engine) == 3
    assert fresh(review).problem == painting.OUTWORN


def test_a_lost_doorbell_rings_again(review, queued, monkeypatch):
    monkeypatch.setattr("imaging.queue.waiting", lambda task: set())
    queued.clear()
    assert painting.reviews_recover() == 0  # it rang just now
    Review.objects.update(rung_at=now() - timedelta(minutes=2))
    assert painting.reviews_recover() == 1
    assert queued == [("imaging.tasks.measure_review", str(review.pk))]
    Review.objects.update(rung_at=now() - timedelta(minutes=2), tries=3)
    assert painting.reviews_recover() == 1
    assert fresh(review).problem == painting.FAILED


@pytest.mark.engine
def test_the_real_engine_counts_every_painted_pixel(review, result):
    tasks.measure_review(str(review.pk))
    row = fresh(review).row
    assert (row["area_px"], row["lesions"], row["specks"]) == (7, 1, 0)
    assert (row["t"], row["level"]) == (None, None)
    assert row["reference_px"] == result.operating["reference_px"]
    assert len(fresh(review).lesions) == 1


@pytest.mark.engine
def test_the_real_engine_says_how_far_the_mask_is_that_of_the_models(review, result, mask):
    tasks.measure_review(str(review.pk))
    theirs = disc_map(result.image.shape) >= result.level
    both = int((theirs & (mask > 0)).sum())
    want = 2 * both / (int(theirs.sum()) + int((mask > 0).sum()))
    assert fresh(review).dice == pytest.approx(want, abs=1e-6)


# --- another mask below a signature


def test_another_mask_breaks_the_signature(reader, review, engine, result):
    tasks.measure_review(str(review.pk))
    signed = review_sign(by=reader, review=review, meaning="reviewed")
    other = stored(result.organisation, bytes(8), "mask", result.patient_id)
    Review.objects.filter(pk=signed.pk).update(mask=other)
    assert not signature_holds(fresh(signed))


# --- on paper


def test_the_report_shows_what_was_painted(review, engine, result, mask):
    before = mask_file(result)
    assert "still to be measured" in report_content(result, made_at=now()).state
    tasks.measure_review(str(review.pk))
    content = report_content(result, made_at=now())
    assert content.severity == "Low"
    assert ("Mask", "edited by the reader") in [(one.name, one.value) for one in content.origin]
    assert mask_file(result) != before
    assert result_pictures(result).mask == mask_file(result)[1]


# --- the pages


def paint(client, result, mask, **fields):
    bits = SimpleUploadedFile("mask.bits", np.packbits(mask.reshape(-1)).tobytes())
    return client.post(
        reverse("imaging:review-paint", args=[result.pk]), {"bits": bits, "seen": 0} | fields
    )


def test_painting_saves_a_version(client, reader, result, mask, queued):
    client.force_login(reader)
    answer = paint(client, result, mask, comment="Base added")
    review = Review.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"url": review.get_absolute_url()})
    assert blob_open(review.mask).read() == mask.tobytes()
    page = client.get(result.get_absolute_url()).content.decode()
    assert "being measured" in page
    assert "Base added" in page


def test_nothing_painted_and_a_wrong_size_are_said(client, reader, result, mask):
    client.force_login(reader)
    address = reverse("imaging:review-paint", args=[result.pk])
    answer = client.post(address, {"seen": 0})
    assert answer.status_code == 422
    assert "Nothing was painted" in answer.json()["errors"][0]
    for wrong in (mask[:, :-3], np.pad(mask, ((0, 0), (0, 1), (0, 0)))):
        answer = paint(client, result, wrong)
        assert answer.status_code == 422
        assert "not of the size of the image" in answer.json()["errors"][0]
    assert not Review.objects.exists()


def test_who_comes_second_is_told(client, reader, result, mask, review):
    colleague = UserFactory()
    client.force_login(reader)
    answer = paint(client, result, 1 - mask)
    assert answer.status_code == 409
    told = answer.json()
    assert (told["latest"], told["signed"]) == (1, False)
    assert f"{reader} saved version 1" in told["words"]
    assert told["url"] == reverse("imaging:review-detail", args=[review.pk])
    assert paint(client, result, 1 - mask, seen=1).status_code == 201
    assert Review.objects.count() == 2
    client.force_login(colleague)
    assert paint(client, result, mask).status_code == 404


def test_the_mask_is_for_those_who_see_the_result(client, reader, review, mask):
    address = reverse("imaging:review-mask", args=[review.pk])
    assert client.get(address).status_code == 401
    client.force_login(UserFactory())
    assert client.get(address).status_code == 404
    client.force_login(StrangerFactory())
    assert client.get(address).status_code == 403
    client.force_login(reader)
    assert b"".join(client.get(address).streaming_content) == mask.tobytes()


def test_the_waiting_ends_itself(client, reader, review, engine):
    client.force_login(reader)
    address = reverse("imaging:review-status", args=[review.pk])
    answer = client.get(address, headers={"HX-Request": "true"})
    assert "every 1s" in answer.content.decode()
    assert "HX-Refresh" not in answer.headers
    tasks.measure_review(str(review.pk))
    answer = client.get(address, headers={"HX-Request": "true"})
    assert "every 1s" not in answer.content.decode()
    assert answer.headers["HX-Refresh"] == "true"


# --- a mask that was drawn elsewhere


def upload(client, result, data: bytes, name: str = "mask.png", **fields):
    sent = {"seen": 0, "file": SimpleUploadedFile(name, data)} | fields
    return client.post(reverse("imaging:review-upload", args=[result.pk]), sent)


def measuring(monkeypatch) -> list[np.ndarray]:
    """Let the real child read the file, and tell what the measuring one is given."""
    given = []

    class Measuring:
        def call(self, op, *, mask, shape, **_rest):
            given.append(np.fromfile(mask, np.uint8).reshape(shape))
            return {"row": ROW, "lesions": [], "dice": 0.8}

    monkeypatch.setattr(painting, "infer_engine", lambda **_options: Measuring())
    return given


def test_a_png_is_read_by_the_child_measured_and_kept(
    client, reader, result, mask, queued, monkeypatch
):
    given = measuring(monkeypatch)
    client.force_login(reader)
    response = upload(client, result, encode_png(255 * mask[0]), comment="Edited outside.")
    review = Review.objects.get()
    assert response.url == review.get_absolute_url()
    assert queued == [("imaging.tasks.measure_review", str(review.pk))]
    assert review.is_waiting
    tasks.measure_review(str(review.pk))
    review = fresh(review)
    assert (review.row, review.problem) == (ROW, "")
    assert (given[0] == mask).all()
    with blob_open(review.mask) as content:
        assert b"".join(content.chunks()) == mask.tobytes()
    assert signature_holds(review_sign(by=reader, review=review, meaning="reviewed"))


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("small.png", encode_png(np.zeros((5, 6), np.uint8)), "“small.png” is 6 × 5 pixels"),
        ("grey.png", encode_png(np.arange(768).reshape(24, 32).astype(np.uint8)), "“grey.png” is"),
        ("notes.png", b"hello, I am text", "notes.png"),
    ],
)
def test_what_is_no_mask_of_this_image_is_a_sentence_that_names_it(
    client, reader, result, queued, monkeypatch, name, data, why
):
    given = measuring(monkeypatch)
    client.force_login(reader)
    upload(client, result, data, name)
    review = Review.objects.get()
    tasks.measure_review(str(review.pk))
    review = fresh(review)
    assert why in review.problem
    assert review.row is None
    assert given == []
    assert why in client.get(result.get_absolute_url()).content.decode()
    with pytest.raises(NotPossible):
        review_sign(by=reader, review=review, meaning="reviewed")


def test_a_form_without_a_file_or_with_too_large_a_one_says_so(client, reader, result):
    client.force_login(reader)
    url = reverse("imaging:review-upload", args=[result.pk])
    assert client.get(url).status_code == 200
    empty = client.post(url, {"seen": 0})
    assert empty.status_code == 422
    assert "Choose the file of the mask." in empty.content.decode()
    large = upload(client, result, bytes(2 << 20))
    assert large.status_code == 422
    assert "larger than any mask" in large.content.decode()
    assert not Review.objects.exists()


def test_the_same_file_sent_twice_is_one_version_and_another_one_is_told(
    client, reader, result, mask, queued
):
    client.force_login(reader)
    for _ in range(2):
        assert upload(client, result, encode_png(mask[0])).status_code == 302
    assert Review.objects.count() == 1
    other = mask.copy()
    other[0, 0, 0] = 1
    assert upload(client, result, encode_png(other[0])).status_code == 409


def test_a_stranger_uploads_no_mask(client, result, mask):
    client.force_login(UserFactory())
    assert upload(client, result, encode_png(mask[0])).status_code == 404
    client.force_login(UserFactory(organisation=result.organisation, role="clinician"))
    assert upload(client, result, encode_png(mask[0])).status_code == 403
    assert not Review.objects.exists()
