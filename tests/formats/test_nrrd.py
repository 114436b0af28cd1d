"""NRRD: place, types, what lies elsewhere; and headers that lie."""

import gzip
import math

import numpy as np
import pytest

from imaging.formats.budgets import Budgets
from imaging.formats.describing import describe
from tests.formats.test_real_files import DATA, needs_data

VALUES = np.arange(2 * 3 * 20, dtype=np.int16).reshape(2, 3, 20)
FIELDS = {
    "type": "short", "dimension": "3", "sizes": "20 3 2", "encoding": "raw", "endian": "little",
    "space": "left-posterior-superior", "space directions": "(2,0,0) (0,3,0) (0,0,4)",
    "space origin": "(5,6,7)", "space units": '"mm" "mm" "mm"', "kinds": "domain domain domain",
}  # fmt: skip


def nrrd_file(array=VALUES, *, packed=False, more=b"", **changes) -> bytes:
    """Return a file of FIELDS; a change of None leaves the field out, `_` stands for a blank."""
    fields = FIELDS | ({"encoding": "gzip"} if packed else {})
    fields |= {key.replace("_", " "): value for key, value in changes.items()}
    lines = [f"{key}: {value}" for key, value in fields.items() if value is not None]
    data = array.tobytes() + more
    head = "\n".join(["NRRD0004", "# made for a test", *lines, "", ""])
    return head.encode() + (gzip.compress(data, 9, mtime=0) if packed else data)


@pytest.mark.parametrize("packed", [False, True])
def test_a_volume_keeps_its_slices_rows_columns_and_place(decode, packed):
    decoded = decode(nrrd_file(packed=packed), "a.nrrd")
    volume = decoded.volume
    assert decoded.format == "nrrd"
    assert np.array_equal(volume.array, VALUES)
    assert (volume.array.dtype, volume.bits) == (np.int16, 16)
    assert (volume.spacing_mm, volume.spacing_kind) == ((4, 3, 2), "calibrated")
    assert volume.affine == ((2, 0, 0, 5), (0, 3, 0, 6), (0, 0, 4, 7), (0, 0, 0, 1))
    assert describe(decoded)["orientation"] == "LPS axial"
    assert decoded.warnings == ()


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("LPS", (1, 1, 1)), ("right-anterior-superior", (-1, -1, 1)), ("RAS", (-1, -1, 1)),
        ("left-anterior-superior", (1, -1, 1)),
    ],
)  # fmt: skip
def test_the_space_says_where_left_is(decode, space, signs):
    """An oblique, mirrored volume: axis x runs to -y, y to x, both by the space's letters."""
    data = nrrd_file(space=space, space_directions="(0,-2,0) (3,0,0) (0,0.6,0.8)")
    affine = np.array(decode(data, "a.nrrd").volume.affine)
    wanted = np.array([[0, 3, 0, 5], [-2, 0, 0.6, 6], [0, 0, 0.8, 7]])
    assert np.allclose(affine[:3], np.diag(signs) @ wanted)


@pytest.mark.parametrize(
    "changes",
    [
        {"space": "scanner-xyz"}, {"space": None, "space_directions": None, "spacings": "2 3 4"},
        {"space_directions": None, "spacings": "2 3 4"},
    ],
)  # fmt: skip
def test_without_a_patients_space_the_side_is_unknown(decode, changes):
    decoded = decode(nrrd_file(**changes), "a.nrrd")
    assert decoded.volume.affine is None
    assert decoded.volume.spacing_mm == (4, 3, 2)
    assert "left and right are not known" in decoded.warnings[0]


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("um", 0.001), ("cm", 10)])
def test_units_of_length(decode, unit, factor):
    units = " ".join([f'"{unit}"'] * 3)
    volume = decode(nrrd_file(space_units=units), "a.nrrd").volume
    assert volume.spacing_mm == pytest.approx((4 * factor, 3 * factor, 2 * factor))
    assert volume.affine[0][3] == pytest.approx(5 * factor)


def test_what_is_assumed_is_said(decode):
    decoded = decode(nrrd_file(space_units=None, space_origin=None), "a.nrrd")
    assert decoded.volume.affine[0][3] == 0
    assert "first voxel is taken for it" in decoded.warnings[0]
    assert "millimetres are assumed" in decoded.warnings[1]
    decoded = decode(nrrd_file(space_directions=None), "a.nrrd")
    assert decoded.volume.spacing_mm is None
    assert "measures are in voxels" in decoded.warnings[1]


@pytest.mark.parametrize(
    ("word", "stored", "kept"),
    [
        ("uchar", "u1", "uint8"), ("signed char", "i1", "int16"), ("int16_t", "i2", "int16"),
        ("unsigned short", "u2", "uint16"), ("int", "i4", "int32"), ("uint32", "u4", "int32"),
        ("longlong", "i8", "int32"), ("float", "f4", "float32"), ("double", "f8", "float32"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("endian", "order"), [("little", "<"), ("big", ">")])
def test_every_type_becomes_an_allowed_one(decode, word, stored, kept, endian, order):
    array = (VALUES % 100).astype(order + stored)
    volume = decode(nrrd_file(array, type=word, endian=endian), "a.nrrd").volume
    assert volume.array.dtype == kept
    assert np.array_equal(volume.array, VALUES % 100)


def test_two_dimensions_are_one_slice(decode):
    data = nrrd_file(VALUES[0], dimension="2", sizes="20 3", kinds="domain domain",
                     space_directions=None, spacings="2 3")  # fmt: skip
    volume = decode(data, "a.nrrd").volume
    assert volume.array.shape == (1, 3, 20)
    assert volume.affine is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"data_file": "/etc/passwd"}, "nrrd-detached"),
        ({"datafile": "LIST"}, "nrrd-detached"),
        ({"byte_skip": "-1"}, "nrrd-broken"),
        ({"line_skip": "3"}, "nrrd-broken"),
        ({"encoding": "bzip2"}, "nrrd-encoding"),
        ({"encoding": "ascii"}, "nrrd-encoding"),
        ({"encoding": None}, "nrrd-encoding"),
        ({"type": "block"}, "nrrd-type"),
        ({"type": None}, "nrrd-type"),
        ({"endian": None}, "nrrd-broken"),
        ({"dimension": "4", "sizes": "3 20 3 2"}, "nrrd-4d"),
        ({"kinds": "RGB-color domain domain"}, "nrrd-4d"),
        ({"dimension": "2"}, "nrrd-broken"),
        ({"sizes": "20 3 0"}, "nrrd-broken"),
        ({"sizes": "20 -3 2"}, "nrrd-broken"),
        ({"sizes": "20 x 2"}, "nrrd-broken"),
        ({"sizes": None}, "nrrd-broken"),
        ({"sizes": "9" * 5000}, "nrrd-broken"),
        ({"sizes": "30000 30000 30000"}, "too-many-voxels"),
        ({"sizes": "20 3 3"}, "nrrd-truncated"),
        ({"space_directions": "(nan,0,0) (0,3,0) (0,0,4)"}, "nrrd-broken"),
        ({"space_directions": "(2,0,0) (0,3,0"}, "nrrd-broken"),
        ({"space_origin": "(1,2)"}, "nrrd-broken"),
        ({"space_units": '"mm'}, "nrrd-broken"),
    ],
)
def test_a_header_that_lies_is_refused(refusal, changes, code):
    for packed in (False, True):
        if packed and changes.get("encoding", ""):
            continue
        wanted = {} if "encoding" in changes else {"packed": packed}
        assert refusal(nrrd_file(**wanted, **changes), "a.nrrd").code == code


def test_of_what_a_damaged_header_says_letters_alone_are_quoted(refusal):
    told = str(refusal(nrrd_file(encoding="gz<b>{x}"), "a.nrrd"))
    assert "“gz?b??x?”" in told


def test_what_is_cut_or_follows_without_end_is_refused(refusal):
    packed = nrrd_file(packed=True)
    assert refusal(packed[:-12], "a.nrrd").code == "nrrd-truncated"
    assert refusal(packed[: packed.index(b"\n\n")], "a.nrrd").code == "nrrd-broken"
    assert refusal(b"NRRD0009\ntype: short\n\n", "a.nrrd").code == "nrrd-broken"
    assert refusal(nrrd_file(endian="little\ntype: short"), "a.nrrd").code == "nrrd-broken"
    small = Budgets(inflated_bytes=8 << 20)
    data = nrrd_file(packed=True, more=bytes(32 << 20))
    assert refusal(data, "a.nrrd", small).code == "nrrd-broken"
    assert refusal(nrrd_file(), "a.nhdr", Budgets(inflated_bytes=100)).code == "inflates-too-far"
    assert refusal(nrrd_file(), "a.nii").code == "name-mismatch"


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300])
def test_voxels_that_are_not_numbers_are_refused(refusal, value):
    array = np.zeros((2, 3, 20))
    array[1, 1, 1] = value
    assert refusal(nrrd_file(array, type="double"), "a.nrrd").code == "not-finite"


@needs_data
@pytest.mark.data
def test_a_real_volume_and_its_label_lie_on_one_grid(decode):
    head, label = (
        decode((DATA / "formats" / f"brain1_{name}.nrrd").read_bytes(), "a.nrrd").volume
        for name in ("image", "label")
    )
    assert head.array.shape == label.array.shape == (25, 256, 256)
    assert head.affine == label.affine
    assert head.affine[1][1] == pytest.approx(-0.78125)  # rows run to the front
    inside = head.array[label.array > 0]
    assert inside.mean() > 1.5 * head.array.mean()  # the tumour is bright
