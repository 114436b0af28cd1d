"""Letters at the edges of a picture: from the affine, from the header, or none."""

import pytest

from imaging.sides import Sides, sides_of


def affine(along, down):
    """Columns lead `along`, rows lead `down`, in patient LPS."""
    rows = [[along[axis], down[axis], 0, 0] for axis in range(3)]
    return [*rows, [0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("along", "down", "letters"),
    [
        ((0.7, 0, 0), (0, 0.7, 0), "RLAP"),  # axial, seen from the feet
        ((-0.7, 0, 0), (0, 0.7, 0), "LRAP"),
        ((1, 0, 0), (0, 0, -1), "RLSI"),  # coronal
        ((0, 1, 0), (0, 0, -1), "APSI"),  # sagittal
        ((0.9, 0.1, 0), (-0.1, 0.9, 0.3), "RLAP"),  # a little oblique
    ],
)
def test_the_affine_says_where_the_edges_are(along, down, letters):
    assert sides_of(affine(along, down)) == Sides(*letters)


@pytest.mark.parametrize(
    ("orientation", "letters"),
    [(("L", "F"), "RLSI"), (("R", "F"), "LRSI"), (("A", "H"), "PAIS"), (("LP", "FA"), "RLSI")],
)
def test_a_radiograph_says_it_in_its_header(orientation, letters):
    assert sides_of(None, orientation) == Sides(*letters)


@pytest.mark.parametrize("orientation", [(), ("L",), ("", ""), ("X", "F"), ("L", "F", "A")])
def test_what_is_not_said_is_unknown(orientation):
    assert sides_of(None, orientation) is None


def test_an_affine_without_a_direction_says_nothing():
    assert sides_of(affine((0, 0, 0), (0, 1, 0))) is None
