"""Real files of every format that is taken, to be damaged by a seed, and good ones between them.

DICOM comes with pydicom, NIfTI with nibabel; the other formats are written from their pixels. Where
the real images of $MEDISCAN_DATA are, they come first.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from PIL import Image

from imaging.formats.png import encode_png
from tests.formats.factories import dicom_dataset, dicom_file, nifti_file
from tests.formats.mutations import mutate

WHEEL = Path(pydicom.__file__).parent / "data" / "test_files"
NIBABEL = Path(nibabel.__file__).parent / "tests" / "data"
OUTCOMES = Path(__file__).parents[1] / "formats" / "outcomes" / "pydicom.tsv"
MOST_BYTES = 150_000


@dataclass(frozen=True, slots=True)
class Real:
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Good:
    """A file whose pixels are known: each number makes another one."""

    name: str
    data: bytes
    pixels: bytes


def real_files(data: Path, each: int) -> dict[str, list[Real]]:
    """Return up to `each` readable real files of every format."""
    slices = list(islice(_dicoms(), each))
    makers: dict[str, Callable[[], Iterator[Real]]] = {
        "dicom": lambda: iter(slices),
        "png": lambda: _pictures(data, "PNG"),
        "jpeg": lambda: _pictures(data, "JPEG"),
        "tiff": lambda: _pictures(data, "TIFF"),
        "nifti": lambda: _niftis(data, packed=False),
        "nifti.gz": lambda: _niftis(data, packed=True),
        "nrrd": lambda: _nrrds(data),
        "zip": lambda: _zips(slices),
    }
    return {kind: list(islice(make(), each)) for kind, make in makers.items()}


def damaged(files: dict[str, list[Real]], number: int) -> list[Real]:
    """Return one damaged file of each format, the same for the same number."""
    found = []
    for kind, some in files.items():
        one = some[number % len(some)]
        found.append(Real(f"{number}-{kind}-{one.name}", mutate(one.data, number)))
    return found


def good(number: int) -> Good:
    rng = np.random.default_rng(number)
    kind = ("png", "dicom", "nifti")[number % 3]
    if kind == "png":
        array = rng.integers(0, 255, (40, 48), np.uint8)
        return Good(f"good-{number}.png", encode_png(array), array.tobytes())
    if kind == "dicom":
        array = rng.integers(0, 2000, (32, 36), np.int16)
        uids = {name: f"1.2.826.{number}.{at}" for at, name in enumerate(_UIDS, 1)}
        return Good(f"good-{number}.dcm", dicom_file(dicom_dataset(array, **uids)), array.tobytes())
    array = rng.integers(0, 900, (7, 20, 24), np.int16)
    return Good(f"good-{number}.nii", nifti_file(array), array.tobytes())


_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def _dicoms() -> Iterator[Real]:
    """Those of the table of outcomes that are accepted, every syntax among them."""
    rows = (line.split("\t") for line in OUTCOMES.read_text().splitlines())
    paths = [WHEEL.parent / row[0] for row in rows if row[1] == "accepted"]
    paths.sort(key=lambda path: "dicomdirtests" in path.parts)
    for path in paths:
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            yield Real(path.name if path.suffix else f"{path.name}.dcm", path.read_bytes())


def _grey(data: Path) -> Iterator[tuple[str, np.ndarray]]:
    for folder in ("cxr_montgomery/images", "mri_brain_tumour/images"):
        for path in sorted((data / folder).glob("*.png"))[:30]:
            yield path.stem, np.asarray(Image.open(path).convert("L").resize((192, 192)))
    for real in _dicoms():
        dataset = pydicom.dcmread(io.BytesIO(real.data))
        if dataset.get("SamplesPerPixel") == 1 and "NumberOfFrames" not in dataset:
            array = dataset.pixel_array.astype(float)
            top = max(1.0, float(array.max() - array.min()))
            yield real.name, ((array - array.min()) * 255 / top).astype(np.uint8)


def _pictures(data: Path, kind: str) -> Iterator[Real]:
    for number, (name, array) in enumerate(_grey(data)):
        sink = io.BytesIO()
        options = {"progressive": number % 2 == 1} if kind == "JPEG" else {}
        if kind == "TIFF" and number % 2:
            options = {"compression": "tiff_lzw"}
        deep = kind == "PNG" and number % 3 == 2
        Image.fromarray(array.astype(np.uint16) * 257 if deep else array).save(
            sink, kind, **options
        )
        yield Real(f"{name}.{kind.lower()}", sink.getvalue())


def _volumes(data: Path) -> Iterator[tuple[str, bytes]]:
    """Whole NIfTI files, not packed."""
    for path in sorted((data / "mri_hippocampus" / "images").glob("*.nii.gz"))[:30]:
        yield path.name[:-7], gzip.decompress(path.read_bytes())
    for path in sorted(NIBABEL.glob("*anat*.nii")):
        yield path.stem, path.read_bytes()


def _niftis(data: Path, *, packed: bool) -> Iterator[Real]:
    for name, content in _volumes(data):
        yield Real(
            f"{name}.nii{'.gz' if packed else ''}", gzip.compress(content) if packed else content
        )


def _nrrds(data: Path) -> Iterator[Real]:
    """The voxels of the NIfTI files under another header: a file of scanners is 2 MB."""
    for number, (name, content) in enumerate(_volumes(data)):
        image = nibabel.Nifti1Image.from_bytes(content)
        array = np.ascontiguousarray(np.asarray(image.dataobj).T.astype("<i2"))
        head = (
            f"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\n"
            f"sizes: {' '.join(map(str, array.shape[::-1]))}\n"
            "space directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain domain\n"
            f"endian: little\nencoding: {'gzip' if number % 2 else 'raw'}\n"
            "space origin: (0,0,0)\n\n"
        )
        body = array.tobytes()
        yield Real(f"{name}.nrrd", head.encode() + (gzip.compress(body) if number % 2 else body))


def _zips(slices: list[Real]) -> Iterator[Real]:
    for number in range(len(slices)):
        sink = io.BytesIO()
        with zipfile.ZipFile(
            sink, "w", (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[number % 2]
        ) as z:
            for at in range(3):
                z.writestr(f"{at}.dcm", slices[(number + at) % len(slices)].data)
        yield Real(f"{number}.zip", sink.getvalue())
