"""Every real file at hand becomes what another reader makes of it, or a plain refusal."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_color_lut

from imaging.formats.describing import describe
from imaging.formats.reading import read
from imaging.formats.thumbnail import MAX_BYTES, make_thumbnail
from imaging.types import Decoded, Refused
from tests.formats.conftest import assert_plain

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MEDISCAN_DATA", ROOT.parent / "shared" / "data"))
WHEEL = Path(pydicom.__file__).parent / "data" / "test_files"
TYPES = ("uint8", "uint16", "int16", "int32", "float32")
CODES = {  # refusals that must stay what they are
    "sr_document.dcm": "dicom-not-an-image",
    "rt.dcm": "dicom-not-an-image",
    "DICOMDIR": "dicom-not-an-image",
    "liver.dcm": "dicom-not-an-image",
    "multiframe.dcm": "dicom-cine",
    "sm_image.dcm": "dicom-modality",
    "US1_UNCI.dcm": "dicom-modality",
    "CR-MONO1-10-chest": "content-bare-dicom",
    "GH1339.dcm": "dicom-truncated",
    "pcasl.nii.gz": "nifti-4d",
    "abd1.zip": "content-zip",
    "MR_truncated.dcm": "dicom-truncated",
    "rtplan.dcm": "dicom-not-an-image",
    "rtdose.dcm": "dicom-not-an-image",
    "waveform_ecg.dcm": "dicom-not-an-image",
    "meta_missing_tsyntax.dcm": "dicom-no-transfer-syntax",
    "SC_rgb_rle_2frame.dcm": "dicom-cine",
    "README.txt": "content-text",
}


def files_below(*folders: Path) -> list[Path]:
    found = (path for folder in folders for path in sorted(folder.rglob("*")))
    return [path for path in found if path.is_file()]


def short(path: Path) -> str:
    return path.name[-48:]


def decoded_or_refused(path: Path) -> Decoded | Refused:
    try:
        decoded = read(path, path.name)
    except Refused as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert_plain(refused)
        assert CODES.get(path.name, refused.code) == refused.code
        return refused
    assert path.name not in CODES
    assert decoded.volume.array.dtype.name in TYPES
    assert decoded.volume.array.ndim == 3
    assert len(make_thumbnail(decoded.volume)) <= MAX_BYTES
    assert describe(decoded)["width"] == decoded.volume.array.shape[2]
    return decoded


def agrees_with_pydicom(path: Path, decoded: Decoded) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        stored = dataset.pixel_array
    photometric = dataset.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
    if "MOSAIC" in dataset.get("ImageType", ()):  # its slices and their places: test_mosaic.py
        assert np.count_nonzero(decoded.volume.array) == np.count_nonzero(stored)
        return
    found = decoded.volume.array[0].astype(np.int64)
    if int(dataset.get("NumberOfFrames") or 1) > 1:  # frames in any order: test_frames.py
        assert decoded.volume.array.shape == stored.shape
        return
    if stored.ndim == 3:
        luminance = np.floor(stored.astype(float) @ [0.299, 0.587, 0.114] + 0.5)
        # pydicom cuts colours that leave RGB, so that its sum misses their luminance a little
        assert np.abs(found - luminance).max() <= (12 if photometric.startswith("YBR") else 1)
        return
    stored = stored.astype(np.int64)
    if photometric == "MONOCHROME1":
        top = -1 if dataset.PixelRepresentation else 2**dataset.BitsStored - 1
        stored = top - stored
    assert np.array_equal(found, stored)
    if decoded.volume.affine is not None:
        agrees_with_position(decoded, dataset)


def agrees_with_position(decoded: Decoded, dataset: pydicom.Dataset) -> None:
    """Source: PS3.3 C.7.6.2.1.1, written out for three corners."""
    affine = np.array(decoded.volume.affine)
    start = np.array(dataset.ImagePositionPatient, float)
    row, column = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
    down, along = map(float, dataset.PixelSpacing)
    assert np.allclose(affine @ [0, 0, 0, 1], [*start, 1])
    assert np.allclose((affine @ [7, 0, 0, 1])[:3], start + 7 * along * row)
    assert np.allclose((affine @ [0, 9, 0, 1])[:3], start + 9 * down * column)
    assert np.linalg.det(affine[:3, :3]) > 0
    assert decoded.volume.spacing_mm[1:] == (down, along)


def agrees_with_nibabel(path: Path, decoded: Decoded) -> None:
    image = nibabel.load(path)
    values = np.asarray(image.dataobj, dtype=np.float64).reshape(image.shape[:3]).T
    volume = decoded.volume
    real = volume.array * np.float64(volume.slope) + volume.intercept
    assert np.allclose(real, values, rtol=1e-6, atol=1e-6)
    if volume.affine is not None:
        assert np.allclose(np.diag([-1, -1, 1, 1]) @ image.affine, volume.affine, atol=1e-4)


def check(path: Path) -> None:
    found = decoded_or_refused(path)
    if isinstance(found, Refused):
        return
    if found.format == "dicom":
        agrees_with_pydicom(path, found)
    elif found.format.startswith("nifti"):
        agrees_with_nibabel(path, found)


@pytest.mark.parametrize("path", files_below(WHEEL), ids=short)
def test_the_files_that_come_with_pydicom(path):
    check(path)


def test_most_single_frames_of_pydicom_are_decoded():
    found = [decoded_or_refused(path) for path in sorted(WHEEL.glob("*small*.dcm"))]
    assert sum(isinstance(one, Decoded) for one in found) >= 12


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real data at {DATA.name}")


@needs_data
@pytest.mark.data
@pytest.mark.parametrize(
    "path", files_below(DATA / "dicom", DATA / "formats", DATA / "ct"), ids=short
)
def test_the_real_files(path):
    check(path)


@needs_data
@pytest.mark.data
def test_one_slice_is_the_same_in_every_lossless_transfer_syntax():
    folder = DATA / "dicom" / "cornerstone"
    plain = read(folder / "CTImage.dcm", "CTImage.dcm").volume
    lossless = ("1.2.840.10008.1.2.", ".57.", ".70.", ".80.", ".90.", "1.2.5.dcm", "1.99.dcm")
    seen = 0
    for path in sorted(folder.glob("CTImage.dcm_*")):
        if any(mark in path.name for mark in lossless[1:]) or "Endian" in path.name:
            assert np.array_equal(read(path, path.name).volume.array, plain.array)
            seen += 1
    assert seen == 9


@needs_data
@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "spacing", "axes"),
    [
        ("dicom/totalseg_example_ct_dicom", (3.0, 0.977, 0.977), "LPS axial"),
    ],
)
def test_slices_stand_where_the_scanner_put_them(name, spacing, axes):
    path = next(path for path in files_below(DATA / name) if path.suffix != ".nii")
    decoded = read(path, path.name)
    assert decoded.volume.spacing_mm == pytest.approx(spacing, abs=0.001)
    assert describe(decoded)["orientation"].startswith(axes)


@needs_data
@pytest.mark.data
def test_the_same_chest_in_both_photometric_interpretations():
    folder = DATA / "dicom" / "torchxrayvision_tests"
    plain, turned = (read(path, path.name).volume.array for path in sorted(folder.glob("*.dcm")))
    assert np.array_equal(plain.astype(int) + turned, np.full(plain.shape, 255))


@needs_data
@pytest.mark.data
def test_chest_radiographs_as_png():
    for folder in ("cxr_montgomery", "cxr_shenzhen_external"):
        for path in sorted((DATA / folder / "images").glob("*.png"))[:10]:
            volume = read(path, path.name).volume
            assert (volume.array.dtype, volume.raster) == (np.uint8, True)
