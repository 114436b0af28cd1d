"""summary.csv: one row per input, and no cell that a spreadsheet would run."""

import csv

import pytest

from imaging.terminal.summary import failed_row, safe_cell, summary_write


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_becomes_text(start):
    assert safe_cell(f"{start}cmd") == f"'{start}cmd"


def test_numbers_and_plain_texts_stay():
    assert [safe_cell(value) for value in (-3.5, 0, "a=b", "", None)] == [-3.5, 0, "a=b", "", ""]


def test_a_failed_input_has_its_reason_in_the_table(tmp_path):
    summary_write(tmp_path / "summary.csv", [failed_row("=a.png", "It is empty, send another.")])
    with (tmp_path / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["outcome"], row["reason"]) for row in rows] == [
        ("'=a.png", "failed", "It is empty, send another.")
    ]
    assert rows[0]["area_px"] == ""
