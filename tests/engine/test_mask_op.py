"""A mask that was drawn elsewhere: on the image's grid and in its place, or refused by name."""

from __future__ import annotations

import re

import numpy as np
import pytest

from imaging.engine.mask_op import MASK, read_mask
from imaging.formats.nifti_mask import encode_nifti
from imaging.formats.png import encode_png
from imaging.types import Refused

SHAPE = (3, 4, 5)
AFFINE = [[0.0, -2.0, 0.0, 10.0], [0.5, 0.0, 0.0, -3.0], [0.0, 0.0, 4.0, 7.0], [0, 0, 0, 1]]
SPACING = (4.0, 2.0, 0.5)


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[1, 2, 3] = mask[2, 0, 0] = True
    return mask


def read(folder, data: bytes, name: str, *, shape=SHAPE, affine=None) -> np.ndarray:
    (folder / "sent").write_bytes(data)
    args = {"path": str(folder / "sent"), "name": name, "shape": list(shape), "affine": affine,
            "out_dir": str(folder)}  # fmt: skip
    answer = read_mask(args, lambda *_told: None)
    assert answer["mask"] == MASK
    found = np.fromfile(folder / MASK, np.uint8).reshape(shape)
    assert answer["px"] == found.sum()
    return found


@pytest.mark.parametrize("affine", [AFFINE, None])
def test_a_volume_comes_back_as_its_own_export_wrote_it(tmp_path, mask, affine):
    data = encode_nifti(mask, SHAPE, affine=AFFINE, spacing=SPACING)
    assert (read(tmp_path, data, "m.nii.gz", affine=affine) == mask).all()


def test_a_picture_may_mark_by_any_one_value(tmp_path, mask):
    for value in (1, 255):
        data = encode_png((value * mask[1]).astype(np.uint8))
        assert (read(tmp_path, data, "m.png", shape=(1, 4, 5)) == mask[1]).all()
    empty = encode_png(np.zeros((4, 5), np.uint8))
    assert not read(tmp_path, empty, "m.png", shape=(1, 4, 5)).any()


def test_another_grid_another_place_and_many_values_are_refused_by_name(tmp_path, mask):
    flipped = [list(row) for row in AFFINE]
    flipped[1] = [-0.5, 0.0, 0.0, -1.0]  # the same box, left for right
    many = np.arange(20, dtype=np.uint8).reshape(4, 5)
    wrong = {
        "mask-grid": ("Müller.png", encode_png(mask[1].astype(np.uint8)), {}),
        "mask-place": ("Müller.nii.gz", encode_nifti(mask, SHAPE, affine=flipped, spacing=SPACING),
                       {"affine": AFFINE}),
        "mask-values": ("Müller.png", encode_png(many), {"shape": (1, 4, 5)}),
    }  # fmt: skip
    for code, (name, data, more) in wrong.items():
        with pytest.raises(Refused, match=re.escape(f"“{name}”")) as refused:
            read(tmp_path, data, name, **more)
        assert refused.value.code == code
