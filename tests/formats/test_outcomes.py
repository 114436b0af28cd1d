"""Every real file, through the engine child under its caps, ends as the table says it does.

A new outcome is looked at by a person, who then makes the table again (see table.py).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.formats.table import PAGE, TABLES, lines, page
from tests.formats.test_real_files import DATA, WHEEL, needs_data

pytestmark = pytest.mark.engine


def test_the_operators_guide_shows_the_tables_in_short():
    assert PAGE.read_text() == page()


def inspected(capsys, roots: list[Path], *options: str) -> list[str]:
    with pytest.raises(CommandError, match="refused"):
        call_command("inspect", *map(str, roots), "--json", *options)
    return lines(json.loads(capsys.readouterr().out), roots)


def table(name: str) -> list[str]:
    return (TABLES / f"{name}.tsv").read_text().splitlines()


def test_the_files_that_come_with_pydicom(capsys):
    assert inspected(capsys, [WHEEL], "--each") == table("pydicom")


@needs_data
@pytest.mark.data
def test_the_real_files_each_for_itself(capsys):
    assert inspected(capsys, [DATA / "dicom", DATA / "formats"], "--each") == table("each")


@needs_data
@pytest.mark.data
def test_the_real_files_sent_together(capsys):
    assert inspected(capsys, [DATA / "dicom"]) == table("together")
