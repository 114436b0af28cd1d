"""Small files that ask for gigabytes or for ever: refused in two seconds, in little memory."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

from pydicom import uid

from tests.formats import factories as make
from tests.formats.test_nrrd import VALUES, nrrd_file

ROOT = Path(__file__).resolve().parents[2]
IMPORTED_MB = 150  # what the decoders themselves take


def bombs() -> dict[str, bytes]:
    """Return name → file; SECURITY.md §5 measured what these cost an unguarded decoder."""
    header = struct.pack("<16L", 1, 64, *[0] * 14)
    volume = make.nifti_header(dim=(3, 2048, 1024, 1024, 1, 1, 1, 1))
    return {
        "pixels.png": make.png_of_zeros(13_000, 13_000),
        "text.png": make.png_with_chunk(b"zTXt", b"a\x00\x00" + zlib.compress(bytes(64 << 20), 9)),
        "deflated.dcm": make.deflated_dicom(bytes(400 << 20)),
        "rle.dcm": make.dicom_with_frame(header, uid.RLELossless, Rows=65_535, Columns=65_535),
        "rle-allowed.dcm": make.dicom_with_frame(header, uid.RLELossless, Rows=8000, Columns=8000),
        "deep.dcm": make.nested_dicom(200_000),
        "elements.dcm": make.raw_dicom(b"\x09\x00\x10\x10LO\x00\x00" * 400_000),
        "length.dcm": make.raw_dicom(b"\x09\x00\x10\x10OB\x00\x00\xf0\xff\xff\xff"),
        "volume.nrrd": nrrd_file(VALUES, sizes="2048 1024 1024"),
        "header.nrrd": b"NRRD0004\n" + b"a:=b\n" * 1_500_000,
        "volume-gz.nrrd": nrrd_file(
            VALUES, packed=True, more=bytes(256 << 20), sizes="2048 1024 1024"
        ),
        "volume.nii": volume,
        "volume.nii.gz": gzip.compress(volume + bytes(256 << 20), 9),
    }


def test_no_bomb_goes_off(tmp_path):
    for name, data in bombs().items():
        assert len(data) < 8 << 20
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-m", "tests.formats.mutations", "--count", "0"]
    files = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout)
    assert summary["defects"] == []
    assert "decoded" not in summary["codes"]
    assert summary["slowest_cpu_s"] < 2
    assert summary["peak_mb"] < 450 + IMPORTED_MB
