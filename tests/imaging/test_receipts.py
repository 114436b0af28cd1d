"""The receipt speaks of images and series, not of each slice."""

from __future__ import annotations

import numpy as np
import pytest
from django.urls import reverse

from imaging.models import Image, ItemStatus
from imaging.receipts import NAMED, receipt_of, shape_words
from tests.accounts.factories import UserFactory
from tests.imaging.factories import (
    ImageFactory,
    UploadFactory,
    UploadItemFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return UserFactory()


def volume(user, depth: int = 6, **facts) -> Image:
    image = ImageFactory(
        user=user, array=np.zeros((depth, 8, 9), np.int16), modality="ct", dicom_modality="CT"
    )
    image.facts |= {"spacing_mm": [2.5, 0.699, 0.7], "missing": []} | facts
    image.series.description = "Thorax 2.5"
    image.series.save()
    image.save()
    return image


def received(user, image: Image, count: int, status: str = ItemStatus.ACCEPTED):
    upload = UploadFactory(user=user, finished=True)
    for number in range(count):
        UploadItemFactory(
            upload=upload, status=status, image=image, blob=None, name=f"IM{number}", size=100
        )
    return upload


def test_a_volume_is_said_with_its_slices_and_its_voxels(user):
    assert shape_words(volume(user)) == "CT, 6 slices, 0.7 × 0.7 × 2.5 mm"
    assert shape_words(volume(user, missing=[2])) == "CT, 5 slices, 0.7 × 0.7 × 2.5 mm"
    assert shape_words(volume(user, spacing_mm=None)) == "CT, 6 slices, no millimetres"
    assert shape_words(ImageFactory(user=user)) == "X-ray, 32 × 24 px"


def test_the_files_of_one_image_are_one_line(user):
    upload = received(user, volume(user), 6)
    receipt = receipt_of(upload)
    (line,) = receipt.lines
    assert (line.title, line.count, line.size) == ("Thorax 2.5", 6, 600)
    assert line.named == [f"IM{number}" for number in range(6)]
    assert len(receipt.ready) == 1


def test_files_refused_for_one_reason_are_one_line_and_others_not(user):
    upload = UploadFactory(user=user, finished=True)
    for reason in ("This series has gaps.", "This series has gaps.", "“a.dcm” is cut short."):
        UploadItemFactory(upload=upload, status="refused", code="x", reason=reason, blob=None)
    receipt = receipt_of(upload)
    assert [line.count for line in receipt.lines] == [2, 1]
    assert (receipt.refused, receipt.ready) == (3, [])


def test_each_stack_of_one_file_is_shown_and_chosen(client, user):
    first = volume(user)
    second = ImageFactory(
        user=user, study=first.study, series=first.series, source=first.source, files=[first.source]
    )
    upload = received(user, first, 1)
    receipt = receipt_of(upload)
    assert [line.image for line in receipt.lines] == [first, second]
    assert receipt.ready == [first, second]


def test_long_series_name_some_files_and_count_the_rest(user):
    upload = received(user, volume(user), NAMED + 3)
    (line,) = receipt_of(upload).lines
    assert (len(line.named), line.unnamed) == (NAMED, 3)


def test_the_page_speaks_of_the_series_and_of_what_is_missing(client, user):
    image = volume(user, missing=[2])
    image.warnings = ["1 slice is missing between 2 and 4 and left empty."]
    image.save()
    client.force_login(user)
    page = client.get(received(user, image, 5).get_absolute_url()).content.decode()
    assert "Thorax 2.5" in page
    assert "CT, 5 slices, 0.7 × 0.7 × 2.5 mm" in page
    assert "1 slice is missing between 2 and 4" in page
    assert "5 files" in page
    assert page.split('table class="grid stack files')[1].count("<tr>") == 2


def test_a_receipt_asks_as_often_for_hundred_files_as_for_one(
    client, user, django_assert_num_queries
):
    few, many = received(user, volume(user), 1), received(user, volume(user), 60)
    for upload in (few, many):
        with django_assert_num_queries(2):
            receipt_of(upload)


def test_the_form_says_what_may_be_sent(client, user):
    client.force_login(user)
    page = client.get(reverse("imaging:upload-create")).content.decode()
    assert "whole series, a folder or a ZIP" in page
    assert "accept=" not in page
