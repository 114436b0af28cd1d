"""A whole file without identity: equal pixels, nothing else of the original."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite, uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items

from imaging.confidential.disguise import Disguise
from imaging.confidential.files import deidentify
from imaging.types import Refused
from tests.formats.factories import (
    DX,
    SECONDARY_CAPTURE,
    dicom_dataset,
    dicom_file,
    radiograph_dataset,
    ramp,
)
from tests.formats.series import ct_series

DISGUISE = Disguise("PSEUDO1", "STUDY1", "ab" * 16, 400, is_reviewed=False)
LOOKED_AT = Disguise("PSEUDO1", "STUDY1", "ab" * 16, 400, is_reviewed=True)
WORDS = (b"Zqname", b"Zqprivate", b"1.2.3.4.5", b"ZQ-7")


def made(tmp_path, content: bytes, disguise=DISGUISE, **known) -> Dataset:
    source, target = tmp_path / "in.orig", tmp_path / "out.dcm"
    source.write_bytes(content)
    deidentify(source, target, disguise, known)
    found = target.read_bytes()
    assert found[:128] == bytes(128)
    assert not [word for word in WORDS if word in found]
    return dcmread(target)


def telling(**values) -> Dataset:
    dataset = radiograph_dataset(PatientName="Zqname^A", PatientID="ZQ-7", **values)
    dataset.private_block(0x0011, "Zqprivate", create=True).add_new(1, "LO", "Zqprivate")
    return dataset


@pytest.mark.parametrize(
    "syntax",
    [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian, uid.DeflatedExplicitVRLittleEndian],
)
def test_the_pixels_are_those_of_the_original(tmp_path, syntax):
    original = telling()
    made_of = made(tmp_path, dicom_file(original, syntax))
    assert (made_of.pixel_array == original.pixel_array).all()
    assert made_of.file_meta.TransferSyntaxUID == uid.ExplicitVRLittleEndian
    assert made_of.file_meta.MediaStorageSOPInstanceUID == made_of.SOPInstanceUID
    assert made_of.PatientID == "PSEUDO1"


def test_a_preamble_stays_behind(tmp_path):
    content = dicom_file(telling())
    made(tmp_path, b"Zqname was here".ljust(128, b"\0") + content[128:])


def test_compressed_pixels_leave_unpacked_so_that_no_comment_travels(tmp_path):
    array = ramp(dtype=np.uint16, top=4095)
    dataset = telling()
    dataset.compress(uid.RLELossless, array)
    made_of = made(tmp_path, dicom_file(dataset, uid.RLELossless))
    assert not made_of.file_meta.TransferSyntaxUID.is_encapsulated
    assert (made_of.pixel_array == array).all()


def test_bits_beside_the_stored_ones_are_cleared(tmp_path):
    array = ramp(dtype=np.uint16, top=4095)
    dataset = telling(BitsStored=12, HighBit=11, PixelData=(array | 0xA000).tobytes())
    made_of = made(tmp_path, dicom_file(dataset))
    assert (np.frombuffer(made_of.PixelData, np.uint16).reshape(array.shape) == array).all()


def test_colours_that_are_not_compressed_stay_and_others_are_refused(tmp_path):
    picture = np.dstack([ramp(), ramp()[::-1], ramp()[:, ::-1]])
    plain = dicom_dataset(np.ascontiguousarray(picture), PlanarConfiguration=0)
    made_of = made(tmp_path, dicom_file(plain))
    assert (made_of.pixel_array == picture).all()
    packed = dicom_dataset(np.ascontiguousarray(picture), PixelData=encapsulate([b"\xff\xd8" * 9]))
    with pytest.raises(Refused, match="colours"):
        made(tmp_path, dicom_file(packed, uid.JPEGBaseline8Bit))


def test_an_odd_number_of_bytes_is_filled_up(tmp_path):
    array = ramp(5, 7)
    made_of = made(tmp_path, dicom_file(dicom_dataset(array)))
    assert (made_of.pixel_array == array).all()


@pytest.mark.parametrize(
    "values",
    [
        {"BurnedInAnnotation": "YES"}, {"Modality": "US"}, {"Modality": "OT"},
        {"Modality": "SC"}, {"SOPClassUID": SECONDARY_CAPTURE},
    ],
)  # fmt: skip
def test_what_may_say_names_in_its_pixels_stays_until_somebody_looked(tmp_path, values):
    content = dicom_file(radiograph_dataset(**values))
    with pytest.raises(Refused, match=r"nobody has looked|is an ultrasound"):  # never taken in
        made(tmp_path, content)
    assert not (tmp_path / "out.dcm").exists()


def test_what_was_looked_at_leaves_and_says_so(tmp_path):
    made_of = made(tmp_path, dicom_file(telling(BurnedInAnnotation="YES")), LOOKED_AT)
    assert made_of.BurnedInAnnotation == "NO"


def test_a_series_stays_one_and_its_references_lead_to_it(tmp_path):
    study = []
    for number, content in enumerate(ct_series()):
        source = tmp_path / "one.orig"
        source.write_bytes(content)
        dataset = dcmread(source)
        dataset.StudyDate, dataset.AcquisitionDate = "20200301", "20200302"
        dataset.FrameOfReferenceUID = "1.2.3.99"
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = dataset.SOPClassUID, "1.2.3.4.1"
        dataset.SourceImageSequence = Items([item])
        study.append(made(tmp_path, dicom_file(dataset)))
        assert study[-1].InstanceNumber == number + 1
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        assert len({one.get(name) for one in study}) == 1, name
    assert len({one.SOPInstanceUID for one in study}) == len(study)
    for one in study:
        (item,) = one.SourceImageSequence
        assert item.ReferencedSOPInstanceUID == study[0].SOPInstanceUID
        assert (one.StudyDate, one.AcquisitionDate) == ("20190126", "20190127")


def test_a_picture_that_does_not_say_its_class_is_given_that_of_its_modality(tmp_path):
    source = tmp_path / "plain.dcm"
    source.write_bytes(dicom_file(telling()))
    dataset = dcmread(source)
    del dataset.SOPClassUID
    del dataset.file_meta.MediaStorageSOPClassUID
    dcmwrite(source, dataset, enforce_file_format=False)
    made_of = made(tmp_path, source.read_bytes())
    assert made_of.SOPClassUID == DX


def test_uids_that_a_header_lacks_are_given(tmp_path):
    content = dicom_file(telling(SeriesInstanceUID=None))
    made_of = made(tmp_path, content, SeriesInstanceUID="1.2.9")
    assert made_of.SOPClassUID == DX
    assert made_of.SeriesInstanceUID == DISGUISE.uid("1.2.9")
