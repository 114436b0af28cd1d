"""The planes of a volume: how they hang, and that a slice is read as it is stored."""

import numpy as np
import pytest

from imaging.planes import STORED, first_plane, planes_of, read_slice, slice_of, square_size
from imaging.sides import sides_of
from tests.imaging.volumes import AXIAL, NIFTI, SAGITTAL, SPACING

SHAPE = (5, 4, 3)
ARRAY = np.arange(60, dtype="<i2").reshape(SHAPE)
HUNG = {"axial": "RLAP", "coronal": "RLSI", "sagittal": "APSI"}


class Content:
    """Bytes that say how they are read."""

    def __init__(self, data):
        self.data, self.reads = data, []

    def read_range(self, start, stop):
        self.reads.append(stop - start)
        return self.data[start:stop]


def matrix(*columns):
    """An affine whose voxel axes x, y and z run along the letters given, 1 mm wide."""
    affine = np.eye(4)
    for voxel, letter in enumerate(columns):
        axis = "LPS".find(letter) if letter in "LPS" else "RAI".find(letter)
        affine[:3, voxel] = 0
        affine[axis, voxel] = 1 if letter in "LPS" else -1
    return affine.tolist()


@pytest.mark.parametrize("letters", ["LPS", "RAS", "LPI", "PIR", "AIR", "LIA", "PSL", "SRP"])
def test_every_plane_hangs_with_the_right_side_left_and_the_front_or_the_head_up(letters):
    """What lies at each edge of the picture is what the letters there say."""
    affine = np.array(matrix(*letters))
    index = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)[..., ::-1]
    place = index @ affine[:3, :3].T  # (Z, Y, X, LPS) of every voxel
    for name, plane in planes_of(SHAPE, affine.tolist(), None).items():
        assert "".join(getattr(plane.sides, edge) for edge in
                       ("left", "right", "top", "bottom")) == HUNG[name]  # fmt: skip
        shown = [slice_of(place[..., axis], plane, 1) for axis in range(3)]
        for letter, low, high in ((plane.sides.right, (0, 0), (0, -1)),
                                  (plane.sides.bottom, (0, 0), (-1, 0))):  # fmt: skip
            along = shown["LPS".find(letter) if letter in "LPS" else "RAI".find(letter)]
            grows = along[high] - along[low]
            assert grows * (1 if letter in "LPS" else -1) > 0, (name, letter)
        normal = {"S": 2, "I": 2, "P": 1, "A": 1, "L": 0, "R": 0}[plane.ends[1]]
        step = slice_of(place[..., normal], plane, 1) - slice_of(place[..., normal], plane, 0)
        assert (step * (1 if plane.ends[1] in "LPS" else -1) > 0).all()


@pytest.mark.parametrize("letters", ["LPS", "RAS", "PIR", "LIA"])
def test_a_slice_out_of_bytes_is_the_slice_of_the_array(letters):
    for plane in planes_of(SHAPE, matrix(*letters), None).values():
        assert plane.shape[1:] == slice_of(ARRAY, plane, 0).shape
        for index in range(plane.shape[0]):
            content = Content(ARRAY.tobytes())
            found = read_slice(content, SHAPE, "int16", plane, index)
            assert (found == slice_of(ARRAY, plane, index)).all()


@pytest.mark.parametrize(
    ("name", "reads"),
    [("axial", [24]), ("coronal", [6] * 5), ("sagittal", [24] * 5)],
)
def test_a_slice_costs_what_it_takes_and_never_the_volume_at_once(name, reads):
    content = Content(ARRAY.tobytes())
    read_slice(content, SHAPE, "int16", planes_of(SHAPE, AXIAL, SPACING)[name], 1)
    assert content.reads == reads


def test_an_upright_ct_is_shown_as_it_is_stored_and_agrees_with_the_letters_of_one_slice():
    plane = planes_of(SHAPE, AXIAL, SPACING)["axial"]
    assert (plane.axes, plane.flips, plane.ends) == ((0, 1, 2), (False, False), ("I", "S"))
    assert plane.sides == sides_of(AXIAL)
    assert plane.pixel == (0.8, 0.8)


def test_niftis_usual_order_is_turned_about():
    plane = planes_of(SHAPE, NIFTI, SPACING)["axial"]
    assert plane.flips == (True, True)
    assert (slice_of(ARRAY, plane, 2) == ARRAY[2, ::-1, ::-1]).all()


def test_axial_comes_first_but_thick_slices_open_as_they_were_taken():
    even = planes_of(SHAPE, SAGITTAL, (1.0, 0.8, 0.8))
    assert next(iter(even)) == "axial"
    assert first_plane(even).name == "axial"
    assert first_plane(planes_of(SHAPE, SAGITTAL, (5.0, 0.8, 0.8))).name == "sagittal"
    assert first_plane(planes_of(SHAPE, AXIAL, (5.0, 0.8, 0.8))).name == "axial"


@pytest.mark.parametrize(("shape", "affine"), [(SHAPE, None), ((1, 4, 3), AXIAL)])
def test_without_sides_and_for_a_picture_there_is_the_stored_stack_alone(shape, affine):
    (plane,) = planes_of(shape, affine, None).values()
    assert (plane.name, plane.sides, plane.ends, plane.shape) == (STORED, None, ("", ""), shape)


@pytest.mark.parametrize("letters", ["LPS", "RAS", "PIR"])
def test_boxes_and_points_go_where_their_voxels_go(letters):
    marked = np.zeros(SHAPE, bool)
    marked[1:3, 0:2, 2:3] = True
    middle = np.array(np.nonzero(marked)).mean(axis=1)
    for plane in planes_of(SHAPE, matrix(*letters), None).values():
        shown = np.stack([slice_of(marked, plane, n) for n in range(plane.shape[0])])
        inside = np.array(np.nonzero(shown))
        wanted = [*inside.min(axis=1), *(inside.max(axis=1) + 1)]
        assert plane.box((1, 0, 2, 3, 2, 3)) == wanted
        assert plane.point(middle) == pytest.approx(inside.mean(axis=1))


def test_oblong_pixels_are_drawn_square():
    planes = planes_of((12, 40, 56), AXIAL, SPACING)
    assert square_size(planes["axial"]) == (40, 56)
    assert square_size(planes["coronal"]) == (30, 56)  # 12 slices of 2 mm on 0.8 mm
