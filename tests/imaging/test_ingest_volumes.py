"""Volumes through the real decode child: one Image with its depth, its place and its thumbnail."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Picture

from accounts.selectors import home_organisation
from accounts.vault.storage import blob_open
from imaging.models import Image, ItemStatus, Upload
from imaging.services.uploads import upload_ingest, upload_receive
from tests.accounts.factories import UserFactory
from tests.formats.factories import nifti_file

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def sent(*files: tuple[str, bytes], modality: str = "mri", user=None, **choices) -> Upload:
    user = user or UserFactory()
    upload = upload_receive(
        user=user,
        organisation=home_organisation(user),
        files=[SimpleUploadedFile(name, data) for name, data in files],
        modality=modality,
        **choices,
    )
    upload_ingest(str(upload.pk))
    upload.refresh_from_db()
    assert upload.finished_at is not None
    return upload


def content(blob) -> bytes:
    with blob_open(blob) as reader:
        return reader.read()


def test_a_nifti_volume_becomes_one_image_with_its_depth_and_its_place(queued):
    array = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    affine = np.array([[-2, 0, 0, 10], [0, 3, 0, -20], [0, 0, 4, 30], [0, 0, 0, 1.0]])  # RAS
    data = nifti_file(array, affine, packed=True)
    upload = sent(("head.nii.gz", data), modality="ct")
    image = Image.objects.get()
    assert upload.items.get().image == image
    assert (image.modality, image.shape, image.dtype) == ("ct", (4, 5, 6), "int16")
    assert image.facts["spacing_mm"] == [4.0, 3.0, 2.0]
    assert image.facts["affine"] == [[2, 0, 0, -10], [0, -3, 0, 20], [0, 0, 4, 30], [0, 0, 0, 1]]
    assert (image.facts["unit"], image.facts["raster"]) == ("stored value", False)
    assert content(image.pixels) == array.tobytes()
    assert (content(image.source.blob), image.source.format) == (data, "nifti.gz")
    thumbnail = np.asarray(Picture.open(BytesIO(content(image.thumbnail))))
    assert thumbnail.shape == (5, 6)
    # rows run to the front in the file, and front is above in the picture
    assert (np.diff(thumbnail.astype(int), axis=0) <= 0).all()


def test_a_volume_without_a_place_has_no_sides_and_says_so(queued):
    data = bytearray(nifti_file())
    data[252:256] = bytes(4)  # neither qform nor sform
    sent(("head.nii", bytes(data)))
    image = Image.objects.get()
    assert image.facts["affine"] is None
    assert "No position in the file: left and right are not known." in image.warnings


def test_the_same_volume_as_another_kind_is_another_image(queued):
    user, data = UserFactory(), nifti_file()
    sent(("head.nii", data), modality="mri", user=user)
    again = sent(("head.nii", data), modality="mri", user=user)
    assert again.items.get().status == ItemStatus.DUPLICATE
    sent(("head.nii", data), modality="ct", user=user)
    assert sorted(Image.objects.values_list("modality", flat=True)) == ["ct", "mri"]


def test_several_volumes_in_one_file_are_refused_with_the_remedy(queued):
    data = nifti_file(np.zeros((2, 3, 4, 5), np.uint8))
    item = sent(("fmri.nii", data)).items.get()
    assert (item.status, item.code) == (ItemStatus.REFUSED, "nifti-4d")
    assert "Send one volume per file, or ask for the first one" in item.reason
    assert not Image.objects.exists()


def test_the_first_of_several_volumes_is_read_if_that_was_asked_for(queued):
    array = np.arange(2 * 3 * 4 * 5, dtype=np.uint8).reshape(2, 3, 4, 5)
    sent(("fmri.nii.gz", nifti_file(array, packed=True)), first_volume=True)
    image = Image.objects.get()
    assert image.shape == (3, 4, 5)
    assert content(image.pixels) == array[0].tobytes()
    assert "The first of 2 volumes was read." in image.warnings
