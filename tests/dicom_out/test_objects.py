"""SEG, SR, capture and map as other people's tools judge and read them: equal masks and numbers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import highdicom as hd
import numpy as np
import pytest
from django.conf import settings
from pydicom import dcmread

from imaging.confidential.disguise import Disguise
from imaging.confidential.files import deidentify
from imaging.dicom_out import objects
from imaging.dicom_out.objects import objects_of
from imaging.dicom_out.request import Request
from tests.formats.factories import dicom_file, radiograph_dataset
from tests.formats.series import ct_series

REAL = Path(settings.BASE_DIR).parent / "shared" / "data" / "dicom"
KINDS = ("radiograph", "series", "picture")
SHAPES = {"radiograph": (1, 40, 60), "series": (6, 12, 10), "picture": (1, 40, 60)}
IDENTITY = {"record_number": "R1", "name": "A^B", "birth_date": "", "sex": "", "accession": ""}
CODES = {"AREA_PERCENT": 12.5, "CIRCULARITY": 0.75}


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: dcmtk, dicom3tools)")
    return found


def said(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout + ended.stderr


def levels_of(shape) -> np.ndarray:
    levels = np.zeros(shape, np.uint8)
    levels[:, 2:8, 3:9], levels[:, 4:6, 4:6], levels[0, 1, 1] = 200, 255, 90
    return levels


def made(kind: str, folder: Path) -> Path:
    """Write the objects of a radiograph, a series or a picture into `folder`."""
    contents = {"radiograph": [dicom_file(radiograph_dataset())], "series": ct_series(),
                "picture": []}[kind]  # fmt: skip
    files = []
    for number, content in enumerate(contents):
        files.append(folder / f"{number}.orig")
        files[-1].write_bytes(content)
    shape = SHAPES[kind]
    request = Request(
        identity="a 1", title="Lungs", version="0.1.0", shape=shape, level=128, unit="HU",
        is_edited=False, lesions=[], boxes=[["nodule", 0.5, 1, 2, 8, 9, 0]], signer=None,
        measures=[[code, code.lower(), value, "1"] for code, value in CODES.items()],
        said=[["SEVERITY", "Severity", "High"]], classes=[["fracture", 0.25]],
        members=[{"name": "m", "version": "1"}], capture=None if files else IDENTITY,
        uids={"study": "2.25.8", "series": "2.25.9",
              "instances": [f"2.25.{n + 1}" for n in range(shape[0])]},
    )  # fmt: skip
    grey = None if files else np.full(shape[1:], 7, np.uint8)
    levels = levels_of(shape)
    found = objects_of(
        request, files, grey=grey, levels=levels, pdf=b"%PDF-1.7", probability=levels
    )
    for name, dataset in found.items():
        dataset.save_as(folder / name, enforce_file_format=True)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_the_map_is_read_back_to_the_level(kind, tmp_path):
    folder = made(kind, tmp_path)
    levels = levels_of(SHAPES[kind])
    stored = dcmread(folder / "map.dcm")
    assert (stored.SegmentationType, stored.SegmentationFractionalType) == (
        "FRACTIONAL", "PROBABILITY",
    )  # fmt: skip
    frames = stored.pixel_array.reshape(levels.shape)
    assert (frames[::-1] == levels).all()  # highdicom writes a series from its far end
    seg = hd.seg.segread(folder / "map.dcm")
    uids = [dcmread(one).SOPInstanceUID for one in sorted(folder.glob("*.orig"))] or [
        dcmread(folder / "picture.dcm").SOPInstanceUID
    ]
    back = seg.get_pixels_by_source_instance(uids, rescale_fractional=True)
    assert np.allclose(back[..., 0], levels / 255, atol=1e-6)
    mask = hd.seg.segread(folder / "seg.dcm").get_pixels_by_source_instance(uids)
    assert (mask[..., 0] == (levels >= 128)).all()


def test_a_map_of_nothing_or_too_large_stays_away(tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "MOST_OF_A_MAP", 100)
    folder = made("radiograph", tmp_path)
    assert not (folder / "map.dcm").exists()
    assert (folder / "seg.dcm").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_dciodvfy_finds_no_error(kind, tmp_path):
    checker = tool("dciodvfy")
    for file in sorted(made(kind, tmp_path).glob("*.dcm")):
        errors = re.findall(r"^Error.*$", said(checker, str(file)), re.MULTILINE)
        assert not errors, file.name


@pytest.mark.parametrize("kind", KINDS)
def test_dsrdump_reads_the_same_numbers(kind, tmp_path):
    told = said(tool("dsrdump"), "+Pc", str(made(kind, tmp_path) / "sr.dcm"))
    assert "Imaging Measurement Report" in told
    for code, value in CODES.items():
        assert re.search(rf'NUM:\(({code}),99MEDISCAN,"[^"]*"\)="{value}"', told), told
    assert re.search(r'NUM:\(CLASS_1,99MEDISCAN,"[^"]*"\)="0.25"', told)
    assert not re.findall(r"^[EF]: .*$", told, re.MULTILINE)


def test_a_file_without_identity_has_no_error_that_the_original_had_not(tmp_path):
    checker = tool("dciodvfy")
    files = [*REAL.glob("highdicom/dx_image.dcm"),
             *sorted(REAL.glob("dcmqi/segmentations/ct-3slice/*"))[:1]]  # fmt: skip
    if not files:
        pytest.skip("the collection of real DICOM files is not beside this checkout")
    disguise = Disguise("P1", "S1", "ab" * 16, 400, is_reviewed=True)
    for file in files:
        target = tmp_path / "out.dcm"
        deidentify(file, target, disguise)
        before, after = (
            set(re.findall(r"^Error.*$", said(checker, str(one)), re.MULTILINE))
            for one in (file, target)
        )
        assert not after - before, file.name
        assert (dcmread(target).pixel_array == dcmread(file).pixel_array).all()
