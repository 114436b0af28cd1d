"""Painting on a volume: slices of any plane joined to the mask below, measured, shown, exported."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image as Picture

from accounts.models import Blob
from accounts.vault.storage import blob_open
from imaging import tasks
from imaging.display import image_planes
from imaging.mask_files import mask_file
from imaging.models import Review
from imaging.planes import as_stored, slice_of
from imaging.services import painted
from imaging.services.painted import Painting, mask_joined, most_slices
from imaging.services.refusals import NotPossible
from imaging.services.reviews import review_save
from reports.pictures import result_pictures
from tests.accounts.factories import StrangerFactory, UserFactory
from tests.imaging.factories import operating_row
from tests.imaging.volumes import AXIAL, NIFTI, SAGITTAL, SHAPE, volume_result

pytestmark = pytest.mark.django_db
FULL = np.ones(SHAPE[1:], np.uint8)
AFFINES = {"axial": AXIAL, "nifti": NIFTI, "sagittal": SAGITTAL}


@pytest.fixture
def reader():
    return UserFactory()


@pytest.fixture
def result(reader, tmp_path):
    return volume_result(reader, tmp_path, affine=NIFTI)


def model_mask(result) -> np.ndarray:
    blob = result.maps.get(name="ensemble").blob
    return np.frombuffer(blob_open(blob).read(), np.uint8).reshape(SHAPE) >= result.level


def kept(review: Review) -> np.ndarray:
    return np.frombuffer(blob_open(review.mask).read(), np.uint8).reshape(SHAPE)


def packed(slices) -> bytes:
    return b"".join(np.packbits(one.reshape(-1)).tobytes() for one in slices)


def joined(result, drawn, **painting) -> np.ndarray:
    pieces = mask_joined(result, Painting(packed(drawn), level=result.level, **painting))
    return np.frombuffer(b"".join(pieces), np.uint8).reshape(SHAPE)


# --- joined


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
@pytest.mark.parametrize("name", ["axial", "coronal", "sagittal"])
def test_a_slice_of_any_plane_lands_where_it_is_seen(reader, tmp_path, affine, name):
    result = volume_result(reader, tmp_path, affine=affine)
    plane = image_planes(result.image)[name]
    rng = np.random.default_rng(3)
    numbers = (1, plane.shape[0] - 2)
    drawn = [rng.integers(0, 2, plane.shape[1:], np.uint8) for _ in numbers]
    found = joined(result, drawn, plane=name, slices=numbers)
    for number, one in zip(numbers, drawn, strict=True):
        assert np.array_equal(slice_of(found, plane, number), one)
    untouched = np.delete(found, numbers, axis=plane.axes[0])
    assert np.array_equal(untouched, np.delete(model_mask(result), numbers, axis=plane.axes[0]))


@pytest.mark.parametrize("affine", AFFINES.values(), ids=AFFINES)
def test_hung_and_stored_are_the_same_slice(affine):
    array = np.random.default_rng(1).integers(0, 9, SHAPE)
    for plane in painted.planes_of(SHAPE, affine, (2.0, 0.8, 0.8)).values():
        hung = slice_of(array, plane, 3)
        assert np.array_equal(as_stored(hung, plane), array.take(3, axis=plane.axes[0]))


def test_a_painting_over_a_painting_keeps_what_lies_below(reader, result, queued):
    first = review_save(
        by=reader, result=result, seen=0, decision="edited",
        mask=[joined(result, [FULL], slices=(0,)).tobytes()],
    )  # fmt: skip
    second = joined(result, [FULL], slices=(5,), base=first.number)
    assert second[0].all()
    assert second[5].all()
    assert np.array_equal(second[6], model_mask(result)[6])


@pytest.mark.parametrize(
    ("slices", "bits", "why"),
    [
        ((0,), bytes(3), "not of the size"),
        ((0, SHAPE[0]), bytes(2 * 280), "not of the size"),
        ((0, 1), bytes(280), "not of the size"),
    ],
)
def test_what_is_no_slice_of_it_is_refused(result, slices, bits, why):
    with pytest.raises(NotPossible, match=why):
        mask_joined(result, Painting(bits, slices=slices))


def test_another_plane_or_base_that_is_not_there_is_refused(result):
    with pytest.raises(NotPossible, match="no such plane"):
        mask_joined(result, Painting(bytes(280), plane="oblique", slices=(0,)))
    with pytest.raises(NotPossible, match="began with is not there"):
        mask_joined(result, Painting(bytes(280), slices=(0,), base=3))


def test_one_saving_is_bounded(result, monkeypatch):
    monkeypatch.setattr(painted, "MOST_VOXELS", 2 * SHAPE[1] * SHAPE[2])
    plane = image_planes(result.image)["axial"]
    assert most_slices(plane) == 2
    with pytest.raises(NotPossible, match="At most 2 slices"):
        mask_joined(result, Painting(bytes(3 * 280), slices=(0, 1, 2)))


# --- the page


def paint(client, result, drawn, numbers, **fields):
    bits = SimpleUploadedFile("mask.bits", packed(drawn))
    words = {
        "bits": bits, "seen": 0, "level": result.level, "plane": "axial",
        "slices": ",".join(str(number + 1) for number in numbers),
    }  # fmt: skip
    return client.post(reverse("imaging:review-paint", args=[result.pk]), words | fields)


def test_the_page_opens_on_the_slice_that_was_shown(client, reader, result):
    client.force_login(reader)
    page = client.get(reverse("imaging:review-paint", args=[result.pk]), {"slice": "4", "t": "0.3"})
    config = page.context["config"]
    assert (config["plane"], config["slice"], config["depth"]) == ("axial", 3, SHAPE[0])
    assert (config["base"], config["level"]) == (0, 77)
    below = np.frombuffer(client.get(f"{config['mask']}4/").content, np.uint8)
    assert below.size == SHAPE[1] * SHAPE[2]
    assert 'name="slices"' not in page.content.decode()  # the script says them
    address = reverse("imaging:review-paint", args=[result.pk])
    assert f'href="{address}?' in client.get(result.get_absolute_url()).content.decode()


def test_only_the_painted_slices_travel_and_the_whole_mask_is_kept(client, reader, result, queued):
    client.force_login(reader)
    drawn = np.zeros(SHAPE[1:], np.uint8)
    drawn[3:9, 4:20] = 1
    plane = image_planes(result.image)["axial"]
    answer = paint(client, result, [drawn, drawn], (2, 7))
    assert answer.status_code == 201
    review = Review.objects.get()
    assert queued == [("imaging.tasks.measure_review", str(review.pk))]
    wanted = model_mask(result).astype(np.uint8)
    wanted[2] = wanted[7] = as_stored(drawn, plane)
    assert np.array_equal(kept(review), wanted)
    page = client.get(reverse("imaging:review-paint", args=[result.pk]))
    config = page.context["config"]
    assert (config["base"], config["level"], page.context["seen"]) == (1, 1, 1)
    shown = np.frombuffer(client.get(f"{config['mask']}3/").content, np.uint8)
    assert np.array_equal(shown.reshape(SHAPE[1:]), 255 * drawn)


def test_sent_twice_it_is_one_version_and_nothing_is_left_behind(client, reader, result, queued):
    client.force_login(reader)
    for _ in range(2):
        assert paint(client, result, [FULL], (2,)).status_code == 201
    assert Review.objects.count() == 1
    assert Blob.objects.filter(kind="mask").count() == 1


def test_who_comes_second_is_told_and_may_follow_with_what_was_seen(client, reader, result, queued):
    client.force_login(reader)
    paint(client, result, [FULL], (2,))
    answer = paint(client, result, [FULL], (5,))
    assert answer.status_code == 409
    assert answer.json()["mine"] == "Save mine after version 1"
    assert paint(client, result, [FULL], (5,), seen=answer.json()["latest"]).status_code == 201
    mine = kept(Review.objects.get(number=2))
    assert mine[5].all()
    assert np.array_equal(mine[2], model_mask(result)[2])  # begun with the models' map, not theirs


@pytest.mark.parametrize("numbers", ["0,1", "3,3", "5,4", "a", "-1", "1;2", "9" * 400])
def test_numbers_of_slices_that_make_no_sense_are_refused(client, reader, result, numbers):
    client.force_login(reader)
    answer = paint(client, result, [FULL], (2,), slices=numbers)
    assert answer.status_code == 422
    assert not Review.objects.exists()


def test_too_much_at_once_is_refused_before_it_is_read(client, reader, result, monkeypatch):
    monkeypatch.setattr(painted, "MOST_VOXELS", 8)
    client.force_login(reader)
    answer = paint(client, result, [FULL] * 2, (2, 3))
    assert (answer.status_code, answer.json()["errors"]) == (
        422, ["Too much was painted at once: save, then paint on."],
    )  # fmt: skip


def test_slices_of_an_edited_mask_are_for_those_who_see_the_result(client, reader, result, queued):
    client.force_login(reader)
    paint(client, result, [FULL], (2,))
    address = reverse("imaging:review-mask-slice", args=[Review.objects.get().pk, "coronal", 9])
    assert len(client.get(address).content) == SHAPE[0] * SHAPE[2]
    assert client.get(address.replace("/9/", "/99/")).status_code == 404
    for user, status in ((UserFactory(), 404), (StrangerFactory(), 403)):
        client.force_login(user)
        assert client.get(address).status_code == status
    client.logout()
    assert client.get(address).status_code == 401


# --- shown


def test_the_edited_mask_is_shown_beside_that_of_the_models(client, reader, result, queued):
    client.force_login(reader)
    paint(client, result, [np.zeros_like(FULL)] * SHAPE[0], range(SHAPE[0]))
    asked = result.get_absolute_url() + "?mode=mask&map=edited&slice=4"
    assert client.get(asked).context["display"].map == "ensemble"  # not measured: not shown
    row = operating_row(t=None, level=None, volume_ml=1.25, sphericity=0.5, area_text="0.91 %")
    Review.objects.update(row=row, lesions=[], dice=0.25)
    text = client.get(result.get_absolute_url()).content.decode()
    assert 'data-edited="volume_ml">1.25<' in text
    assert "Dice of the two masks: 0.25" in text
    assert "map=edited" in text
    page = client.get(asked)
    assert page.context["shows_edited"]
    assert "The picture shows the edited mask" in page.content.decode()
    levels = client.get(f"{page.context['config']['map']}4/").content
    assert set(levels) == {0}
    layer = reverse("imaging:result-layer", args=[result.pk, "mask"])
    shown = [
        client.get(layer, {"slice": 4, "map": name}).content for name in ("edited", "ensemble")
    ]
    assert shown[0] != shown[1]


def test_the_report_draws_the_slice_that_was_painted(client, reader, result, queued):
    client.force_login(reader)
    drawn = np.zeros(SHAPE[1:], np.uint8)
    drawn[2:6, 3:9] = 1
    empty = np.zeros_like(drawn)
    paint(client, result, [*[empty] * 10, drawn, empty], range(SHAPE[0]))
    lesion = {"label": "L1", "centroid": [10.0, 35.0, 50.0]}
    Review.objects.update(row=operating_row(t=None, level=None), lesions=[lesion])
    mask = np.asarray(Picture.open(io.BytesIO(result_pictures(result).mask)))
    assert np.array_equal(mask > 0, drawn > 0)


# --- measured


@pytest.mark.engine
def test_the_real_engine_measures_the_joined_volume(client, reader, result, queued):
    client.force_login(reader)
    empty = np.zeros(SHAPE[1:], np.uint8)
    paint(client, result, [empty] * 4, (6, 7, 8, 9))  # the small ball's slices
    review = Review.objects.get()
    tasks.measure_review(str(review.pk))
    review.refresh_from_db()
    mask = kept(review)
    assert review.row["volume_ml"] == pytest.approx(mask.sum() * 0.8 * 0.8 * 2 / 1000, abs=1e-6)
    assert review.row["volume_ml"] < result.operating["volume_ml"]
    assert 0 < review.row["sphericity"] <= 1
    ending, file = mask_file(result)
    assert ending == "nii.gz"
    assert np.array_equal(np.frombuffer(gzip.decompress(file)[352:], np.uint8), mask.reshape(-1))
