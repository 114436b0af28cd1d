"""The numbers of the starter models are what they were: their golden cases, G8 of the gates."""

from pathlib import Path

import pytest

from imaging.engine.golden import golden_run
from imaging.inference.ensembles import model_names

STARTERS = Path(__file__).resolve().parents[2] / "models"


@pytest.mark.parametrize("name", model_names(STARTERS))
def test_a_starter_model_answers_as_it_must(name):
    found = golden_run(STARTERS, name, lambda *_: None)
    assert (found["outcome"], found["sentence"]) == ("passed", "")
    assert found["figures"]


@pytest.mark.parametrize("name", model_names(STARTERS))
def test_a_starter_with_its_case_is_no_more_than_eight_megabytes(name):
    size = sum(one.stat().st_size for one in (STARTERS / name).iterdir())
    assert size <= 8 << 20
