"""Objects of many frames: one image for each stack, films refused."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels import get_encoder

from imaging.formats.dicom.series import read_series
from imaging.formats.reading import read
from imaging.types import Refused
from tests.formats.factories import dicom_dataset, dicom_file
from tests.formats.series import ENHANCED_CT, enhanced_ct, voxels, written


def test_frames_lie_where_their_groups_say_whatever_their_order(tmp_path):
    array = voxels()
    order = [3, 0, 5, 1, 4, 2]
    places = [(5.0, 6.0, 2.0 * z) for z in order]
    (path,) = written(tmp_path, [enhanced_ct(array[order], places=places)])
    decoded = read(path, "ct.dcm")
    assert np.array_equal(decoded.volume.array, array)
    assert decoded.volume.spacing_mm == (2.0, 0.8, 0.6)
    assert (decoded.volume.unit, decoded.volume.intercept) == ("HU", -1024)
    assert [row[3] for row in decoded.volume.affine] == [5, 6, 0, 1]


def test_each_stack_becomes_an_image_of_its_own(tmp_path):
    places = [(0.0, 0.0, 2.0 * (z % 3)) for z in range(6)]
    (path,) = written(tmp_path, [enhanced_ct(places=places, stacks=list("AAABBB"))])
    first, second = read_series([path])
    assert np.array_equal(first.decoded.volume.array, voxels()[:3])
    assert np.array_equal(second.decoded.volume.array, voxels()[3:])
    assert first.files == second.files == (0,)
    with pytest.raises(Refused) as refused:
        read(path, "ct.dcm")
    assert refused.value.code == "dicom-many-stacks"


def test_frames_in_one_place_are_a_film(tmp_path):
    (path,) = written(tmp_path, [enhanced_ct(places=[(0.0, 0.0, 0.0)] * 6)])
    with pytest.raises(Refused) as refused:
        read(path, "ct.dcm")
    assert refused.value.code == "dicom-cine"


def test_an_object_that_lacks_its_last_frame_is_refused_whole(tmp_path):
    data = enhanced_ct()
    (path,) = written(tmp_path, [data[:-100]])
    with pytest.raises(Refused) as refused:
        read(path, "ct.dcm")
    assert refused.value.code == "dicom-truncated"
    assert "in 6 frames" in refused.value.sentence


@pytest.mark.parametrize("layout", ["one each", "table", "split"])
def test_compressed_frames_are_told_apart(tmp_path, layout):
    """RLE frames in one fragment each, or in many with a table of offsets."""
    array = voxels(depth=4, height=20, width=30)
    encoder = get_encoder(uid.RLELossless)
    options = {
        "rows": 20, "columns": 30, "samples_per_pixel": 1, "number_of_frames": 1,
        "bits_allocated": 16, "bits_stored": 16, "pixel_representation": 1,
        "photometric_interpretation": "MONOCHROME2", "encoding_plugin": "pydicom",
    }  # fmt: skip
    packed = [encoder.encode(plane.tobytes(), **options) for plane in array]
    pieces = 1 if layout == "one each" else 2
    pixels = encapsulate(packed, fragments_per_frame=pieces, has_bot=layout != "split")
    dataset = dicom_dataset(array[0], NumberOfFrames=4, SOPClassUID=ENHANCED_CT, PixelData=pixels)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    del dataset.ImagePositionPatient
    (path,) = written(tmp_path, [dicom_file(dataset, uid.RLELossless)])
    if layout == "split":
        with pytest.raises(Refused) as refused:
            read(path, "ct.dcm")
        assert refused.value.code == "dicom-fragments"
    else:
        assert np.array_equal(read(path, "ct.dcm").volume.array, array)
