"""A volume that a reader painted: page, PDF, table, ZIP, API and DICOM all hold the edited mask."""

from __future__ import annotations

import csv
import gzip
import io

import highdicom as hd
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pydicom import dcmread
from pypdf import PdfReader

from accounts.vault.storage import blob_open
from imaging import tasks
from imaging.models import Review
from reports.csv import csv_lines
from reports.table import table_rows
from tests.accounts.factories import UserFactory, verify
from tests.formats.series import ct_series
from tests.imaging.volumes import SHAPE, phantom, volume_result
from tests.reports.factories import ExportFactory
from tests.reports.test_dicom import exported, original
from tests.reports.test_exports import made
from tests.reports.test_volumes import unzipped

pytestmark = [pytest.mark.django_db, pytest.mark.engine]
HEADER = 352  # bytes of a NIfTI file before its voxels
EMPTY = bytes(SHAPE[1] * SHAPE[2] // 8)


@pytest.fixture
def reader(client):
    person = UserFactory()
    verify(client, person)
    return person


@pytest.fixture
def slices() -> list[bytes]:
    return ct_series(phantom(), step=(0.0, 0.0, 2.0), PixelSpacing=[0.8, 0.8])


@pytest.fixture
def painted(client, reader, tmp_path, slices, queued) -> Review:
    """A series of which the reader wiped the small ball's slices, measured by the real engine."""
    house = reader.memberships.get().organisation
    result = volume_result(
        reader, tmp_path, files=[original(house, one, n) for n, one in enumerate(slices)],
        source=original(house, slices[0]),
    )  # fmt: skip
    wiped = (7, 8, 9, 10)
    answer = client.post(
        reverse("imaging:review-paint", args=[result.pk]),
        {"bits": SimpleUploadedFile("mask.bits", EMPTY * len(wiped)), "seen": 0,
         "plane": "axial", "slices": ",".join(map(str, wiped)), "level": result.level},
    )  # fmt: skip
    assert answer.status_code == 201
    review = Review.objects.get()
    tasks.measure_review(str(review.pk))
    review.refresh_from_db()
    return review


def mask_of(review: Review) -> np.ndarray:
    return np.frombuffer(blob_open(review.mask).read(), np.uint8).reshape(SHAPE)


def test_page_pdf_and_table_say_the_edited_volume(client, painted):
    result, row = painted.result, painted.row
    volume = f"{row['volume_ml']:.2f}"
    assert row["volume_ml"] < result.operating["volume_ml"]
    assert (row["lesions"], result.operating["lesions"]) == (1, 2)
    page = client.get(result.get_absolute_url()).content.decode()
    assert f'data-edited="volume_ml">{volume}<' in page
    assert (
        volume in client.get(reverse("imaging:review-detail", args=[painted.pk])).content.decode()
    )
    export = ExportFactory(results=[result], items=[result], kind="pdf")
    words = " ".join(PdfReader(io.BytesIO(made(export))).pages[0].extract_text().split())
    assert f"Volume {volume} ml" in words
    assert f"Sphericity {row['sphericity']:.2f}" in words
    assert "edited by the reader" in words
    lines = b"".join(csv_lines(table_rows([result], notice="n"))).decode("utf-8-sig")
    (cells,) = csv.DictReader(io.StringIO(lines))
    assert float(cells["volume_ml"]) == row["volume_ml"]
    assert float(cells["sphericity"]) == row["sphericity"]
    assert cells["lesions"] == "1"


def test_zip_api_and_dicom_hold_the_edited_mask(client, painted, slices):
    result, mask = painted.result, mask_of(painted)
    archive = unzipped([result])
    (name,) = archive.namelist()
    asked = client.get(reverse("api:result-mask", args=[result.pk]))
    for file in (archive.read(name), asked.content):
        assert np.array_equal(
            np.frombuffer(gzip.decompress(file)[HEADER:], np.uint8), mask.reshape(-1)
        )
    body = client.get(reverse("api:review-detail", args=[painted.pk])).json()
    assert body["measures"]["volume_ml"] == painted.row["volume_ml"]
    assert (body["measures"]["t"], body["dice"]) == (None, painted.dice)
    seg = hd.seg.segread(exported(result)["seg.dcm"])
    numbers = [
        dcmread(io.BytesIO(one), stop_before_pixels=True).SOPInstanceUID
        for one, marked in zip(slices, mask.any(axis=(1, 2)), strict=True)
        if marked
    ]
    back = seg.get_pixels_by_source_instance(numbers)
    assert np.array_equal(back.any(axis=-1), mask[mask.any(axis=(1, 2))].astype(bool))
    assert {one.SegmentAlgorithmType for one in seg.SegmentSequence} == {"SEMIAUTOMATIC"}
