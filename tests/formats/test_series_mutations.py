"""Damaged slices, frames and lists of files end in images or refusals, and in nothing else."""

from __future__ import annotations

import pytest

from imaging.formats.describing import describe
from imaging.formats.dicom.identity import identify
from imaging.formats.dicom.series import read_series
from imaging.formats.thumbnail import make_thumbnail
from imaging.types import Refused
from tests.formats.mutations import mutate
from tests.formats.series import ct_series, enhanced_ct, voxels, written
from tests.imaging.test_ingest_series import directory

COUNT = 150


def outcomes(paths) -> set[str]:
    """What the files became; each is named, and what is an image can be shown."""
    found = list(read_series(paths))
    assert {file for one in found for file in one.files} == set(range(len(paths)))
    for one in found:
        if one.decoded is not None:
            describe(one.decoded)
            make_thumbnail(one.decoded.volume)
            assert one.decoded.volume.array.ndim == 3
    return {one.refused.code if one.refused else "image" for one in found}


def test_a_series_with_damaged_slices(tmp_path):
    files = ct_series(voxels(5, 8, 8))
    ends: set[str] = set()
    for seed in range(COUNT):
        hurt = [*files]
        for offset in (0, 1):
            place = (seed + offset * 2) % len(files)
            hurt[place] = mutate(files[place], 2 * seed + offset)
        ends |= outcomes(written(tmp_path, hurt))
    assert "image" in ends
    assert len(ends) > 4


def test_a_damaged_object_of_many_frames(tmp_path):
    data = enhanced_ct(voxels(4, 8, 8))
    ends: set[str] = set()
    for seed in range(2 * COUNT):
        ends |= outcomes(written(tmp_path, [mutate(data, seed)]))
    assert "image" in ends
    assert len(ends) > 4


@pytest.mark.parametrize("data", [directory("1.2.3", "1.2.4"), ct_series(voxels(1, 4, 4))[0]])
def test_a_damaged_list_or_slice_is_identified_or_refused(tmp_path, data):
    ends = set()
    for seed in range(COUNT):
        (tmp_path / "file").write_bytes(mutate(data, seed))
        try:
            identify(tmp_path / "file")
            ends.add("known")
        except Refused as refused:
            ends.add(refused.code)
    assert "known" in ends
    assert len(ends) > 1
