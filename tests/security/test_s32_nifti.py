"""S32: a NIfTI file that asks for gigabytes or cannot be is refused within the child's budget."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import psutil
import pytest

from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from imaging.types import Refused
from tests.formats.factories import nifti_file, nifti_header

pytestmark = pytest.mark.engine
CAP_MB = 1536
HUGE = nifti_header(dim=(3, 2048, 1024, 1024, 1, 1, 1, 1))
FLOATS = np.full((2, 3, 20), 1.5, np.float32)


def with_value(value: float) -> bytes:
    array = FLOATS.copy()
    array[1, 1, 1] = value
    return nifti_file(array)


def with_extension(size: int) -> bytes:
    """A header that promises an extension of `size` bytes between itself and the voxels."""
    data = bytearray(nifti_header(vox_offset=float(352 + 16)))
    data[348:352] = b"\x01\x00\x00\x00"
    return bytes(data[:352]) + struct.pack("<2i", size, 4) + bytes(8) + bytes(data[352:])


HOSTILE = {
    "2 GiB of voxels": (gzip.compress(HUGE + bytes(4 << 20), 1), "too-many-voxels"),
    "30,000 cubed": (nifti_header(dim=(3, 30_000, 30_000, 30_000, 1, 1, 1, 1)), "too-many-voxels"),
    "not a number": (with_value(np.nan), "not-finite"),
    "infinite": (with_value(np.inf), "not-finite"),
    "negative": (nifti_header(dim=(3, -5, 3, 2, 1, 1, 1, 1)), "nifti-broken"),
    "no dimension": (nifti_header(dim=(0, 1, 1, 1, 1, 1, 1, 1)), "nifti-broken"),
    "voxels far off": (nifti_header(vox_offset=2.0**30), "inflates-too-far"),
    "voxels before": (nifti_header(vox_offset=-4.0), "nifti-broken"),
    "voxels at NaN": (nifti_header(vox_offset=float("nan")), "nifti-broken"),
    "scale NaN": (nifti_header(scl_slope=1.0, scl_inter=float("inf")), "nifti-broken"),
    "cut": (nifti_file()[:-7], "nifti-truncated"),
    "cut gzip": (nifti_file(packed=True)[:-9], "nifti-truncated"),
}


@pytest.fixture(scope="module")
def engine():
    engine = Engine("decode")
    yield engine
    engine.close()


def decoded(engine: Engine, data: bytes) -> dict:
    name = "a.nii.gz" if data[:2] == b"\x1f\x8b" else "a.nii"
    with scratch_folder() as folder:
        (folder / "source").write_bytes(data)
        path = str(folder / "source")
        answer = engine.call("decode", timeout_s=60, path=path, name=name, out_dir=str(folder))
        return answer["image"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_volume_is_refused_by_its_code_and_the_child_lives(engine, name):
    data, code = HOSTILE[name]
    assert len(data) < 8 << 20
    with pytest.raises(Refused) as refused:
        decoded(engine, data)
    assert refused.value.code == code
    assert engine.is_alive
    assert psutil.Process(engine.pid).memory_info().rss < CAP_MB << 20
    assert decoded(engine, nifti_file())["shape"] == [2, 3, 20]


@pytest.mark.parametrize("size", [0, 16, -16, 2**31 - 1])
def test_an_extension_of_any_size_is_stepped_over(engine, size):
    image = decoded(engine, with_extension(size))
    assert image["shape"] == [2, 3, 20]


def test_no_child_was_lost(engine):
    decoded(engine, nifti_file())
    assert engine.starts == 1
