"""A golden case: run when a model is taken in; one that fails is kept out with its numbers."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from imaging.formats.png import encode_png
from imaging.models import ModelState, ModelVersion
from imaging.registry import models_sync
from imaging.registry.approvals import model_approve
from imaging.registry.store import folder_of
from imaging.registry.taking import Sent, model_golden, model_take
from imaging.services.refusals import NotPossible
from tests.accounts.factories import UserFactory
from tests.imaging.factories import ModelVersionFactory
from tests.registry.sent import places, sent_folder

pytestmark = pytest.mark.django_db
__all__ = ["places"]
GOLDEN = {"input": "golden-input.png", "expected": "golden-expected.png"}


def picture() -> np.ndarray:
    """What the identity network answers to itself: 40 of 256 pixels at 200, the rest at 10."""
    array = np.full((16, 16), 10, dtype=np.uint8)
    array[3:8, 4:12] = 200
    return array


def with_case(places, change=lambda expected: None, **golden):
    folder = sent_folder(places, golden={**GOLDEN, **golden})
    expected = picture()
    change(expected)
    (folder / "golden-input.png").write_bytes(encode_png(picture()))
    (folder / "golden-expected.png").write_bytes(encode_png(expected))
    return folder


def page(client, model) -> str:
    client.force_login(UserFactory(role="administrator"))
    return client.get(reverse("imaging:model-detail", args=[model.pk])).content.decode()


def test_a_model_that_answers_as_it_must_waits_for_its_yeses_with_figures(places, client):
    model = model_take(Sent(with_case(places)))
    assert (model.state, model.problem) == (ModelState.CHECKED, "")
    golden = model.facts["golden"]
    assert (golden["outcome"], golden["input"]) == ("passed", "golden-input.png")
    assert golden["figures"] == {"levels": 0, "dice": 1.0, "area_points": 0.0, "severity": "high"}
    kept = {one.name for one in folder_of(model).iterdir()}
    assert {"golden-input.png", "golden-expected.png"} <= kept
    shown = page(client, model)
    assert 'data-golden="passed"' in shown
    assert "Dice with the expected mask" in shown


def move_a_row(expected):
    expected[8, 4:12] = 200  # 48 pixels expected, 40 found: Dice 80/88, 18.75 less 15.63 %


def test_a_model_that_answers_otherwise_is_quarantined_with_the_numbers(places, client):
    model = model_take(Sent(with_case(places, move_a_row)))
    assert model.state == ModelState.QUARANTINED
    assert model.problem == (
        "Its golden case failed. The map differs by 190 of 255; 1 are allowed. Dice with the"
        " expected mask is 0.9091; 0.999 is wanted. The area differs by 3.12 percentage points;"
        " 0.1 are allowed."
    )
    with pytest.raises(NotPossible):
        model_approve(user=UserFactory(), model=model, kind="clinical")
    models_sync()  # its files are what they were; that does not let it back in
    model.refresh_from_db()
    assert model.state == ModelState.QUARANTINED
    assert 'data-golden="failed"' in page(client, model)


def two_levels(expected):
    expected[0, 0] += 2


@pytest.mark.parametrize(("tolerance", "state"), [(1, "quarantined"), (2, "checked")])
def test_the_tolerance_is_in_levels_of_255(places, tolerance, state):
    assert model_take(Sent(with_case(places, two_levels, tolerance=tolerance))).state == state


def test_a_picture_that_cannot_be_read_is_a_failed_case(places):
    folder = with_case(places)
    (folder / "golden-input.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    model = model_take(Sent(folder))
    assert model.state == ModelState.QUARANTINED
    assert "golden-input.png" in model.problem


def test_a_case_arrives_in_a_zip_too(places, tmp_path):
    folder, data = with_case(places), io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"mine/{path.name}")
    (tmp_path / "mine.zip").write_bytes(data.getvalue())
    model = model_take(Sent(tmp_path / "mine.zip", "mine.zip"))
    assert model.facts["golden"]["outcome"] == "passed"
    assert (folder_of(model) / "golden-expected.png").is_file()


def test_who_approves_reads_plainly_that_none_was_given(places, client):
    model = model_take(Sent(sent_folder(places)))
    assert (model.state, model.facts["golden"]["outcome"]) == ("checked", "none")
    shown = page(client, model)
    assert 'data-golden="none"' in shown
    assert "No golden case was given" in shown


def test_a_folder_that_declares_one_and_never_ran_it_says_so(client):
    model = ModelVersionFactory(metadata={"golden": GOLDEN}, facts={})
    assert "was not run on this machine yet" in page(client, model)


def test_it_is_run_again_by_command_and_a_failure_takes_the_model_out(places, capsys):
    model = model_take(Sent(with_case(places)))
    call_command("run_golden", "mine")
    assert "Golden case passed" in capsys.readouterr().out
    file = folder_of(model) / "golden-expected.png"
    file.chmod(0o600)
    file.write_bytes(encode_png(255 - picture()))
    with pytest.raises(CommandError, match="1 golden cases failed"):
        call_command("run_golden")
    model.refresh_from_db()
    assert model.state == ModelState.QUARANTINED
    file.write_bytes(encode_png(picture()))
    model_golden(model)
    models_sync()
    model.refresh_from_db()
    assert (model.state, model.problem) == (ModelState.CHECKED, "")


@pytest.mark.parametrize(("change", "state"), [(lambda _: None, "checked"),
                                                (move_a_row, "quarantined")])  # fmt: skip
def test_a_folder_laid_into_the_models_folder_has_its_case_run_once(
    places, settings, monkeypatch, change, state
):
    with_case(places, change).rename(settings.MODELS_DIR / "mine")
    models_sync()
    model = ModelVersion.objects.get()
    assert (model.state, "0.9091" in model.problem) == (state, state == "quarantined")
    monkeypatch.setattr("imaging.registry.sync.model_golden", None)  # not asked again
    models_sync()
    model.refresh_from_db()
    assert model.state == state


def test_an_unknown_model_is_named(places):
    with pytest.raises(CommandError, match="no model other"):
        call_command("run_golden", "other")


def test_the_declared_files_are_plain_names(places):
    for golden in ({"input": "../x.png"}, {"expected": 7}, {"tolerance": 14}, {"more": 1}):
        folder = with_case(places, **golden)
        with pytest.raises(Exception, match="golden"):
            model_take(Sent(folder))
    assert json.loads((folder / "metadata.json").read_text())["golden"]["more"] == 1
