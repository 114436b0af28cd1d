"""A label map as NRRD, read back by pynrrd and by the house's own reader."""

from __future__ import annotations

import nrrd
import numpy as np
import pytest

from imaging.formats.budgets import Budgets
from imaging.formats.nrrd import read_nrrd
from imaging.formats.nrrd_volume import nrrd_pieces

AFFINE = [[0.5, 0, 0, -10], [0, 0.6, 0.1, 20], [0, -0.1, 3, 30.25], [0, 0, 0, 1]]
LABELS = (np.arange(2 * 3 * 4) % 3).astype(np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("packed", [True, False])
def test_voxels_and_place_come_back(tmp_path, packed):
    path = tmp_path / "label.nrrd"
    voxels = (plane.tobytes() for plane in LABELS)
    path.write_bytes(b"".join(nrrd_pieces(voxels, (2, 3, 4), affine=AFFINE, packed=packed)))
    data, header = nrrd.read(str(path))
    assert (data == LABELS.transpose(2, 1, 0)).all()
    assert header["space"] == "left-posterior-superior"
    affine = np.array(AFFINE)
    assert np.allclose(header["space directions"], affine[:3, :3].T)
    assert np.allclose(header["space origin"], affine[:3, 3])
    volume = read_nrrd(path, Budgets()).volume
    assert (volume.array == LABELS).all()
    assert np.allclose(volume.affine, affine)
