"""Hostile, broken and odd files through the real decoding child: a sentence each, nothing left."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image as Picture

from accounts.models import Blob
from accounts.selectors import home_organisation
from imaging.models import Image, ItemStatus, Patient, Series, SourceFile, Study, UploadItem
from imaging.services.uploads import upload_ingest, upload_receive
from tests.accounts.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

GREY = (np.indices((96, 80)).sum(axis=0) % 256).astype(np.uint8)


def saved(picture: Picture.Image, kind: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def png() -> bytes:
    return saved(Picture.fromarray(GREY), "PNG")


def jpeg() -> bytes:
    return saved(Picture.fromarray(GREY), "JPEG")


def animated_gif() -> bytes:
    frames = [Picture.fromarray(GREY), Picture.fromarray(255 - GREY)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def bomb(side: int = 13_000) -> bytes:
    """A valid PNG of side × side grey pixels in about 20 KB."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    packer = zlib.compressobj(9)
    row = bytes(side // 8 + 2)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def dicom(modality: str = "DX", pixels: bool = True, **fields) -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3.4"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.1"
    ds.PatientID, ds.PatientName, ds.Modality = "P1", "Doe^Jane", modality
    if pixels:
        ds.Rows, ds.Columns = GREY.shape
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        ds.PixelData = GREY.astype("<u2").tobytes()
    for name, value in fields.items():
        setattr(ds, name, value)
    out = io.BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def through(data: bytes, name: str, modality: str = "xray") -> UploadItem:
    """Send one file and read it as the worker would."""
    user = UserFactory()
    upload = upload_receive(
        user=user,
        organisation=home_organisation(user),
        files=[SimpleUploadedFile(name, data)],
        modality=modality,
    )
    upload_ingest(str(upload.pk))
    upload.refresh_from_db()
    assert upload.finished_at is not None
    return upload.items.select_related("image").get()


BAD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zero bytes": ("empty.png", lambda: b""),
    "text named png": ("note.png", lambda: b"I am a letter, not a picture.\n" * 20),
    "truncated png": ("cut.png", lambda: png()[: len(png()) // 2]),
    "truncated jpeg": ("cut.jpg", lambda: jpeg()[: len(jpeg()) // 2]),
    "13000 squared png": ("bomb.png", bomb),
    "animated gif": ("moving.gif", animated_gif),
    "svg": ("drawing.svg", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><path/></svg>' * 3),
    "dicom without pixels": ("empty.dcm", lambda: dicom(pixels=False)),
    "dicom of another kind": ("us.dcm", lambda: dicom(modality="US")),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_gets_one_sentence_and_leaves_nothing(case, queued):
    name, make = BAD[case]
    item = through(make(), name)
    assert item.status == ItemStatus.REFUSED
    assert item.code
    assert 10 < len(item.reason) < 300
    assert item.reason.endswith(".")
    assert "Traceback" not in item.reason
    for model in (Blob, Image, SourceFile, Study, Series, Patient):
        assert not model.objects.exists(), model


def test_the_bomb_is_small():
    assert len(bomb()) < 30_000


GOOD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "8 bit png": ("a.png", png),
    "16 bit png": ("a.png", lambda: saved(Picture.fromarray(GREY.astype(np.uint16) * 200), "PNG")),
    "16 bit tiff": ("a.tif", lambda: saved(Picture.fromarray(GREY.astype(np.uint16)), "TIFF")),
    "palette png": ("a.png", lambda: saved(Picture.fromarray(GREY).convert("P"), "PNG")),
    "rgba png": ("a.png", lambda: saved(Picture.fromarray(GREY).convert("RGBA"), "PNG")),
    "cmyk jpeg": ("a.jpg", lambda: saved(Picture.fromarray(GREY).convert("CMYK"), "JPEG")),
    "jpeg": ("a.jpg", jpeg),
    "dicom": ("a.dcm", dicom),
    "monochrome1": ("a.dcm", lambda: dicom(PhotometricInterpretation="MONOCHROME1")),
    "ct with rescale": ("a.dcm", lambda: dicom("CT", RescaleSlope=1, RescaleIntercept=-1024)),
}


@pytest.mark.parametrize("case", GOOD)
def test_an_odd_but_honest_file_is_taken_or_told_why_not(case, queued):
    name, make = GOOD[case]
    item = through(make(), name)
    if item.status == ItemStatus.REFUSED:
        assert item.reason.endswith(".")
        assert not Blob.objects.exists()
        pytest.fail(f"{case} was refused: {item.reason}")
    image = item.image
    assert (image.height, image.width) == GREY.shape
    assert image.pixels.size == np.dtype(image.dtype).itemsize * GREY.size
    assert image.facts["minimum"] <= image.facts["low"] <= image.facts["high"]
    assert 0 < image.thumbnail.size <= 12 * 1024


@pytest.mark.parametrize(
    "name", ["../../../etc/x.png", "x" * 300 + ".png", "a\x07b.png", "chest\u202egnp.png"]
)
def test_an_odd_name_harms_nobody(name, queued):
    sent = SimpleUploadedFile("x.png", png())
    sent._name = name
    user = UserFactory()
    upload = upload_receive(
        user=user, organisation=home_organisation(user), files=[sent], modality="xray"
    )
    upload_ingest(str(upload.pk))
    item = upload.items.get()
    assert item.status == ItemStatus.ACCEPTED, item.reason
    assert "/" not in item.name
    assert len(item.name) <= 120
    assert item.name.isprintable()


def test_a_bad_file_between_good_ones_stops_none(queued):
    user = UserFactory()
    files = [
        SimpleUploadedFile("1.png", png()),
        SimpleUploadedFile("2.png", png()[:-30]),
        SimpleUploadedFile("3.jpg", jpeg()),
    ]
    upload = upload_receive(
        user=user, organisation=home_organisation(user), files=files, modality="xray"
    )
    upload_ingest(str(upload.pk))
    assert [item.status for item in upload.items.all()] == ["accepted", "refused", "accepted"]
