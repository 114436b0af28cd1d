"""The tags: what a person reads for a value, and for none."""

from __future__ import annotations

import math
from types import SimpleNamespace
from uuid import UUID

import pytest

from imaging.models import JobStatus, Severity
from mediscan.templatetags import ui


def test_an_icon_is_inline_svg_that_screen_readers_skip():
    svg = ui.icon("upload")
    assert svg.startswith('<svg class="i"')
    assert 'aria-hidden="true"' in svg
    assert "style" not in svg


def test_an_icon_that_is_not_drawn_fails_by_name():
    with pytest.raises(KeyError, match="unicorn"):
        ui.icon("unicorn")


@pytest.mark.parametrize("word", Severity.values)
def test_each_severity_is_word_and_shape(word):
    chip = ui.severity_chip(word)
    assert word.capitalize() in chip
    assert "<svg" in chip


def test_the_three_severities_differ_without_colour():
    shapes = {ui.severity_chip(word).split("<path")[1] for word in ("low", "moderate", "high")}
    assert len(shapes) == 3


def test_no_severity_is_said_and_never_low():
    assert "Not assessed" in ui.severity_chip(None)
    assert "low" not in ui.severity_chip(None)


@pytest.mark.parametrize("status", JobStatus.values)
def test_each_job_state_has_a_look_of_its_own(status):
    assert status in ui.STATUSES
    assert status.capitalize() in ui.status_chip(status)


def test_an_unknown_state_is_shown_as_its_word_and_escaped():
    assert "In review" in ui.status_chip("in_review")
    assert "<script>" not in ui.status_chip("<script>")


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1234.5678, 2, "1,234.57"), (0.999, 2, "1.00"), (0.0, 2, "0.00"), (3, 0, "3"),
     (0.825, 2, "0.83"), (2.675, 2, "2.68"), (0.5, 0, "1"),
     (1e20, 1, "100,000,000,000,000,000,000.0"),
     (None, 2, "—"), ("", 2, "—"), (math.nan, 2, "—"), (math.inf, 2, "—"), (-0.5, 1, "-0.5")],
)  # fmt: skip
def test_number(value, digits, text):
    assert ui.number(value, digits) == text


@pytest.mark.parametrize(("value", "text"), [(27.3151, "27.32 %"), (0, "0.00 %"), (None, "—")])
def test_percent2(value, text):
    assert ui.percent2(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (812_400, "812 kB"), (999_600, "1.0 MB"),
     (3_440_000, "3.4 MB"), (128_000_000, "128 MB"), (5 * 2**30, "5.4 GB"), (None, "—")],
)  # fmt: skip
def test_bytes(value, text):
    assert ui.size(value) == text


def test_short_id_is_what_people_read_out():
    assert ui.short_id(UUID("7f3c41a9-0000-4000-8000-000000000000")) == "7f3c41a9"


@pytest.mark.parametrize(
    ("name", "email", "letters"),
    [("Dr H. Karlsen", "", "HK"), ("Amara", "", "AM"), ("", "kim@example.org", "KI"),
     ("Dr", "", "DR"), ("Prof. Ada Mary Lovelace", "", "AL")],
)  # fmt: skip
def test_initials(name, email, letters):
    assert ui.initials(SimpleNamespace(name=name, email=email)) == letters
