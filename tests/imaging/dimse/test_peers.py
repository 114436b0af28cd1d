"""The file of who may send, and the look at a dataset that was sent."""

from __future__ import annotations

import json
import uuid

import pytest
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from imaging.dimse.look import dataset_check
from imaging.dimse.peers import WrongPeers, may_connect, read_peers
from imaging.types import Refused
from tests.formats.factories import dicom_dataset

HOUSE = str(uuid.uuid4())


def peers(tmp_path, *rows):
    path = tmp_path / "peers.json"
    path.write_text(json.dumps(list(rows)))
    return read_peers(path)


def test_each_title_has_its_house_and_its_addresses(tmp_path):
    found = peers(
        tmp_path,
        {"ae_title": " CT1 ", "organisation": HOUSE, "addresses": ["192.0.2.7", "10.1.0.0/16"]},
    )
    assert found["CT1"].organisation == uuid.UUID(HOUSE)
    assert [found["CT1"].comes_from(one) for one in ("192.0.2.7", "10.1.9.9", "10.2.0.1")] == [
        True, True, False,
    ]  # fmt: skip
    assert may_connect(found, "10.1.0.1")
    assert not may_connect(found, "192.0.2.8")


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([], "at least one"),
        (["CT1"], "must be an object"),
        ([{"ae_title": "CT1", "organisation": "x"}], "must be an id"),
        ([{"ae_title": "A" * 17, "organisation": HOUSE}], "1 to 16"),
        ([{"ae_title": "A\\B", "organisation": HOUSE}], "backslash"),
        ([{"ae_title": "A", "organisation": HOUSE, "room": 1}], "not known: room"),
        ([{"ae_title": "A", "organisation": HOUSE, "addresses": ["10.0.0.300"]}], "10.0.0.300"),
        ([{"ae_title": "A", "organisation": HOUSE, "addresses": "10.0.0.1"}], "must be a list"),
        ([{"ae_title": "A", "organisation": HOUSE}] * 2, "twice"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, rows, word):
    with pytest.raises(WrongPeers, match=word):
        peers(tmp_path, *rows)


def test_a_file_that_is_not_there_or_no_json_is_named(tmp_path):
    with pytest.raises(WrongPeers, match="cannot be read"):
        read_peers(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(WrongPeers, match="no JSON"):
        read_peers(tmp_path / "bad.json")


def written(dataset, *, implicit: bool, little: bool = True) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = implicit, little
    write_dataset(buffer, dataset)
    return buffer.getvalue()


def look(data: bytes, syntax: str = "1.2.840.10008.1.2.1", instance: str = "1.2.3.4.5") -> None:
    dataset_check(data, syntax=syntax, sop_class="1.2.840.10008.5.1.4.1.1.2", sop_instance=instance)


def test_a_whole_dataset_passes_however_it_is_written():
    look(written(dicom_dataset(), implicit=False))
    look(written(dicom_dataset(), implicit=True), "1.2.840.10008.1.2")
    look(written(dicom_dataset(), implicit=False, little=False), "1.2.840.10008.1.2.2")
    look(b"\x78", "1.2.840.10008.1.2.1.99")  # only the child inflates


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"not a dataset at all", ""),
        (written(dicom_dataset(), implicit=False)[:-100], ""),
        (written(dicom_dataset(PixelData=None), implicit=False), "dicom-no-pixels"),
        (written(dicom_dataset(SOPInstanceUID=None), implicit=False), "dicom-no-uid"),
    ],
)
def test_a_broken_one_is_refused(data, code):
    with pytest.raises(Refused) as refusal:
        look(data)
    assert refusal.value.code.startswith(code)


def test_another_object_than_its_command_says_is_refused():
    with pytest.raises(Refused) as refusal:
        look(written(dicom_dataset(), implicit=False), instance="1.2.3.4.6")
    assert refusal.value.code == "study-mismatch"
