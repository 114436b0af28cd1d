"""What other systems are told: one table of measures, of which each format knows every unit."""

from __future__ import annotations

from imaging.dicom_out.report import UCUM
from reports.measures import TOLD


def test_the_structured_report_knows_each_unit_and_tells_each_measure_apart():
    assert {one.unit for one in TOLD} <= UCUM.keys()
    assert {UCUM[one.unit][0] for one in TOLD} == {one.unit for one in TOLD}  # it is UCUM's own
    codes = [one.code for one in TOLD]
    assert len(set(codes)) == len(codes)
    assert all(len(code) <= 16 for code in codes)
