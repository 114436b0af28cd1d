"""The commands on real chest X-rays with the shipped ensemble, when both are here."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MEDISCAN_DATA", ROOT.parent / "shared" / "data"))
SET = DATA / "cxr_montgomery"

pytestmark = [
    pytest.mark.engine,
    pytest.mark.data,
    pytest.mark.skipif(not SET.is_dir(), reason=f"no real images in {DATA}"),
    pytest.mark.skipif(
        not (ROOT / "models" / "ensembles" / "xray-lungs.json").is_file(),
        reason="the ensemble xray-lungs is not in models/",
    ),
]


@pytest.fixture
def three(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for path in sorted((SET / "images").glob("*.png"))[:3]:
        shutil.copy(path, folder)
    return folder


def test_three_xrays_are_analysed_by_three_frameworks(three, tmp_path):
    out = tmp_path / "out"
    call_command("analyze", str(three), "--ensemble", "xray-lungs", "--out", str(out))
    with (out / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == ["analysed"] * 3
    assert all(15 < float(row["area_percent"]) < 50 for row in rows)
    record = json.loads((out / rows[0]["output"] / "measurements.json").read_text())
    frameworks = {member["framework"] for member in record["analysis"]["members"]}
    assert frameworks == {"pytorch", "onnx", "tensorflow"}


def test_they_fit_the_manual_masks(three, tmp_path):
    call_command(
        "validate", "--ensemble", "xray-lungs", "--images", str(three),
        "--references", str(SET / "masks"), "--json", str(tmp_path / "r.json"),
    )  # fmt: skip
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["images"] == 3
    assert report["ensemble"]["dice"]["worst"] > 0.85
    assert len(report["members"]) == 3
