"""DICOM that is no image for MediScan, or is made to hurt: refused by code, in a sentence."""

import struct

import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imaging.formats.budgets import Budgets
from tests.formats import factories as make

STORAGE = "1.2.840.10008.5.1.4.1.1"


def ct(**values):
    return make.dicom_file(make.dicom_dataset(**values))


def without_pixels(**values):
    absent = dict.fromkeys(("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored"))
    return ct(**(absent | values))


@pytest.mark.parametrize(
    ("sop_class", "modality", "words"),
    [
        (f"{STORAGE}.481.3", "RTSTRUCT", "is an RT Structure Set, not an image"),
        (f"{STORAGE}.481.5", "RTPLAN", "is an RT Plan, not an image"),
        (f"{STORAGE}.88.11", "SR", "is a Structured Report, not an image"),
        (f"{STORAGE}.88.59", "KO", "is a Key Object Selection, not an image"),
        (f"{STORAGE}.104.1", "DOC", "is an Encapsulated PDF document, not an image"),
        (f"{STORAGE}.11.1", "PR", "is a Presentation State, not an image"),
        (f"{STORAGE}.9.1.1", "ECG", "is a waveform, for instance an ECG, not an image"),
        (f"{STORAGE}.66", "MR", "is raw data or a registration, not an image"),
        (f"{STORAGE}.66.1", "REG", "is raw data or a registration, not an image"),
        ("", "SR", "is a Structured Report, not an image"),
    ],
)
def test_objects_that_are_no_pictures_are_refused_by_name(refusal, sop_class, modality, words):
    data = without_pixels(SOPClassUID=sop_class or make.CT, Modality=modality)
    if not sop_class:
        data = data.replace(make.CT.encode(), b"1.2.3".ljust(len(make.CT), b"\x00"))
    answer = refusal(data, "x.dcm")
    assert answer.code == "dicom-not-an-image"
    assert words in answer.sentence
    assert answer.sentence.startswith("“x.dcm” ")


@pytest.mark.parametrize(
    ("sop_class", "words"),
    [(f"{STORAGE}.66.4", "a Segmentation"), (f"{STORAGE}.481.2", "an RT Dose map")],
)
def test_objects_with_pixels_that_are_no_pictures(refusal, sop_class, words):
    assert words in refusal(ct(SOPClassUID=sop_class)).sentence


@pytest.mark.parametrize(
    ("modality", "words"),
    [
        ("US", "an ultrasound image"),
        ("MG", "a mammogram"),
        ("PT", "a PET image"),
        ("XA", "an angiogram"),
        ("SM", "a slide microscopy image"),
        ("ZZ<script>", "an image of modality “ZZSCRIPT”"),
    ],
)
def test_other_modalities_are_refused_by_name(refusal, modality, words):
    answer = refusal(ct(Modality=modality, SOPClassUID=make.SECONDARY_CAPTURE))
    assert answer.code == "dicom-modality"
    assert words in answer.sentence
    assert "X-ray (CR, DX, RG, PX), CT and MR" in answer.sentence


@pytest.mark.parametrize("data", [without_pixels(), ct(PixelData=b"")])
def test_a_header_without_pixels_is_refused(refusal, data):
    answer = refusal(data, "x.dcm")
    assert answer.code == "dicom-no-pixels"
    assert "Export the image itself" in answer.sentence


@pytest.mark.parametrize(
    ("frames", "code"),
    [(2, "dicom-cine"), (140, "dicom-cine"), (2**31 - 1, "dicom-too-many-frames")],
)
def test_frames_that_are_no_stack_of_slices_are_refused(refusal, frames, code):
    assert refusal(ct(NumberOfFrames=frames)).code == code


def test_a_film_is_refused_by_its_name(refusal):
    answer = refusal(ct(NumberOfFrames=2, FrameTime=40))
    assert answer.code == "dicom-cine"
    assert "a film" in answer.sentence


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.55", "Progression, Non-Hierarchical (Process 10 and 12) (1.2.840"),
        ("1.2.840.10008.1.2.4.53", "Spectral Selection"),
        ("1.2.840.10008.1.2.4.100", "MPEG2"),
        ("1.2.840.10008.1.2.4.92", "Part 2"),
        ("1.2.3.4", "“1.2.3.4”"),
    ],
)
def test_other_transfer_syntaxes_are_refused_by_name(refusal, syntax, words):
    known = syntax.startswith("1.2.840")
    data = (
        make.dicom_with_frame(b"\xff\xd8\xff\xd9", syntax) if known else make.raw_dicom(b"", syntax)
    )
    answer = refusal(data)
    assert answer.code == "dicom-transfer-syntax"
    assert words in answer.sentence
    assert answer.sentence.endswith("is not supported. Send Explicit VR Little Endian.")


def test_jpeg_of_12_bits_is_refused_by_name(refusal):
    frame = make.jpeg_stream(0xC1, 12, 40, 60)
    answer = refusal(make.dicom_with_frame(frame, uid.JPEGExtended12Bit))
    assert answer.sentence == (
        "Transfer syntax JPEG Extended (Process 2 and 4) 12-bit (1.2.840.10008.1.2.4.51) "
        "is not supported. Send Explicit VR Little Endian."
    )


def test_no_transfer_syntax_and_no_header(refusal):
    data = ct()
    assert refusal(data[132:], "x.dcm").code == "content-bare-dicom"
    start = data.index(b"\x02\x00\x10\x00UI")
    length = 8 + struct.unpack("<H", data[start + 6 : start + 8])[0]
    assert refusal(data[:start] + data[start + length :]).code == "dicom-no-transfer-syntax"


# --- sizes that lie


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Rows": 0}, "no-pixels"),
        ({"Rows": None}, "no-pixels"),
        ({"Rows": 400}, "dicom-truncated"),
        ({"Rows": 65_535, "Columns": 65_535}, "too-many-pixels"),
        ({"BitsAllocated": 1, "BitsStored": 1}, "dicom-bits"),
        ({"BitsAllocated": 64, "BitsStored": 64}, "dicom-bits"),
        ({"BitsAllocated": 12, "BitsStored": 12}, "dicom-bits"),
        ({"BitsStored": 20}, "dicom-bits"),
        ({"SamplesPerPixel": 4}, "dicom-photometric"),
        ({"SamplesPerPixel": 3}, "dicom-photometric"),
        ({"PhotometricInterpretation": None}, "dicom-photometric"),
        ({"PhotometricInterpretation": "CMYK"}, "dicom-photometric"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(refusal, values, code):
    assert refusal(ct(**values)).code == code


@pytest.mark.parametrize(("vr", "value"), [("UL", 2**32 - 1), ("OB", b"\x28\x00"), ("LO", "many")])
def test_rows_of_another_kind_are_no_rows(refusal, vr, value):
    dataset = make.dicom_dataset(Rows=None)
    dataset.add_new(0x00280010, vr, value)
    assert refusal(make.dicom_file(dataset)).code in ("no-pixels", "too-many-pixels")


def rle_frame(segments: bytes) -> bytes:
    return struct.pack("<16L", 1, 64, *[0] * 14) + segments


@pytest.mark.parametrize("size", [(40, 60), (8000, 8000)])
def test_rle_that_cannot_hold_the_picture_is_refused_before_allocation(refusal, size):
    rows, columns = size
    data = make.dicom_with_frame(
        rle_frame(b"\x81\x00"), uid.RLELossless, Rows=rows, Columns=columns
    )
    assert refusal(data).code == "dicom-truncated"


def test_rle_with_nonsense_inside_is_damaged(refusal):
    noise = np.random.default_rng(7).integers(0, 256, 4000, dtype=np.uint8).tobytes()
    data = make.dicom_with_frame(rle_frame(noise), uid.RLELossless)
    assert refusal(data).code == "dicom-pixels-damaged"


@pytest.mark.parametrize(
    ("syntax", "marker"),
    [
        (uid.JPEGBaseline8Bit, 0xC0),
        (uid.JPEGExtended12Bit, 0xC1),
        (uid.JPEGLossless, 0xC3),
        (uid.JPEGLosslessSV1, 0xC3),
        (uid.JPEGLSLossless, 0xF7),
        (uid.JPEGLSNearLossless, 0xF7),
    ],
)
def test_a_compressed_picture_of_another_size_is_refused(refusal, syntax, marker):
    answer = refusal(make.dicom_with_frame(make.jpeg_stream(marker, 8, 60_000, 60_000), syntax))
    assert answer.code == "dicom-size-mismatch"
    assert "60000 × 60000" in answer.sentence


GOOD = make.jpeg_stream(0xC3, 12, 40, 60)
FRAME, TABLE, SCAN = (GOOD.index(bytes([0xFF, kind])) for kind in (0xC3, 0xC4, 0xDA))


def changed(place: int, new: bytes) -> bytes:
    return GOOD[:place] + new + GOOD[place + len(new) :]


@pytest.mark.parametrize(
    "frame",
    [
        GOOD.replace(b"\xff\xc3", b"\xff\xc6"),  # another process, which GDCM falls over
        changed(FRAME + 4, b"\x88"),  # 136 bits: the same
        changed(FRAME + 4, b"\x01"),
        changed(FRAME + 9, b"\x03"),  # components that are not there
        changed(FRAME + 11, b"\x51"),  # sampling
        changed(FRAME + 2, b"\x00\x01"),  # a segment without length
        GOOD[:FRAME] + b"\x00" + GOOD[FRAME:],  # a stray byte
        GOOD[:FRAME] + b"\xff\xf0\x00\x02" + GOOD[FRAME:],  # an unknown marker
        GOOD[:FRAME] + GOOD[FRAME:TABLE] * 2 + GOOD[TABLE:],  # two frames
        GOOD[:FRAME] + b"\xff\xe0\x00\x09JFIF\x00\x02\x00" + GOOD[FRAME:],
        GOOD[:FRAME] + b"\xff\xee\x00\x0eAdobe" + bytes(6) + b"\x07" + GOOD[FRAME:],
        GOOD[:FRAME] + b"\xff\xdd\x00\x03\x00" + GOOD[FRAME:],
        GOOD[:FRAME] + b"\xff\xdb\x00\x04\x30\x00" + GOOD[FRAME:],
        changed(TABLE + 4, b"\x25"),  # a table that cannot be
        changed(TABLE + 5, b"\x03"),  # a code that does not fit its tree
        changed(TABLE + 21, b"\x20"),  # a symbol that cannot be
        changed(SCAN + 5, b"\x09"),  # a component that is not there
        changed(SCAN + 6, b"\x30"),  # a table that is not there
        changed(SCAN + 7, b"\x00"),  # no predictor
        changed(SCAN + 8, b"\x05"),
        changed(SCAN + 9, b"\x0f"),  # a shift beyond the precision
        GOOD[:-2] + GOOD[SCAN:],  # the component twice
        GOOD[:SCAN] + b"\xff\xd9",  # no scan
    ],
)
def test_a_jpeg_stream_out_of_order_never_reaches_gdcm(refusal, frame, monkeypatch):
    monkeypatch.setattr("imaging.formats.dicom.pixels.get_decoder", None)
    assert refusal(make.dicom_with_frame(frame, uid.JPEGLosslessSV1)).code == "dicom-broken"


def test_a_jpeg_stream_in_order_reaches_gdcm(decode):
    """One code, always the same: every pixel is its left neighbour."""
    stored = decode(make.dicom_with_frame(GOOD, uid.JPEGLosslessSV1, BitsStored=12, HighBit=11))
    assert np.ptp(stored.volume.array) == 0


@pytest.mark.parametrize(
    ("siz", "code"),
    [
        ((60, 40, 0, 0, 60, 40, 0, 0), "dicom-pixels-damaged"),
        ((60_000, 40, 0, 0, 60, 40, 0, 0), "dicom-size-mismatch"),
        ((60, 40, 0, 0, 0, 40, 0, 0), "dicom-broken"),
        ((60, 40, 70, 0, 60, 40, 0, 0), "dicom-broken"),
        ((60, 40, 0, 0, 1, 1, 0, 0), "dicom-pixels-damaged"),
        ((60_000, 60_000, 0, 0, 1, 1, 0, 0), "dicom-broken"),
    ],
)
def test_a_jpeg_2000_header_that_lies_is_refused(refusal, siz, code):
    segment = struct.pack(">HH8IH", 41, 0, *siz, 1) + b"\x0f\x01\x01"
    frame = b"\xff\x4f\xff\x51" + segment + b"\xff\xd9"
    assert refusal(make.dicom_with_frame(frame, uid.JPEG2000Lossless)).code == code


def test_a_cut_compressed_picture_is_refused(refusal):
    jpeg = make.jpeg_file()
    eight = make.ramp()
    values = {"array": eight, "PixelSpacing": None}
    whole = make.dicom_with_frame(jpeg, uid.JPEGBaseline8Bit, **values)
    cut = make.dicom_with_frame(jpeg[:-40], uid.JPEGBaseline8Bit, **values)
    assert refusal(cut).code == "dicom-truncated"
    assert refusal(whole[:-300]).code == "dicom-truncated"


def test_a_compressed_picture_with_gaps_is_refused_though_gdcm_returns_it(refusal):
    """The coded data ends early, the end marker is there: libjpeg fills the rest with grey."""
    jpeg = make.pillow_file(
        Image.fromarray(np.random.default_rng(9).integers(0, 256, (40, 60), dtype=np.uint8)), "JPEG"
    )
    gap = jpeg[: len(jpeg) // 2] + jpeg[-2:]
    data = make.dicom_with_frame(gap, uid.JPEGBaseline8Bit, array=make.ramp(), PixelSpacing=None)
    answer = refusal(data)
    assert answer.code == "dicom-pixels-damaged"
    assert "has gaps" in answer.sentence


def test_compressed_pixels_without_fragments_are_refused(refusal):
    dataset = make.dicom_dataset()
    data = make.dicom_file(dataset).replace(
        uid.ExplicitVRLittleEndian.encode() + b"\x00", uid.RLELossless.encode().ljust(20, b"\x00")
    )
    assert refusal(data).code == "dicom-broken"


# --- structure


@pytest.mark.parametrize("depth", [33, 2000, 100_000])
def test_sequences_nested_too_deep_are_refused(refusal, depth):
    answer = refusal(make.nested_dicom(depth))
    assert answer.code == "dicom-too-deep"
    assert "32 deep" in answer.sentence


def test_sequences_within_the_depth_are_walked(refusal):
    assert refusal(make.nested_dicom(30)).code == "dicom-no-pixels"


def test_a_header_of_countless_elements_is_refused(refusal):
    element = b"\x09\x00\x10\x10LO\x00\x00"
    assert refusal(make.raw_dicom(element * 100_001)).code == "dicom-too-many-elements"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\x08\x00\x60\x00CS\xff\xff" + b"CT", "dicom-truncated"),
        (b"\x09\x00\x10\x10OB\x00\x00\xfe\xff\xff\xff", "dicom-truncated"),
        (b"\x09\x00\x10\x10SQ\x00\x00\xff\xff\xff\xff", "dicom-truncated"),
        (b"\x09\x00\x10\x10SQ\x00\x00\x08\x00\x00\x00" + bytes(8), "dicom-broken"),
        (
            b"\x09\x00\x10\x10SQ\x00\x00\x08\x00\x00\x00\xfe\xff\x00\xe0\x40\x00\x00\x00"
            + bytes(64),
            "dicom-broken",
        ),
        (b"\x08\x00\x60\x00\x00\x00\x02\x00CT", "dicom-broken"),
        (b"\xfe\xff\x00\xe0\x00\x00\x00\x00", "dicom-broken"),
        (b"\xfe\xff\x0d\xe0\x00\x00\x00\x00", "dicom-broken"),
        (np.random.default_rng(8).bytes(5000), "dicom-broken"),
        (b"", "dicom-no-pixels"),
    ],
)
def test_a_broken_structure_is_refused(refusal, body, code):
    assert refusal(make.raw_dicom(body)).code == code


def test_a_header_larger_than_any_image_needs_is_refused(refusal):
    answer = refusal(ct(StudyDescription="x" * 60_000), "x", Budgets(metadata_bytes=50_000))
    assert answer.code == "dicom-header-too-large"


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 0.999])
def test_a_cut_file_is_refused(refusal, share):
    data = ct()
    answer = refusal(data[: int(len(data) * share)], "x.dcm")
    assert answer.code in ("dicom-truncated", "dicom-no-transfer-syntax")


def test_a_deflated_bomb_is_refused_while_it_grows(refusal):
    bomb = make.deflated_dicom(bytes(40 << 20))
    assert len(bomb) < 50_000
    answer = refusal(bomb, "x.dcm", Budgets(raster_pixels=1 << 20))
    assert answer.code == "dicom-inflates-too-far"
    assert "more than 18 MiB" in answer.sentence


def test_a_cut_or_broken_deflated_file_is_refused(refusal):
    data = make.dicom_file(make.dicom_dataset(), uid.DeflatedExplicitVRLittleEndian)
    assert refusal(data[:-20]).code == "dicom-truncated"
    assert refusal(data[:400] + b"\xff" * 40 + data[440:]).code in (
        "dicom-broken",
        "dicom-truncated",
    )


def test_floating_point_pixels_are_refused(refusal):
    dataset = make.dicom_dataset(PixelData=None, BitsAllocated=32)
    dataset.FloatPixelData = np.zeros(2400, np.float32).tobytes()
    assert refusal(make.dicom_file(dataset)).code == "dicom-float-pixels"


def test_a_deep_sequence_hidden_in_a_value_does_not_hang(decode):
    """An implicit sequence of known length is walked too, since pydicom would follow it."""
    inner = Dataset()
    for _ in range(20):
        outer = Dataset()
        outer.ModalityLUTSequence = Sequence([inner])
        inner = outer
    data = make.dicom_file(
        make.dicom_dataset(VOILUTSequence=Sequence([inner])), uid.ImplicitVRLittleEndian
    )
    assert decode(data).volume.window is None
