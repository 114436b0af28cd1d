"""A small volume with two labels, no two sides alike, every number worked by hand."""

import numpy as np
import pytest

from imaging.measures.measuring import measure, measure_at
from imaging.measures.numbers import mask_px
from tests.measures.factories import calibrated, map_of

SHAPE = (5, 7, 9)  # 315 voxels of 2.0 × 1.0 × 0.5 mm: 1 mm³ each, 0.001 ml
FRONT = np.s_[1:4, 1:4, 1:5]  # 3 · 3 · 4 = 36 voxels
BACK = np.s_[1:4, 4:6, 1:6]  # 3 · 2 · 5 = 30 voxels, beside it: one region of 66


@pytest.fixture
def volume():
    """Bright from column 3 on: Otsu's foreground is 5 · 7 · 6 = 210 voxels, without the edge."""
    array = np.full(SHAPE, 10, dtype=np.int16)
    array[:, :, 3:] = 200
    return calibrated(array, (2.0, 1.0, 0.5), modality="MR")


def maps() -> dict[str, np.ndarray]:
    found = {}
    for name, place in (("front", FRONT), ("back", BACK)):
        mask = np.zeros(SHAPE, dtype=bool)
        mask[place] = True
        found[name] = map_of(mask)
    return found


def test_voxels_and_millilitres_are_of_the_same_mask(volume):
    both = np.maximum(*maps().values())
    found = measure(both, volume, None, 0.5)
    row = found["operating"]
    assert (mask_px(row), row["volume_ml"]) == (66, 0.066)
    # in the foreground: columns 3 and 4 of the front, 3 to 5 of the back
    assert (row["area_px"], row["reference_px"]) == (3 * 3 * 2 + 3 * 2 * 3, 210)
    assert (row["outside_px"], row["area_percent"]) == (30, 17.14)
    (lesion,) = found["lesions"]
    assert (lesion["px"], lesion["volume_ml"]) == (66, 0.066)


def test_the_labels_add_up_to_the_finding(volume):
    rows = {name: measure_at(q, volume, 0.5) for name, q in maps().items()}
    assert {name: mask_px(row) for name, row in rows.items()} == {"front": 36, "back": 30}
    assert {name: row["volume_ml"] for name, row in rows.items()} == {"front": 0.036, "back": 0.03}
    assert {name: row["area_px"] for name, row in rows.items()} == {"front": 18, "back": 18}


def test_a_label_outside_the_denominator_has_its_volume_and_no_share(volume):
    volume.array[:, :, :] = 10
    volume.array[:, :, 6:] = 200
    row = measure_at(maps()["front"], volume, 0.5)
    assert (row["area_px"], row["area_percent"]) == (0, None)
    assert (mask_px(row), row["volume_ml"]) == (36, 0.036)
    assert row["reasons"]["area_percent"] == "All of it lies outside the denominator."


def test_a_rule_of_the_whole_image_counts_every_voxel_of_a_crop(volume):
    both = np.maximum(*maps().values())
    found = measure(both, volume, {"basis": "whole image", "area": [5, 30]}, 0.5)
    row = found["operating"]
    assert (row["area_px"], row["reference_px"], row["denominator"]) == (66, 315, "whole image")
    assert (row["area_percent"], row["outside_px"]) == (20.95, 0)
    assert found["severity_rule"]["denominator_note"] == (
        "the whole image, as the severity rule says"
    )
