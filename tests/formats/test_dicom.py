"""Single-frame DICOM: what the pixels mean, where they are, whose they are."""

import numpy as np
import pytest
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from imaging.formats.describing import describe
from tests.formats import factories as make

VALUES = make.ramp(dtype=np.int16, top=2000)


def ct(**values):
    return make.dicom_file(make.dicom_dataset(**values))


def xray(**values):
    return make.dicom_file(make.radiograph_dataset(**values))


def items(**values) -> Sequence:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return Sequence([item])


# --- values


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
    ],
)
def test_every_plain_transfer_syntax_gives_the_same_pixels(decode, syntax):
    dataset = make.dicom_dataset()
    if syntax == uid.ExplicitVRBigEndian:
        dataset.PixelData = VALUES.astype(">i2").tobytes()
    decoded = decode(make.dicom_file(dataset, syntax), "a.dcm")
    assert decoded.format == "dicom"
    assert np.array_equal(decoded.volume.array[0], VALUES)
    assert decoded.volume.array.dtype == np.int16
    assert decoded.header.transfer_syntax == syntax
    assert decoded.warnings == ()


def test_ct_values_are_hounsfield_units_by_slope_and_intercept(decode):
    volume = decode(ct(RescaleSlope=2, RescaleIntercept=-1000)).volume
    assert (volume.modality, volume.unit) == ("CT", "HU")
    assert (volume.slope, volume.intercept, volume.bits) == (2.0, -1000.0, 16)
    assert not volume.raster


@pytest.mark.parametrize(
    "values", [{"RescaleSlope": None}, {"RescaleSlope": 0}, {"RescaleIntercept": None}]
)
def test_ct_without_a_valid_rescale_is_not_hounsfield(decode, values):
    decoded = decode(ct(**values))
    assert decoded.volume.unit == "stored value"
    assert (decoded.volume.slope, decoded.volume.intercept) == (1.0, 0.0)
    assert "not Hounsfield units" in decoded.warnings[0]


def test_another_rescale_type_is_not_hounsfield(decode):
    assert decode(ct(RescaleType="US")).volume.unit == "stored value"
    assert decode(ct(RescaleType="HU")).volume.unit == "HU"


def test_monochrome1_is_turned_over_the_representable_range(decode):
    stored = make.ramp(dtype=np.uint16, top=4095)
    fields = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    decoded = decode(xray(**fields, PixelPaddingValue=4000, WindowCenter=1000, WindowWidth=800))
    volume = decoded.volume
    assert np.array_equal(volume.array[0], 4095 - stored)
    assert volume.padding == 95
    assert (volume.bits, decoded.header.photometric) == (12, "MONOCHROME1")
    # the window shows the same anatomy: black and white change places
    assert volume.window == (4095 - 1000 + 1, 800)


def test_signed_monochrome1_is_turned_around_minus_one_half(decode):
    volume = decode(ct(PhotometricInterpretation="MONOCHROME1")).volume
    assert np.array_equal(volume.array[0], -1 - VALUES)


def test_real_values_of_monochrome1_run_over_the_rescaled_range(decode):
    fields = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    volume = decode(xray(**fields, RescaleSlope=2, RescaleIntercept=100)).volume
    stored = make.ramp(dtype=np.uint16, top=4095)
    lowest, highest = 100, 4095 * 2 + 100
    real = volume.array[0] * volume.slope + volume.intercept
    assert np.array_equal(real, lowest + highest - (stored * 2.0 + 100))


def test_bits_beside_the_stored_ones_are_not_values(decode):
    stored = make.ramp(dtype=np.uint16, top=4095)
    dirty = stored | 0xF000  # an overlay in the unused bits
    fields = {"BitsStored": 12, "HighBit": 11, "PixelData": dirty.tobytes()}
    assert np.array_equal(decode(xray(**fields)).volume.array[0], stored)
    high = {"BitsStored": 12, "HighBit": 15, "PixelData": (stored << 4).tobytes()}
    assert np.array_equal(decode(xray(**high)).volume.array[0], stored)


def test_the_sign_of_twelve_stored_bits_is_extended(decode):
    stored = (VALUES - 1000).astype(np.int16)
    masked = (stored.astype(np.int32) & 0x0FFF).astype(np.uint16)
    fields = {"BitsStored": 12, "HighBit": 11, "PixelData": masked.tobytes()}
    assert np.array_equal(decode(ct(**fields)).volume.array[0], stored)


def test_eight_bits_and_32_bits(decode):
    eight = make.dicom_dataset(make.ramp(), PixelSpacing=None)
    assert decode(make.dicom_file(eight)).volume.array.dtype == np.uint8
    signed = make.dicom_dataset((make.ramp().astype(np.int16) - 128).astype(np.int8))
    assert decode(make.dicom_file(signed)).volume.array.dtype == np.int16
    wide = make.dicom_dataset(VALUES.astype(np.uint32))
    assert np.array_equal(decode(make.dicom_file(wide)).volume.array[0], VALUES)


def test_padding_is_one_value_even_when_the_file_names_a_range(decode):
    values = VALUES.copy()
    values[0, :5] = [-2000, -1999, -1990, -1989, -2001]
    dataset = make.dicom_dataset(values)
    dataset.add_new(0x00280120, "SS", -2000)
    dataset.add_new(0x00280121, "SS", -1990)
    volume = decode(make.dicom_file(dataset)).volume
    assert volume.padding == -2000
    assert volume.array[0, 0, :5].tolist() == [-2000, -2000, -2000, -1989, -2001]


def test_padding_that_no_pixel_can_have_is_none(decode):
    dataset = make.dicom_dataset(make.ramp())
    dataset.add_new(0x00280120, "US", 60_000)
    assert decode(make.dicom_file(dataset)).volume.padding is None


def test_a_modality_lookup_table_is_applied(decode):
    table = np.arange(2001, dtype=np.uint16)[::-1].copy()
    sequence = items(LUTDescriptor=[2001, 0, 16], ModalityLUTType="OD", LUTData=table.tobytes())
    sequence[0]["LUTData"].VR = "OW"
    sequence[0]["LUTDescriptor"].VR = "US"
    volume = decode(ct(ModalityLUTSequence=sequence)).volume
    assert np.array_equal(volume.array[0], 2000 - VALUES)
    assert (volume.slope, volume.intercept, volume.unit) == (1.0, 0.0, "stored value")


def test_a_lookup_table_shorter_than_it_says_is_refused(refusal):
    sequence = items(LUTDescriptor=[2001, 0, 16], LUTData=bytes(100))
    sequence[0]["LUTData"].VR = "OW"
    sequence[0]["LUTDescriptor"].VR = "US"
    assert refusal(ct(ModalityLUTSequence=sequence)).code == "dicom-broken"


@pytest.mark.parametrize(
    ("values", "window"),
    [
        ({"WindowCenter": 40, "WindowWidth": 400}, (40, 400)),
        ({"WindowCenter": [40, 600], "WindowWidth": [400, 1600]}, (40, 400)),
        ({"WindowCenter": 40, "WindowWidth": 0}, None),
        ({"WindowCenter": 40, "WindowWidth": -5}, None),
        ({"WindowCenter": 40}, None),
        (
            {"WindowCenter": 40, "WindowWidth": 0.5, "VOILUTFunction": "LINEAR_EXACT"},
            (40.5, 1.5),
        ),
        ({"VOILUTSequence": items(LUTDescriptor=[100, 50, 16], LUTData=b"")}, (100, 100)),
    ],
)
def test_the_first_window(decode, values, window):
    dataset = make.dicom_dataset(**values)
    for item in values.get("VOILUTSequence", ()):
        item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    assert decode(make.dicom_file(dataset)).volume.window == window


def test_colour_becomes_luminance(decode):
    grey = make.ramp()
    rgb = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    expected = np.floor(rgb @ [0.299, 0.587, 0.114] + 0.5)
    decoded = decode(make.dicom_file(make.dicom_dataset(rgb, PlanarConfiguration=0)))
    assert np.abs(decoded.volume.array[0] - expected).max() <= 1
    assert "Colour was turned to grey." in decoded.warnings
    planes = np.ascontiguousarray(np.moveaxis(rgb, -1, 0)).tobytes()
    apart = make.dicom_dataset(rgb, PlanarConfiguration=1, PixelData=planes)
    assert np.array_equal(decode(make.dicom_file(apart)).volume.array, decoded.volume.array)


# --- millimetres and axes


def test_a_slice_has_spacing_and_axes(decode):
    decoded = decode(ct(SpacingBetweenSlices=5, SliceThickness=2))
    volume = decoded.volume
    assert (volume.spacing_mm, volume.spacing_kind) == ((5.0, 0.5, 0.25), "calibrated")
    expected = [[0.25, 0, 0, 10], [0, 0.5, 0, 20], [0, 0, 5, 30], [0, 0, 0, 1]]
    assert np.array_equal(volume.affine, expected)
    assert describe(decoded)["orientation"] == "LPS axial"


def test_an_oblique_slice_keeps_its_directions(decode):
    half = 0.5**0.5
    volume = decode(ct(ImageOrientationPatient=[1, 0, 0, 0, half, -half])).volume
    affine = np.array(volume.affine)
    assert np.allclose(affine[:3, 1], [0, half * 0.5, -half * 0.5], atol=1e-6)
    assert np.allclose(affine[:3, 2], [0, half, half], atol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        {"ImagePositionPatient": None},
        {"ImageOrientationPatient": None},
        {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]},
        {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]},
    ],
)
def test_without_position_the_side_is_unknown(decode, values):
    decoded = decode(ct(**values))
    assert decoded.volume.affine is None
    assert decoded.volume.spacing_mm == (1.0, 0.5, 0.25)
    assert "left and right are not known" in decoded.warnings[0]


@pytest.mark.parametrize("spacing", [None, [0, 0], [-1, 1], [1, 1e9]])
def test_an_impossible_spacing_is_none(decode, spacing):
    decoded = decode(ct(PixelSpacing=spacing))
    assert (decoded.volume.spacing_mm, decoded.volume.spacing_kind) == (None, "none")
    assert "measures are in pixels" in decoded.warnings[0]


@pytest.mark.parametrize(
    ("values", "spacing", "kind"),
    [
        (
            {"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (1.0, 0.2, 0.1),
            "calibrated",
        ),
        (
            {
                "PixelSpacing": [0.2, 0.1],
                "PixelSpacingCalibrationType": "GEOMETRY",
                "ImagerPixelSpacing": [0.3, 0.3],
            },
            (1.0, 0.2, 0.1),
            "calibrated",
        ),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, (1.0, 0.2, 0.1), "detector"),
        ({"PixelSpacing": [0.2, 0.1]}, (1.0, 0.2, 0.1), "detector"),
        (
            {"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.3, 0.3]},
            (1.0, 0.3, 0.3),
            "detector",
        ),
        ({}, None, "none"),
    ],
)
def test_a_radiograph_is_calibrated_only_by_its_own_word(decode, values, spacing, kind):
    volume = decode(xray(**values)).volume
    assert (volume.spacing_mm, volume.spacing_kind) == (spacing, kind)
    assert volume.affine is None


def test_an_enhanced_object_of_one_frame_is_read_from_its_groups(decode):
    shared = items(
        PixelMeasuresSequence=items(PixelSpacing=[0.5, 0.25], SpacingBetweenSlices=3),
        PlaneOrientationSequence=items(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelValueTransformationSequence=items(
            RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU"
        ),
        FrameVOILUTSequence=items(WindowCenter=50, WindowWidth=350),
    )
    frame = items(PlanePositionSequence=items(ImagePositionPatient=[1, 2, 3]))
    absent = dict.fromkeys(
        (
            "PixelSpacing",
            "ImagePositionPatient",
            "ImageOrientationPatient",
            "RescaleSlope",
            "RescaleIntercept",
        )
    )
    volume = decode(
        ct(
            **absent,
            SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1",
            NumberOfFrames=1,
            SharedFunctionalGroupsSequence=shared,
            PerFrameFunctionalGroupsSequence=frame,
        )
    ).volume
    assert volume.spacing_mm == (3.0, 0.5, 0.25)
    assert [row[3] for row in volume.affine] == [1, 2, 3, 1]
    assert (volume.unit, volume.intercept, volume.window) == ("HU", -1024, (50, 350))


# --- the header


def test_the_header_says_who_and_what(decode):
    header = decode(
        xray(
            PatientBirthDate="19700131",
            PatientSex="F",
            AccessionNumber="A-7",
            StudyDate="20240229",
            StudyTime="101500",
            StudyDescription=" Thorax ",
            BodyPartExamined="CHEST",
            ViewPosition="PA",
            ImageLaterality="U",
            PatientOrientation=["L", "F"],
            Manufacturer="Acme",
        )
    ).header
    assert (header.patient_id, header.patient_name, header.birth_date) == (
        "P-1",
        "Doe^Jane",
        "19700131",
    )
    assert (header.sex, header.accession_number, header.study_description) == ("F", "A-7", "Thorax")
    assert (header.study_date, header.study_time) == ("20240229", "101500")
    assert (header.body_part, header.view_position, header.laterality) == ("CHEST", "PA", "U")
    assert header.patient_orientation == ("L", "F")
    assert header.sop_class_uid == make.DX
    assert header.study_instance_uid == "1.2.3"


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 100", "Müller^Jörg"),
        ("ISO_IR 192", "Ζαχαρίας^Νίκος"),
        ("ISO_IR 144", "Люкceмбypг"),
        ("GB18030", "王^小东"),
        (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
)
def test_names_are_read_in_their_character_set(decode, charset, name):
    decoded = decode(ct(SpecificCharacterSet=charset, PatientName=name))
    assert decoded.header.patient_name == name
    assert decoded.warnings == ()


def test_a_wrong_character_set_is_warned_of(decode):
    named = make.dicom_dataset(SpecificCharacterSet="ISO_IR 100", PatientName="Müller")
    data = make.dicom_file(named)
    unknown = data.replace(b"ISO_IR 100", b"ISO_IR 999")
    assert "not known" in decode(unknown).warnings[0]
    silent = data.replace(b"ISO_IR 100", b"          ")
    assert "names no character set" in decode(silent).warnings[0]
    utf8 = data.replace(b"ISO_IR 100", b"ISO_IR 192")
    assert "do not fit" in decode(utf8).warnings[0]


def test_hostile_header_values_become_plain_text(decode):
    name = "Eve\x1b[31m\u202e^\x07" + "x" * 5000
    header = decode(ct(SpecificCharacterSet="ISO_IR 192", PatientName=name)).header
    assert header.patient_name.startswith("Eve[31m^x")
    assert len(header.patient_name) <= 1024
    assert header.patient_name.isprintable()


def test_a_malformed_uid_is_left_out_and_said(decode):
    data = ct(StudyInstanceUID="1.2.3.4.5.6.7").replace(b"1.2.3.4.5.6.7", b"1.2.<script>7")
    decoded = decode(data)
    assert decoded.header.study_instance_uid == ""
    assert "UID in the header is malformed" in decoded.warnings[0]


def test_what_a_person_should_know_is_warned_of(decode):
    decoded = decode(
        ct(
            BurnedInAnnotation="YES",
            ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
            PresentationIntentType="FOR PROCESSING",
        )
    )
    assert [warning.split()[-2:] for warning in decoded.warnings] == [
        ["the", "picture."],
        ["(scout)", "image."],
        ["for", "presentation."],
    ]


def test_a_missing_header_is_blank(decode):
    absent = dict.fromkeys(("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID"))
    header = decode(ct(**absent)).header
    assert (header.patient_id, header.patient_name, header.study_instance_uid) == ("", "", "")


def test_a_secondary_capture_without_modality_asks_for_one(decode):
    decoded = decode(ct(SOPClassUID=make.SECONDARY_CAPTURE, Modality="OT"))
    assert decoded.volume.modality == ""
    assert decoded.volume.spacing_mm is None
    assert decoded.warnings[0].startswith("The file does not say its modality")


def test_the_modality_follows_from_the_kind_of_object(decode):
    assert decode(ct(Modality=None)).volume.modality == "CT"
    assert decode(xray(Modality="")).volume.modality == "DX"


def test_description_for_people(decode):
    assert describe(decode(ct())) == {
        "format": "dicom",
        "modality": "CT",
        "width": 60,
        "height": 40,
        "frames": 1,
        "missing": [],
        "bits": 16,
        "spacing_mm": [1.0, 0.5, 0.25],
        "spacing_kind": "calibrated",
        "orientation": "LPS axial",
        "photometric": "MONOCHROME2",
        "warnings": [],
    }
