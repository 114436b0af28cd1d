"""Every attribute of PS3.15 Table E.1-1, filled, at any depth: nothing of it is left."""

from __future__ import annotations

import io

import pytest
from pydicom import dcmread, dcmwrite
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from imaging.confidential.disguise import MOST_DAYS, Disguise, days_of
from imaging.confidential.profile import TABLE, Fate, fate_of
from imaging.confidential.rewriting import DEPTH, rewrite
from imaging.confidential.words import cleaned
from imaging.types import Refused

DISGUISE = Disguise("PSEUDO1", "STUDY1", "ab" * 16, 400, is_reviewed=False)
CANARY, CANARY_UID, CANARY_DAY = "ZQCANARY", "1.2.826.0.1.77777.4711", "19870614"
VALUES = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), CANARY),
    **dict.fromkeys(("OB", "OW", "UN"), b"ZQCANARY"),
    "UR": "https://zqcanary.example", "AS": "077Y", "UI": CANARY_UID,
    "DA": CANARY_DAY, "DT": f"{CANARY_DAY}093011.5+0200", "TM": "093011.5",
    "DS": "4711.25", "IS": "471147", **dict.fromkeys(("FD", "FL"), 4711.25),
    **dict.fromkeys(("US", "UL", "SL", "SS"), 4711),
}  # fmt: skip
KNOWN = sorted(tag for tag in TABLE if dictionary_has_tag(tag) and tag >> 16 > 4)
DATES = ("DA", "DT", "TM")


def filled(tags=KNOWN) -> Dataset:
    dataset = Dataset()
    for tag in tags:
        vr = dictionary_VR(tag).split(" or ")[0]
        if vr == "SQ":
            item = Dataset()
            item.PatientName, item.ReferencedSOPInstanceUID = CANARY, CANARY_UID
            dataset.add_new(tag, vr, Items([item]))
        else:
            dataset.add_new(tag, vr, VALUES[vr])
    return dataset


def written(dataset: Dataset) -> bytes:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def nested(dataset: Dataset, times: int = 1) -> Dataset:
    for _ in range(times):
        outer = Dataset()
        outer.SharedFunctionalGroupsSequence = Items([dataset])
        dataset = outer
    return dataset


def test_the_table_is_whole_and_the_library_knows_nearly_all_of_it():
    assert len(TABLE) == 652
    assert len(KNOWN) > 600
    counts = {action: list(TABLE.values()).count(action) for action in set(TABLE.values())}
    assert counts == {
        "X": 412, "D": 93, "U": 55, "Z": 42, "X/D": 23, "X/Z": 11, "X/Z/D": 8, "Z/D": 6,
        "X/Z/U*": 2,
    }  # fmt: skip


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_with_every_attribute_of_the_table_filled_nothing_is_left(depth):
    dataset = nested(filled(), depth)
    content = written(dataset)
    assert b"ZQCANARY" in content
    rewrite(dataset, DISGUISE)
    content = written(dataset)
    for left in (b"ZQCANARY", b"zqcanary", CANARY_UID.encode(), CANARY_DAY.encode(), b"077Y"):
        assert left not in content
    back = dcmread(io.BytesIO(content))
    assert back.PatientID == "PSEUDO1"


def test_each_attribute_of_the_table_alone():
    for tag in KNOWN:
        vr = dictionary_VR(tag).split(" or ")[0]
        dataset = filled([tag])
        before = str(dataset[tag].value)
        rewrite(dataset, DISGUISE)
        check(tag, vr, before, dataset.get(tag))


def check(tag: int, vr: str, before: str, after) -> None:
    named, action = f"{tag:08X} {vr}", TABLE[tag]
    if vr == "TM":
        assert after is None or after.value in ("093011.5", ""), named  # the hour of a moved day
    elif vr in DATES:
        assert after is None or str(after.value or "")[:8] in ("19860510", ""), named
    else:
        assert after is None or str(after.value) != before, named
        if action == "X" and fate_of(tag, vr) is not Fate.WORDS:
            assert after is None, named
        if action in ("D", "U"):
            assert after is not None, named
            assert after.value not in ("", None), named


def test_what_the_table_does_not_name_stays_only_where_it_is_no_text_of_a_person():
    dataset = Dataset()
    dataset.KVP, dataset.Manufacturer, dataset.PatientName = "120", "ACME", "Doe^Jane"
    dataset.ConvolutionKernel, dataset.BodyPartExamined = "B30f", "CHEST"
    dataset.add_new(0x00102299, "PN", "Doe^Jane")  # no such attribute: of a later edition perhaps
    dataset.add_new(0x00091001, "LO", "private")
    dataset.add_new(0x54001010, "OW", b"Doe speaks")
    dataset.add_new(0x00281201, "OW", bytes(8))
    dataset.add_new(0x60000022, "LO", "Doe overlay")
    dataset.add_new(0x60003000, "OW", b"Doe!")
    dataset.add_new(0x00280000, "UL", 99)
    dataset.PatientSpeciesDescription = "Human Doe"
    rewrite(dataset, DISGUISE)
    assert (dataset.KVP, dataset.Manufacturer) == (120, "ACME")
    assert (dataset.ConvolutionKernel, dataset.BodyPartExamined) == ("B30f", "CHEST")
    assert dataset[0x00281201].value == bytes(8)
    content = written(dataset)
    assert not [word for word in (b"Doe", b"private") if word in content]
    assert not [tag for tag in dataset if tag.tag.is_private or tag.tag.group == 0x6000]


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_a_value_under_another_representation_than_its_own_does_not_slip_through():
    dataset = Dataset()
    dataset.add_new(0x00280301, "PN", "Doe^Jane")
    dataset.add_new(0x00080030, "LO", "Doe at noon")
    dataset.add_new(0x00080020, "DA", "Doe^1931")
    dataset.add_new(0x00080031, "TM", "Doe")
    rewrite(dataset, DISGUISE)
    assert b"Doe" not in written(dataset)


def test_it_says_what_was_done():
    dataset = filled()
    rewrite(dataset, DISGUISE)
    assert dataset.PatientIdentityRemoved == "YES"
    assert [
        (one.CodeValue, one.CodingSchemeDesignator)
        for one in dataset.DeidentificationMethodCodeSequence
    ] == [("113100", "DCM"), ("113105", "DCM"), ("113107", "DCM")]
    assert len(dataset.DeidentificationMethod) <= 64
    assert dataset.LongitudinalTemporalInformationModified == "MODIFIED"
    assert (dataset.PatientName, dataset.StudyID) == ("PSEUDO1", "STUDY1")
    assert not dataset.PatientBirthDate
    assert not dataset.AccessionNumber


def test_a_uid_becomes_the_same_one_everywhere_and_a_standard_one_stays():
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", CANARY_UID
    dataset.FrameOfReferenceUID = CANARY_UID
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    item.ReferencedSOPInstanceUID = CANARY_UID
    dataset.ReferencedImageSequence = Items([item])
    rewrite(dataset, DISGUISE)
    assert dataset.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2"
    new = dataset.SOPInstanceUID
    assert new == DISGUISE.uid(CANARY_UID) == dataset.FrameOfReferenceUID
    assert dataset.ReferencedImageSequence[0].ReferencedSOPInstanceUID == new
    assert new.startswith("2.25.")
    assert len(new) <= 44
    other = Disguise("PSEUDO1", "STUDY1", "cd" * 16, 400, is_reviewed=False)
    assert other.uid(CANARY_UID) != new


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("20200301", "20190126"), ("2020.03.01", "20190126"), ("", ""), ("19310", ""),
        ("00010101", ""), ("20201331", ""), (" 20200301 ", "20190126"),
    ],
)  # fmt: skip
def test_a_date_is_so_many_days_earlier(sent, told):
    assert DISGUISE.date(sent) == told


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("20200301", "20190126"), ("20200301101112.25", "20190126101112.25"),
        ("202003011011+0100", "201901261011"), ("2020", ""), ("Doe", ""),
    ],
)  # fmt: skip
def test_a_moment_moves_by_its_day_and_loses_its_zone(sent, told):
    assert DISGUISE.moment(sent) == told


def test_days_are_of_the_patients_secret():
    assert days_of("0" * 32) == 1
    assert {days_of(f"{n:032x}") for n in range(MOST_DAYS * 2)} == set(range(1, MOST_DAYS + 1))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("CT Thorax Müller 1931", "CT Thorax"), ("Doe^Jane", ""), ("", ""),
        ("MR Knee left, Dr. Who, T2 sag", "MR Knee left T2 sag"), ("AX 3D FLAIR", "AX 3D FLAIR"),
    ],
)  # fmt: skip
def test_of_a_description_the_words_of_pictures_stay(text, kept):
    assert cleaned(text) == kept


def test_a_description_of_the_study_is_cleaned():
    dataset = Dataset()
    dataset.StudyDescription, dataset.SeriesDescription = "CT Abdomen Mrs Doe", "Doe"
    rewrite(dataset, DISGUISE)
    assert (dataset.StudyDescription, dataset.SeriesDescription) == ("CT Abdomen", "")


def test_sequences_beyond_the_depth_are_refused_and_up_to_it_are_cleaned():
    inner = Dataset()
    inner.PatientName = CANARY
    deep = nested(inner, DEPTH)
    rewrite(deep, DISGUISE)
    assert CANARY not in deep.to_json()
    with pytest.raises(Refused):
        rewrite(nested(inner, DEPTH + 1), DISGUISE)


def test_texts_of_another_character_set_are_still_right():
    buffer = io.BytesIO()
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "1", "99X", "Schädel"
    dataset.AnatomicRegionSequence = Items([code])
    buffer.write(written(dataset))
    read = dcmread(io.BytesIO(buffer.getvalue()))
    rewrite(read, DISGUISE)
    back = dcmread(io.BytesIO(written(read)))
    assert back.SpecificCharacterSet == "ISO_IR 192"
    assert back.AnatomicRegionSequence[0].CodeMeaning == "Schädel"
