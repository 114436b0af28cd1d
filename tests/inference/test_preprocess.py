"""The grid round trip of MEASURES §2, on phantoms, and what a picture must bring along."""

import numpy as np
import pytest

from imaging.inference.preprocess import fit, prepare
from imaging.types import InferenceError, Volume
from tests.inference.factories import card, picture

SIZES = [(97, 301), (64, 512), (1999, 1201), (3001, 2399), (256, 256)]
ORIENTATIONS = [(turns, flip) for turns in range(4) for flip in (False, True)]


def letter_f(height, width):
    """A filled F off the centre, 255 on 0: no symmetry of the square leaves it as it is."""
    image = np.zeros((height, width), dtype=np.uint8)
    y, x = height // 8, width // 4
    h, w = height * 5 // 8, width // 2
    image[y : y + h, x : x + w // 3] = 255
    image[y : y + h // 4, x : x + w] = 255
    image[y + h // 2 : y + 3 * h // 4, x : x + w * 3 // 4] = 255
    return image


def overlap(found, wanted):
    return (found & wanted).sum() / (found | wanted).sum()


def shift(found, wanted, scale):
    """Return the distance of the centroids in network pixels."""
    ends = [np.array(np.nonzero(mask)).mean(axis=1) for mask in (found, wanted)]
    return float(np.linalg.norm((ends[0] - ends[1]) * scale))


@pytest.mark.parametrize("how", ["stretch", "letterbox"])
@pytest.mark.parametrize(("turns", "flip"), ORIENTATIONS)
@pytest.mark.parametrize("size", SIZES)
def test_an_identity_network_gives_the_picture_back(tmp_path, size, turns, flip, how):
    image = np.rot90(letter_f(*size), turns)
    image = np.ascontiguousarray(image[:, ::-1] if flip else image)
    metadata = card(tmp_path, size=(256, 256), resize=how)
    prepared = prepare(Volume(image[None]), metadata)
    assert prepared.batch.shape == (1, 1, 256, 256)
    back = prepared.to_image_grid(prepared.unpadded(prepared.batch[:, 0]))
    assert back.shape == (1, *image.shape)
    found, wanted = back[0] >= 0.5, image > 0
    scale = np.array(prepared.fit.content) / image.shape
    assert overlap(found, wanted) >= 0.98
    assert shift(found, wanted, scale) <= 0.5


def test_letterbox_by_the_numbers_of_the_law():
    plan = fit((300, 101), (256, 256), "letterbox")
    assert plan.content == (256, 86)  # 101·256/300 = 86.19
    assert plan.offset == (0, 85)
    assert fit((4000, 3), (256, 256), "letterbox").content == (256, 1)


def test_letterbox_pads_with_zeros_after_the_intensity_step(tmp_path):
    metadata = card(tmp_path, resize="letterbox", intensity=[{"op": "zscore"}])
    batch = prepare(picture(16, 8), metadata).batch[0, 0]
    assert (batch[:, :4] == 0).all()
    assert batch[:, 4:12].mean() == pytest.approx(0, abs=1e-5)


def test_crop_leaves_the_sides_out_and_says_zero_there(tmp_path):
    metadata = card(tmp_path, resize="crop")
    volume = Volume(np.full((1, 16, 32), 255, dtype=np.uint8))
    prepared = prepare(volume, metadata)
    assert (prepared.batch == 1).all()
    back = prepared.to_image_grid(prepared.unpadded(prepared.batch[:, 0]))[0]
    assert (back[:, 8:24] == 1).all()
    assert (back[:, :8] == 0).all()
    assert (back[:, 24:] == 0).all()


def test_slices_go_through_a_flat_network_one_by_one(tmp_path):
    array = np.stack([letter_f(40, 30), letter_f(40, 30)[::-1], np.zeros((40, 30), np.uint8)])
    prepared = prepare(Volume(array, modality="MR"), card(tmp_path, size=(64, 64)))
    assert prepared.batch.shape == (3, 1, 64, 64)
    back = prepared.to_image_grid(prepared.unpadded(prepared.batch[:, 0]))
    assert overlap(back >= 0.5, array > 0) >= 0.98


VOLUME = {"size": (48, 48, 48), "modality": "ct"}


def oblique(angle=20.0, spacing=(1.0, 0.8, 2.5), descending=False):
    """An affine (x, y, z) -> LPS whose slices are tilted about the left-right axis."""
    a = np.deg2rad(angle)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    affine = np.eye(4)
    affine[:3, :3] = turn * np.array(spacing)
    if descending:
        affine[:3, 2] *= -1
    return tuple(map(tuple, affine))


def solid_f(depth=30, height=61, width=44):
    volume = np.zeros((depth, height, width), dtype=np.uint8)
    volume[depth // 4 : depth * 3 // 4] = letter_f(height, width)
    volume[depth // 4 : depth // 2, -height // 3 :, -width // 3 : -width // 8] = 255
    return volume


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"orientation": "RAS"},
        {"orientation": "PIR", "resize": "letterbox"},
        {"orientation": "RAS", "spacing": [1.0, 1.0, 1.2], "tiling": {"roi_size": [48, 48, 48]}},
    ],
    ids=["stored", "RAS", "PIR letterbox", "spacing"],
)
def test_a_volume_comes_back_to_its_own_slices(tmp_path, changes, descending):
    array = solid_f()
    volume = Volume(
        array,
        modality="CT",
        spacing_mm=(2.5, 0.8, 1.0),
        affine=oblique(descending=descending),
    )
    prepared = prepare(volume, card(tmp_path, **VOLUME, **changes))
    back = prepared.to_image_grid(prepared.unpadded(prepared.batch[:, 0]))
    assert back.shape == array.shape
    assert overlap(back >= 0.5, array > 0) >= 0.98
    assert shift(back >= 0.5, array > 0, 1.0) <= 0.5


def test_spacing_makes_voxels_of_the_wanted_size(tmp_path):
    metadata = card(tmp_path, **VOLUME, spacing=[2.0, 1.0, 1.0], tiling={"roi_size": [48, 48, 48]})
    volume = Volume(np.zeros((10, 20, 30), np.uint8), modality="CT", spacing_mm=(3.0, 1.0, 2.0))
    assert prepare(volume, metadata).batch.shape == (1, 1, 15, 20, 60)


def test_rescale_comes_before_intensity(tmp_path):
    step = {"op": "scale", "from": [-1000, 1000], "to": [0, 1], "clip": True}
    metadata = card(tmp_path, intensity=[step])
    volume = Volume(np.full((1, 16, 16), 1024, np.int16), intercept=-1024.0)
    assert prepare(volume, metadata).batch == pytest.approx(0.5)


def test_an_eight_bit_picture_with_a_rescale_is_not_divided_by_255(tmp_path):
    array = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    plain = prepare(Volume(array), card(tmp_path)).batch
    scaled = prepare(Volume(array, slope=2.0), card(tmp_path)).batch
    assert plain.max() == 1
    assert plain[0, 0, 0, 1] == pytest.approx(1 / 255)
    assert scaled[0, 0, 0, 1] == 0  # below the percentile


def test_padding_takes_the_smallest_valid_value(tmp_path):
    array = np.full((1, 16, 16), 100, np.int16)
    array[0, :, :4] = -2000
    array[0, :, 4:8] = 0
    step = {"op": "scale", "from": [0, 100], "to": [0, 1], "clip": False}
    batch = prepare(Volume(array, padding=-2000), card(tmp_path, intensity=[step])).batch
    assert batch.min() == 0
    with pytest.raises(InferenceError, match="all of it is padding"):
        prepare(Volume(array[:, :, :4], padding=-2000), card(tmp_path))


def test_not_finite_values_never_reach_a_network(tmp_path):
    array = np.ones((1, 16, 16), np.float32)
    array[0, 0, 0] = np.nan
    array[0, 0, 1] = np.inf
    assert np.isfinite(prepare(Volume(array), card(tmp_path)).batch).all()


@pytest.mark.parametrize(
    ("volume", "changes", "says"),
    [
        (picture(), {}, "reads volumes; this image has 1 slice"),
        (
            Volume(np.zeros((5, 9, 9), np.uint8)),
            {"orientation": "RAS"},
            "which side is which",
        ),
        (
            Volume(np.zeros((5, 9, 9), np.uint8), affine=((0.0,) * 4,) * 4),
            {"orientation": "RAS"},
            "singular",
        ),
        (Volume(np.zeros((5, 9, 9), np.uint8)), {"spacing": [1, 1, 1]}, "voxel size"),
    ],
)
def test_what_the_picture_lacks_is_said_by_the_models_name(tmp_path, volume, changes, says):
    with pytest.raises(InferenceError, match=says) as caught:
        prepare(volume, card(tmp_path, **VOLUME, **changes))
    assert "Model “one” 1.0.0" in str(caught.value)
