"""Births, sexes, ages and moments as the pages write them."""

from __future__ import annotations

import pytest
from django.utils import translation

from imaging.templatetags.people import age, day, moment, sex


def test_a_birth_is_written_in_the_pages_language():
    assert day("19700131") == "31 Jan 1970"
    with translation.override("de"):
        assert day("19700131") == "31. Jan 1970"


@pytest.mark.parametrize("stored", ["", "1970", "19701301", "about 1970"])
def test_what_is_no_day_stays_as_it_came(stored):
    assert day(stored) == stored


def test_a_sex_is_a_word_and_an_unknown_code_stays():
    assert [sex(one) for one in ("F", "M", "O", "", "X")] == ["female", "male", "other", "", "X"]


def test_a_moment_has_a_time_only_where_the_file_had_one():
    assert moment("2026-11-21 08:42") == "21 Nov 2026, 08:42"
    assert moment("2026-11-21") == "21 Nov 2026"
    assert moment("") == ""
    assert moment("in spring") == "in spring"


@pytest.mark.parametrize(
    ("born", "seen", "years"),
    [
        ("19680314", "2026-11-21 08:42", "58 years"),
        ("19680314", "2026-03-13", "57 years"),
        ("20250101", "2026-06-01", "1 year"),
        ("20260101", "2026-06-01", "0 years"),
        ("20260602", "2026-06-01", ""),
        ("", "2026-06-01", ""),
        ("19680314", "", ""),
    ],
)
def test_an_age_is_whole_years_at_the_study(born, seen, years):
    assert age(born, seen) == years
