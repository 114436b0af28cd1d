"""The pages of all components: every state, from the pages' own templates; nowhere else."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.urls import reverse

from mediscan.templatetags import ui

pytestmark = pytest.mark.django_db
PAGE, VIEWER = reverse("kit"), reverse("kit-viewer")


@pytest.mark.parametrize("address", [PAGE, VIEWER])
def test_it_is_there_for_tests_and_debugging_alone(client, settings, address):
    assert client.get(address).status_code == 200
    settings.KIT = False
    assert client.get(address).status_code == 404
    settings.DEBUG = True
    assert client.get(address).status_code == 200


def test_each_word_of_each_state_is_on_it(client):
    text = client.get(PAGE).content.decode()
    looks = {**ui.SEVERITIES, **ui.STATUSES, **ui.OUTCOMES, **ui.FINDINGS}
    missing = [word for _css, _shape, word in looks.values() if f"{word}</span>" not in text]
    assert missing == []


def test_fields_are_empty_filled_refused_and_switched_off(client):
    text = client.get(PAGE).content.decode()
    assert "What was typed" in text
    assert "This field is required." in text
    assert "Select a valid choice" in text
    assert re.search(r'id="off_text"[^>]* disabled|disabled[^>]*id="off_text"', text)


@pytest.mark.parametrize(("address", "words"), [
    (PAGE, ("8 started, 2 skipped", "lungs-unet", "Version 2, saved", "Yours, not saved",
            "Confirm code", "JBSW Y3DP", "Signed a decision", "Shown to auditors",
            "The row is gone", "Nothing matches", "There is a problem")),
    (VIEWER, ("Eraser", "Not analysed", "Not assessed", "Analyse all the same", "Remove L2",
              "Out of memory on cuda:0", "not run", "Signature broken", "Amend the signed version",
              "Choose why the result is rejected")),
])  # fmt: skip
def test_each_part_is_there_in_its_states(client, address, words):
    text = client.get(address).content.decode()
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("name", ["kit", "kit_viewer"])
def test_it_copies_no_component(name):
    """All but buttons, flags and the frame of a dialog come from templates that pages include."""
    kit = (settings.BASE_DIR / f"templates/{name}.html").read_text(encoding="utf-8")
    included = set(re.findall(r'{% include "([^"]+)"', kit))
    others = "".join(path.read_text(encoding="utf-8")
                     for path in (settings.BASE_DIR / "templates").rglob("*.html")
                     if not path.name.startswith("kit"))  # fmt: skip
    assert len(included) >= 6
    assert {name for name in included if f'"{name}"' not in others} == set()
