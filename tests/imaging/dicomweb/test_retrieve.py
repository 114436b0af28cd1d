"""WADO-RS: headers, originals, frames and pictures, as they are stored and no bit besides."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image as Picture
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless, RLELossless

from accounts.models import AuditEvent
from accounts.roles import TECHNICIAN
from imaging.models import Instance, SourceFile
from imaging.services.instances import UNPACK
from tests.accounts.api.keys import a_key, by_key
from tests.accounts.factories import UserFactory
from tests.formats.factories import dicom_dataset, dicom_file
from tests.formats.series import voxels
from tests.imaging.dicomweb.conftest import AT, IN, body, parts
from tests.imaging.dicomweb.told import told_study, unpacked
from tests.imaging.factories import stored

pytestmark = pytest.mark.django_db
ONE = f"{IN}/instances/1.2.3.4.1"
OCTETS = 'multipart/related; type="application/octet-stream"'
NATIVE = "1.2.840.10008.1.2.1"


def compressed(**values) -> bytes:
    """A slice in RLE, whose header is that of the first of the series."""
    dataset = dicom_dataset(SOPInstanceUID="1.2.3.4.1", **values)
    plain = dcmread(io.BytesIO(dicom_file(dataset)))
    plain.compress(RLELossless, generate_instance_uid=False)
    buffer = io.BytesIO()
    plain.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_headers_are_those_of_the_files_without_pixels(get, study, files):
    told = json.loads(body(get(f"{IN}/metadata")))
    assert [Dataset.from_json(one).SOPInstanceUID for one in told] == [
        f"1.2.3.4.{n}" for n in range(1, 7)
    ]
    first, original = Dataset.from_json(told[0]), dcmread(io.BytesIO(files[0]))
    assert "7FE00010" not in told[0]
    for keyword in (
        "Rows",
        "PixelSpacing",
        "ImagePositionPatient",
        "RescaleIntercept",
        "PatientName",
    ):
        assert first[keyword].value == original[keyword].value, keyword
    assert json.loads(body(get(f"{AT}/metadata"))) == told
    again = get(f"{ONE}/metadata")
    assert again.json() == told[:1]
    client_has = get(f"{ONE}/metadata")["ETag"]
    assert client_has == again["ETag"]
    get(f"{IN}/metadata", accept="text/html", status=406)
    assert AuditEvent.objects.filter(action="study.view").count() == 1


def test_an_original_leaves_as_it_came_but_for_its_preamble(get, user, queued):
    data = b"MZ" + bytes(126) + dicom_file(dicom_dataset())[128:]
    told_study(user, [data])
    where = f"{IN}/instances/1.2.3.4.5"
    expected = bytes(128) + data[128:]
    ((kind, content),) = parts(get(where))
    assert (kind, content) == (f"application/dicom; transfer-syntax={NATIVE}", expected)
    alone = get(where, accept="application/dicom")
    assert (alone["Content-Type"], body(alone)) == ("application/dicom", expected)
    assert alone["Content-Disposition"] == 'attachment; filename="1.2.3.4.5.dcm"'
    get(
        where,
        accept='multipart/related; type="application/dicom"; transfer-syntax=1.2.3',
        status=406,
    )
    event = AuditEvent.objects.get(action="study.retrieve")
    assert (event.actor, event.dicom) == (user, "110106")


def test_a_series_and_a_study_leave_whole_and_in_order(get, study, files):
    for path in (AT, IN):
        assert [content for _, content in parts(get(path))] == files, path


def test_frames_are_the_stored_values(get, study):
    for number in range(6):
        where = f"{IN}/instances/1.2.3.4.{number + 1}/frames/1"
        ((kind, content),) = parts(get(where, accept=OCTETS))
        assert kind == f"application/octet-stream; transfer-syntax={NATIVE}"
        assert content == voxels()[number].tobytes()
    get(f"{ONE}/frames/2", status=404)
    for wrong in ("0", "x", "1,", "-1", "9" * 9, ",".join(["1"] * 501)):
        get(f"{ONE}/frames/{wrong}", status=404 if wrong == "0" else 400)
    get(f"{ONE}/frames/1", accept="text/plain", status=406)
    assert AuditEvent.objects.filter(action="image.view").count() == 1


def test_several_frames_of_one_file_leave_together(get, user, queued):
    array = voxels(4)
    values = {
        "Rows": 12, "Columns": 10, "NumberOfFrames": 4, "PixelData": array.tobytes(),
        "SOPInstanceUID": "1.2.3.4.1",
    }  # fmt: skip
    told_study(user, [dicom_file(dicom_dataset(array[0], **values))])
    answer = get(f"{ONE}/frames/4,1,2", accept=OCTETS)
    assert [content for _, content in parts(answer)] == [array[n].tobytes() for n in (3, 0, 1)]


def test_a_compressed_frame_leaves_as_it_is_stored_or_unpacked(get, user, queued, settings):
    settings.DICOMWEB_WAIT_S = 0
    data = compressed()
    told_study(user, [data])
    where = f"{ONE}/frames/1"
    for accept in ("*/*", 'multipart/related; type="image/dicom-rle"'):
        ((kind, content),) = parts(get(where, accept=accept))
        assert kind == f"image/dicom-rle; transfer-syntax={RLELossless}", accept
        assert content in data
    waiting = get(where, accept=OCTETS, status=503)
    instance = Instance.objects.get()
    assert (waiting["Retry-After"], queued[-1]) == ("5", (UNPACK, str(instance.pk)))
    plain = dcmread(io.BytesIO(data)).pixel_array.astype("<i2").tobytes()
    assert unpacked(data) == plain
    instance.native = stored(instance.organisation, plain, "frames", instance.patient_id)
    instance.save()
    ((kind, content),) = parts(get(where, accept=OCTETS))
    assert (kind, content) == (f"application/octet-stream; transfer-syntax={NATIVE}", plain)
    get(where, accept='multipart/related; type="image/jp2"', status=406)
    wrong = f'multipart/related; type="image/dicom-rle"; transfer-syntax={JPEG2000Lossless}'
    get(where, accept=wrong, status=406)


def test_a_picture_is_drawn_under_its_own_window_or_the_one_asked_for(get, study):
    drawn = get(f"{ONE}/rendered", {"window": "-900,200,linear"})
    assert drawn["Content-Type"] == "image/png"
    shown = np.asarray(Picture.open(io.BytesIO(drawn.content)))
    stored_values = voxels()[0].astype(float) - 1024
    expected = np.clip(np.floor((stored_values + 900.5) * 255 / 199 + 128), 0, 255)
    assert (shown == expected.astype(np.uint8)).all()
    assert get(f"{ONE}/frames/1/rendered").content == get(f"{ONE}/rendered").content
    assert get(f"{ONE}/thumbnail")["Content-Type"] == "image/png"
    get(f"{ONE}/rendered", {"window": "a,b"}, status=400)
    get(f"{ONE}/rendered", {"viewport": "1,1"}, status=400)
    get(f"{ONE}/rendered", accept="image/jpeg", status=406)


def test_white_is_black_where_the_file_says_so_and_unused_bits_do_not_count(get, user, queued):
    array = np.arange(120, dtype=np.uint16).reshape(12, 10)
    values = {
        "PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11,
        "RescaleIntercept": None, "RescaleSlope": None, "Modality": "DX", "WindowCenter": 60,
        "WindowWidth": 121, "SOPInstanceUID": "1.2.3.4.1", "PixelData": (array | 0xF000).tobytes(),
    }  # fmt: skip
    told_study(user, [dicom_file(dicom_dataset(array, **values))])
    shown = np.asarray(Picture.open(io.BytesIO(get(f"{ONE}/rendered").content))).astype(int)
    assert (shown[0, 0], shown[-1, -1], len(np.unique(shown))) == (254, 1, 120)


def test_who_may_not_see_pixels_gets_headers_alone(client, verified_client, user, study):
    house = user.memberships.get().organisation
    key, text = a_key(house, scopes=["study.view", "upload.create"])
    study.uploaded_by = key.account.user
    study.save()
    assert client.get(f"{ONE}/metadata", headers=by_key(text)).status_code == 200
    for path in (AT, IN, ONE, f"{ONE}/frames/1", f"{ONE}/rendered", f"{ONE}/thumbnail"):
        assert client.get(path, headers=by_key(text)).status_code == 403, path
        assert client.get(path).status_code == 401, path
    technician = verified_client(UserFactory(organisation=house, role=TECHNICIAN))
    assert technician.get(f"{ONE}/rendered").status_code == 200
    SourceFile.objects.update(created_at="2020-01-01T00:00:00Z")  # longer ago than a day
    assert technician.get(f"{ONE}/rendered").status_code == 404
    assert technician.get(f"{ONE}/metadata").status_code == 200


def test_other_methods_are_refused(client, verified_client, user, study):
    browser = verified_client(user)
    for path in (ONE, f"{ONE}/metadata", f"{AT}/series"):
        assert browser.delete(path).status_code in (403, 405), path
    assert browser.get("/dicomweb/nothing").status_code == 404
    for number in ("x", "1.2%00", "1" * 65):
        assert browser.get(f"/dicomweb/studies/{number}/series").status_code == 404, number
    assert browser.get("/dicomweb/nothing")["Content-Type"] == "application/problem+json"
