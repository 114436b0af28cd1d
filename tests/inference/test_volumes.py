"""The round trip of MEASURES §2 in 3-D: windows, voxel size, sides of the body."""

import numpy as np
import pytest

from imaging.inference.devices import Placement
from imaging.inference.mapping import maps_of
from imaging.inference.members import run_member
from imaging.inference.spec import MemberSpec
from imaging.types import Volume
from tests.inference.factories import fake_cache, write_metadata
from tests.inference.test_preprocess import overlap, solid_f

SPACING = (2.5, 0.8, 1.0)  # (z, y, x)
# the columns of each: where x, y and z of the stored volume point in the patient (LPS)
LYING = {
    "axial": np.eye(3),
    "descending": np.diag([1.0, 1.0, -1.0]),
    "nifti": np.diag([-1.0, -1.0, 1.0]),
    "sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


def turned(matrix, degrees):
    """Tilt the slices about the patient's left-right axis, then about the long axis."""
    a, b = np.deg2rad([degrees, degrees / 2])
    tilt = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    spin = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    return spin @ tilt @ matrix


def sheared(matrix, degrees):
    """A gantry that leans: the table goes straight on while the slices are tilted."""
    leaning = matrix.copy()
    leaning[:, 2] += np.tan(np.deg2rad(degrees)) * matrix[:, 1]
    return leaning


def phantom(matrix):
    affine = np.eye(4)
    affine[:3, :3] = matrix * np.array(SPACING[::-1])
    affine[:3, 3] = (-40.0, 17.0, 230.0)
    return Volume(
        solid_f(36, 122, 88), modality="CT", spacing_mm=SPACING, spacing_kind="calibrated",
        affine=tuple(map(tuple, affine)),
    )  # fmt: skip


RECIPES = {
    "RAS coarser": {"orientation": "RAS", "spacing": [1.0, 1.0, 2.0]},
    "LPS finer": {"orientation": "LPS", "spacing": [0.9, 0.7, 1.3]},
    "SPR": {"orientation": "SPR", "spacing": [2.0, 0.8, 0.8]},
    "own voxels": {"orientation": "RAS"},
}
WAYS = {
    "straight": lambda matrix: matrix,
    "oblique": lambda matrix: turned(matrix, 17.0),
    "tilted gantry": lambda matrix: sheared(matrix, 12.0),
}
CASES = [("RAS coarser", lying, way) for lying in LYING for way in WAYS]
CASES += [(recipe, "descending", "oblique") for recipe in RECIPES if recipe != "RAS coarser"]


@pytest.mark.parametrize(("recipe", "lying", "way"), CASES)
def test_an_identity_network_in_windows_gives_the_volume_back(tmp_path, recipe, lying, way):
    changes = RECIPES[recipe]
    volume = phantom(WAYS[way](LYING[lying]))
    free = [None, 1, None, None, None]
    write_metadata(
        tmp_path, "one", size=(40, 32, 48), modality="ct", input_shape=free, output_shape=free,
        tiling={"roi_size": [40, 32, 48]}, intensity=[{"op": "scale", "from": [0, 255]}],
        **changes,
    )  # fmt: skip
    (tmp_path / "one" / "model.onnx").write_bytes(b"x")
    models = fake_cache(tmp_path)
    outcome = run_member(volume, MemberSpec("one"), Placement("cpu"), models, maps_of)
    found, wanted = outcome.answer.finding >= 0.5, volume.array > 0
    assert found.shape == wanted.shape
    assert overlap(found, wanted) >= 0.98
    ends = [np.array(np.nonzero(mask)).mean(axis=1) for mask in (found, wanted)]
    network_mm = min(changes.get("spacing", SPACING))
    assert np.linalg.norm((ends[0] - ends[1]) * SPACING) <= 0.5 * network_mm
