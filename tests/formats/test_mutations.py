"""Damaged files end in a picture or a refusal, under the decode child's memory cap.

The long run is `python -m tests.formats.mutations --count 1000 FILE…`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from PIL import Image

from tests.formats import factories as make
from tests.formats.mutations import mutate
from tests.formats.test_nrrd import VALUES, nrrd_file

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
COUNT = 60
DICOM = (
    "MR_small_implicit.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_jp2klossless.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "image_dfl.dcm",
)


@pytest.fixture
def good_files(tmp_path: Path) -> list[Path]:
    picture = Image.fromarray(make.ramp(80, 90))
    made = {
        "grey.png": make.pillow_file(picture, "PNG"),
        "grey.jpg": make.pillow_file(picture, "JPEG"),
        "colour.jpg": make.pillow_file(picture.convert("RGB"), "JPEG", progressive=True),
        "lzw.tif": make.pillow_file(picture, "TIFF", compression="tiff_lzw"),
        "volume.nii": make.nifti_file(),
        "volume.nii.gz": make.nifti_file(packed=True),
        "volume.nrrd": nrrd_file(VALUES),
        "volume-gz.nrrd": nrrd_file(VALUES, packed=True),
    }
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    return [*(tmp_path / name for name in made), *(FOLDER / name for name in DICOM)]


def test_no_damaged_file_is_more_than_a_refusal(good_files):
    command = [sys.executable, "-m", "tests.formats.mutations", "--count", str(COUNT)]
    done = subprocess.run(
        [*command, *map(str, good_files)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    summary = json.loads(done.stdout)
    assert summary["defects"] == []
    assert summary["tried"] == COUNT * len(good_files)
    assert summary["codes"]["decoded"] > 0
    assert len(summary["codes"]) > 10
    assert summary["p99_cpu_s"] < 3


def test_a_mutation_is_the_same_for_the_same_seed():
    data = make.png_file()
    assert mutate(data, 7) == mutate(data, 7)
    assert len({mutate(data, seed) for seed in range(50)}) > 45
