"""The drawn head, hippocampus and chest CT of a fresh installation."""

import gzip

import nibabel
import numpy as np
import pytest

from imaging.samples_volumes import (
    brain_phantom,
    chest_ct_phantom,
    hippocampus_phantom,
    nifti_bytes,
)


@pytest.mark.parametrize("draw", [brain_phantom, hippocampus_phantom, chest_ct_phantom])
def test_a_phantom_is_the_same_each_time(draw):
    assert np.array_equal(draw(), draw())


def test_the_head_holds_one_thing_brighter_than_the_brain():
    picture = brain_phantom(128)
    assert picture.dtype == np.uint8
    assert picture.shape == (128, 128)
    inner = picture[20:108, 35:93]  # inside the skull
    assert 0.02 < (inner > 170).mean() < 0.12


def test_the_ct_is_in_hounsfield_units():
    volume = chest_ct_phantom()
    assert volume.shape == (120, 90, 64)
    assert volume[0, 0].mean() == pytest.approx(-1000, abs=20)
    assert np.median(volume[30, 45]) == pytest.approx(-800, abs=80)  # a lung
    assert volume[59, 25:28].mean() > 200  # the spine


def test_a_volume_goes_through_nifti_with_its_place():
    data = nifti_bytes(hippocampus_phantom(), 1.0)
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(data))
    assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
    assert image.header.get_zooms() == (1, 1, 1)
    assert np.array_equal(np.asarray(image.dataobj), hippocampus_phantom())
    assert data == nifti_bytes(hippocampus_phantom(), 1.0)
