"""The table in the operators' guide is the one that the models folder gives."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from imaging.terminal.kinds_table import kinds_table, placed
from mediscan.management.commands.model_kinds import samples
from tests.inference.factories import onnx_model, torch_model


def test_the_guide_holds_the_table_of_the_models_folder():
    guide = settings.BASE_DIR / "docs" / "operators" / "models.md"
    text = guide.read_text(encoding="utf-8")
    table = kinds_table(settings.BASE_DIR / "models", samples())
    assert text == placed(text, table), f"run: manage.py model_kinds --write {guide}"


def test_a_cell_names_models_or_says_what_was_tried(tmp_path):
    onnx_model(tmp_path, "a", modality=["xray", "ct"])
    torch_model(tmp_path, "b")
    (tmp_path / "ensembles").mkdir()
    (tmp_path / "ensembles" / "both.json").write_text('{"members": [{"model": "a"}]}')
    lines = kinds_table(tmp_path, {"both": "a chest"}).splitlines()
    assert len(lines) == 2 + 9
    assert lines[2] == "| X-ray | segmentation | `b` | `a` | drawn picture | a chest |"
    assert lines[3].endswith("| drawn picture | drawn picture | drawn picture | — |")
    assert lines[8] == "| CT | segmentation | drawn picture | `a` | drawn picture | a chest |"


def test_it_is_written_between_its_marks_alone(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no marks")
    with pytest.raises(CommandError, match="has no <!-- kinds"):
        call_command("model_kinds", write=page)
    page.write_text("a <!-- kinds: manage.py model_kinds --write -->old<!-- /kinds --> b")
    call_command("model_kinds", write=page)
    text = page.read_text()
    assert text.startswith("a <!-- kinds")
    assert text.endswith("<!-- /kinds --> b")
    assert "old" not in text
