"""S30: a DICOM file that inflates, lies or nests without end is refused, and the worker lives."""

from __future__ import annotations

import psutil
import pytest

from imaging.engine.client import Engine
from imaging.engine.scratch import scratch_folder
from tests.formats import factories as make
from tests.formats.series import ENHANCED_CT, ct_series, enhanced_ct, voxels
from tests.formats.test_bombs import bombs

pytestmark = pytest.mark.engine
CAP_MB = 1536
GARBAGE = b"\x09\x00\x10\x10UN\x00\x00" + b"\xff\xff\xff\x7f" + bytes(range(256)) * 8


NAMES = (
    *("deflated.dcm", "rle.dcm", "rle-allowed.dcm", "deep.dcm", "elements.dcm", "length.dcm"),
    *("rows as long", "frames", "frames beyond the bytes", "2,000 deep", "private garbage"),
)


@pytest.fixture(scope="module")
def hostile() -> dict[str, bytes]:
    rows = make.dicom_file(make.dicom_dataset())
    place = rows.index(b"\x28\x00\x10\x00US")
    frames = make.dicom_dataset(NumberOfFrames=2**31 - 1, SOPClassUID=ENHANCED_CT)
    return bombs() | {
        "rows as long": rows[: place + 4] + b"UL\x04\x00\xff\xff\xff\xff" + rows[place + 10 :],
        "frames": make.dicom_file(frames),
        "frames beyond the bytes": enhanced_ct(voxels(4))[:-300],
        "2,000 deep": make.nested_dicom(2000),
        "private garbage": make.raw_dicom(GARBAGE),
    }


@pytest.fixture(scope="module")
def engine():
    engine = Engine("decode")
    yield engine
    engine.close()


def series(engine: Engine, files: list[bytes]) -> dict:
    with scratch_folder(room_bytes=1 << 30) as folder:
        names = [f"{number}.dcm" for number in range(len(files))]
        for name, data in zip(names, files, strict=True):
            (folder / name).write_bytes(data)
        return engine.call("decode_series", timeout_s=60, files=names, out_dir=str(folder))


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_file_among_good_slices_is_refused_and_the_slices_are_kept(engine, hostile, name):
    answer = series(engine, [*ct_series(), hostile[name]])
    (image,) = answer["images"]
    assert image["shape"] == [6, 12, 10]
    (refused,) = answer["refused"]
    assert refused["files"] == [6]
    assert refused["code"]
    assert psutil.Process(engine.pid).memory_info().rss < CAP_MB << 20
    assert engine.starts == 1
